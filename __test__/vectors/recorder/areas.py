"""The areas of single calls: opening, the cursor, items and slices, searching."""

from .values import ACCESS_NAMES, Bytes, FILE, Hex, MAX_INT, Name, PAGE, READ, SAFE_INTEGER, Text


def record_constructor(area):
    digits = Hex(b"0123456789")
    pages = Bytes(1, 3 * PAGE)

    with area.sequence("lengths of a small file", digits) as s:
        huge = (2**31, 2**32, 2**53, 2**62, MAX_INT, 2**63, 2**64)
        for length in (0, 1, 9, 10, 11, 4096, 4097, *huge, -1, -2, -(2**63)):
            if "raises" not in (s.mmap(FILE, length) or {}):
                s.do("state")
                s.do("read")

    for file_length in (1, PAGE - 1, PAGE, PAGE + 1, 5000, 3 * PAGE):
        with area.sequence(f"lengths and offsets, file of {file_length}", Bytes(2, file_length)) as s:
            for offset in range(0, 5 * PAGE, PAGE):
                for length in (0, 1, file_length - offset - 1, file_length - offset, file_length - offset + 1, PAGE):
                    if "raises" not in (s.mmap(FILE, length, offset=offset) or {}):
                        s.do("state")
                        s.do("read")
                        s.do("size")

    with area.sequence("offsets out of range", pages) as s:
        for offset in (-1, -2, -PAGE, -(2**63), -(2**63) - 1, 4 * PAGE, 2**31, 2**40, 2**62, 2**63, 2**64):
            for length in (0, 1, PAGE):
                s.mmap(FILE, length, offset=offset)
    with area.sequence("an unaligned offset beyond the end", digits) as s:
        for offset in (11, 20, 4095):
            s.mmap(FILE, 0, offset=offset)
            s.mmap(FILE, 1, offset=offset)
    with area.sequence("offset and length overflow together", pages) as s:
        s.mmap(FILE, MAX_INT, offset=PAGE)
        s.mmap(FILE, MAX_INT - PAGE, offset=PAGE)
        s.mmap(FILE, PAGE, offset=MAX_INT - PAGE + 1)

    for mode in ("r+", "r", "w"):
        for content, title in ((Hex(b""), "an empty file"), (digits, "a small file")):
            with area.sequence(f"{title} opened {mode}, every access", content, mode) as s:
                for access in ACCESS_NAMES:
                    for length in (0, 5, 11):
                        if "raises" not in (s.mmap(FILE, length, access=access) or {}):
                            s.do("state")
                            s.do("read")
    with area.sequence("an empty file at an offset", Hex(b"")) as s:
        for offset in (PAGE, 2147418112):
            s.mmap(FILE, 0, offset=offset)
            s.mmap(FILE, 1, offset=offset)

    with area.sequence("access that is none", digits) as s:
        for access in (4, 5, 100, -1, 2**31 - 1, 2**31, 2**40):
            s.mmap(FILE, 0, access=access)
    with area.sequence("arguments of the wrong type", digits) as s:
        for wrong in ("x", None, [1], b"1"):
            s.mmap(FILE, wrong)
            s.mmap(FILE, 0, access=wrong)
            s.mmap(FILE, 0, offset=wrong)
            s.mmap(FILE, 0, flags=wrong)
            s.mmap(FILE, 0, prot=wrong)
        for wrong in (None, [1]):
            s.mmap(wrong, 0)

    with area.sequence("which check comes first", digits) as s:
        conflict = {"access": READ, "flags": Name("MAP_PRIVATE")}
        for length in (0, -1, 11):
            for offset in (0, -1, PAGE):
                s.mmap(FILE, length, offset=offset)
                s.mmap(FILE, length, offset=offset, access=7)
                s.mmap(FILE, length, offset=offset, **conflict)
                s.mmap(-2, length, offset=offset, access=7)
                s.mmap(-2, length, offset=offset, **conflict)
        s.mmap(FILE, 0, access=7, flags=Name("MAP_PRIVATE"))
    record_flags(area, pages)
    record_descriptors(area, digits)


def record_flags(area, content):
    flag_choices = (None, "MAP_SHARED", "MAP_PRIVATE", "MAP_PRIVATE|MAP_NORESERVE", "MAP_SHARED|MAP_POPULATE",
                    "MAP_PRIVATE|MAP_POPULATE", "MAP_SHARED|MAP_DENYWRITE", "MAP_SHARED|MAP_EXECUTABLE")
    prot_choices = (None, "PROT_READ", "PROT_WRITE", "PROT_READ|PROT_WRITE")
    for access in (None, *ACCESS_NAMES):
        for prot in prot_choices:
            title = f"flags with access {ACCESS_NAMES.get(access, 'missing')} and prot {prot or 'missing'}"
            with area.sequence(title, content) as s:
                for flags in flag_choices:
                    options = {} if access is None else {"access": access}
                    if flags is not None:
                        options["flags"] = Name(flags)
                    if prot is not None:
                        options["prot"] = Name(prot)
                    if "raises" in (s.mmap(FILE, 100, **options) or {}):
                        continue
                    s.do("state")
                    if prot != "PROT_WRITE":
                        s.do("read", 8)
                    s.do("write", b"abc")
                    s.file()
    for mode in ("r", "w"):
        with area.sequence(f"prot on a descriptor opened {mode}", content, mode) as s:
            for flags in ("MAP_SHARED", "MAP_PRIVATE"):
                for prot in ("PROT_READ", "PROT_WRITE", "PROT_READ|PROT_WRITE"):
                    if "raises" not in (s.mmap(FILE, 10, flags=Name(flags), prot=Name(prot)) or {}):
                        s.do("state")
                        s.do("write", b"x")
    with area.sequence("flags that say neither shared nor private", content) as s:
        s.mmap(FILE, 10, flags=0)
        s.mmap(FILE, 10, flags=Name("MAP_NORESERVE"))
    with area.sequence("no right to read: only the constructor and repr", content) as s:
        s.mmap(FILE, 10, prot=0)  # PROT_NONE, which CPython does not export
        s.do("state")
        s.do("write", b"x")
        s.mmap(FILE, 10, prot=0, flags=Name("MAP_PRIVATE"))
        s.do("state")
    with area.sequence("executable anonymous memory") as s:
        for prot in ("PROT_EXEC", "PROT_READ|PROT_EXEC", "PROT_READ|PROT_WRITE|PROT_EXEC"):
            s.mmap(-1, 10, prot=Name(prot))
            s.do("state")
            s.do("write", b"x")
            s.do("write_byte", 1)
        s.mmap(-1, 10, prot=Name("PROT_EXEC"), flags=Name("MAP_PRIVATE|MAP_ANONYMOUS"))
        s.do("state")


def record_descriptors(area, content):
    with area.sequence("descriptors that are none") as s:
        for fd in (-2, 9999):
            for length in (0, 1, PAGE):
                for access in ACCESS_NAMES:
                    s.mmap(fd, length, access=access)
    for access, name in ACCESS_NAMES.items():
        with area.mapped(f"descriptor closed at once, {name}", content, access=access) as s:
            s.closefd()
            s.do("read")
            s.do("size")
            s.do("setitem", 0, 65)


def record_cursor(area):
    digits = Hex(b"0123456789abcdef")
    for position in range(17):
        with area.mapped(f"read() from {position}", digits) as s:
            s.do("seek", position)
            s.do("read")
            for count in (None, -1, -2, -42, 0, 1, 5, 16, 17, 1000, 2**31, 2**40, SAFE_INTEGER):
                s.do("seek", position)
                s.do("read", count)
                s.do("tell")
    with area.mapped("arguments of the wrong type", digits) as s:
        for op in ("read", "seek", "write_byte"):
            for wrong in ("foo", [1, 2, 3], b"1"):
                s.do(op, wrong)
        for op in ("seek", "write_byte", "write"):
            s.do(op, None)
            s.do(op)
        for whence in ("x", None, [0]):
            s.do("seek", 0, whence)
        for data in (5, [1, 2], None):
            s.do("write", data)
        s.do("state")

    for length in (1, 10, PAGE):
        with area.mapped(f"seek in {length} bytes", Bytes(3, length)) as s:
            near = (0, 1, -1, 2, -2, length // 2, length - 1, length, length + 1, -length + 1, -length, -length - 1)
            for start in (0, length // 2, length):
                for whence in (0, 1, 2):
                    for distance in (*near, 2**31, -(2**31), 2**40, SAFE_INTEGER, -SAFE_INTEGER, MAX_INT, -MAX_INT):
                        s.do("seek", start)
                        s.do("seek", distance, whence)
                        s.do("tell")
    with area.mapped("seek, whence and overflow", digits) as s:
        for whence in (-1, 3, 4, 5, 100, 2**31 - 1, -(2**31), 2**31, 2**40):
            for position in (0, 3, 17, -1):
                s.do("seek", position, whence)
        for position in (2**63, 2**64, -(2**63) - 1):
            s.do("seek", position)
        s.do("tell")
        s.do("seekable")

    with area.mapped("bytes one by one", Hex(bytes(10))) as s:
        for value in (*b"012345678", 255, 7):
            s.do("tell")
            s.do("write_byte", value)
        s.do("seek", 0)
        for _ in range(11):
            s.do("tell")
            s.do("read_byte")
        s.do("seek", 3)
        s.do("read", 3)
        s.do("seek", 3)
        s.do("write", b"bar")
        s.do("write", b"bazz")
        s.do("write", b"!!")
        s.do("getslice", None, None, None)
    with area.mapped("write_byte of values that are no byte", digits) as s:
        for value in (-1, -2, -256, 256, 257, 300, 65536, 2**31, -(2**31), 2**40, 2**63):
            s.do("write_byte", value)
            s.do("tell")
        s.do("seek", 0, 2)
        s.do("write_byte", 256)
        s.do("write_byte", 5)
    with area.mapped("bytes beyond ASCII", Hex(bytes(256))) as s:
        for value in range(256):
            s.do("write_byte", value)
        for value in (0, 127, 128, 129, 200, 255):
            s.do("getitem", value)
            s.do("seek", value)
            s.do("read_byte")

    with area.mapped("write fits or does nothing", digits) as s:
        for position in (0, 1, 8, 14, 15, 16):
            for length in (0, 1, 2, 6, 15, 16, 17, 40):
                s.do("seek", position)
                s.do("write", Bytes(position + length, length))
                s.do("tell")
                s.do("getslice", None, None, None)
    with area.mapped("write across a page", Bytes(4, 2 * PAGE)) as s:
        for length in (10, 100, PAGE, PAGE + 6, PAGE + 7):
            s.do("seek", PAGE - 6)
            s.do("write", Text(length, length))
            s.do("state")
        s.file()

    line_files = {
        "no newline": Hex(b"abc"), "only newlines": Hex(b"\n\n\n"), "last line open": Hex(b"one\ntwo\nthr"),
        "last line closed": Hex(b"one\ntwo\n"), "carriage returns and zeros": Hex(b"a\r\nb\0c\rd\n\0"),
        "a long line": Bytes(11, 700), "text": Text(5, 1000), "text across pages": Text(6, 2 * PAGE),
    }
    for name, content in line_files.items():
        with area.mapped(f"readline: {name}", content, access=READ) as s:
            for _ in range(60):
                s.do("readline")
                s.do("tell")
            for position in (0, 1, len(content.value()) // 2, len(content.value())):
                s.do("seek", position)
                s.do("readline")
    with area.mapped("a whole file of 64 KiB", Bytes(7, 65536), access=READ) as s:
        s.do("len")
        s.do("read", 65536)
        s.do("read", 1)
        s.do("close")
        s.do("close")


def record_items_and_slices(area):
    extremes = (2**31, -(2**31), 2**40, -SAFE_INTEGER, MAX_INT, -MAX_INT, 2**63, -(2**63) - 1, 2**70)
    for length in (1, 10, 256, PAGE):
        with area.mapped(f"items of {length} bytes", Bytes(length & 255, length)) as s:
            near = {0, 1, 2, length // 2, length - 2, length - 1, length, length + 1, length + 100}
            for index in (*sorted(near | {-index for index in near}), *extremes):
                s.do("getitem", index)
                s.do("setitem", index, 77)
                s.do("getitem", index)
    with area.mapped("item values", Bytes(0, 10)) as s:
        for value in (0, 1, 127, 128, 255, 256, 257, -1, -128, -255, -256, 1000, 2**31, -(2**31), 2**40):
            s.do("setitem", 4, value)
            s.do("getitem", 4)
        s.do("setitem", 10, 256)
    with area.mapped("items of the wrong type", Bytes(0, 10)) as s:
        for wrong in ("x", None, [1], b"1"):
            s.do("getitem", wrong)
            s.do("setitem", wrong, 1)
            s.do("setitem", 1, wrong)
        for wrong in ("x", [1], b"1"):
            for parts in ((wrong, None, None), (None, wrong, None), (None, None, wrong)):
                s.do("getslice", *parts)
                s.do("setslice", *parts, b"abc")
        for wrong in (5, [1, 2], None):
            s.do("setslice", 0, 2, None, wrong)
    with area.mapped("iteration", Text(1, 50), access=READ) as s:
        s.do("iter")
        s.do("len")

    parts = (0, None, 1, 3, 19, 300, MAX_INT, -1, -2, -31, -300)
    steps = parts[1:]
    for start in parts:
        with area.mapped(f"slices of 256 bytes from {start}", Bytes(0, 256), access=READ) as s:
            for stop in parts:
                for step in steps:
                    s.do("getslice", start, stop, step)
    for start in parts:
        with area.mapped(f"slice assignments of 256 bytes from {start}", Bytes(0, 256)) as s:
            for stop in parts:
                for step in steps:
                    length = len(range(256)[start:stop:step])
                    s.do("setslice", start, stop, step, Bytes(area.random.randrange(256), length))
                    s.do("getslice", None, None, None)
    small = (None, *range(-8, 9))
    for step in (None, 1, 2, 3, -1, -2, -3, 7, -7):
        with area.mapped(f"every slice of 6 bytes, step {step}", Hex(b"abcdef"), access=READ) as s:
            for start in small:
                for stop in small:
                    s.do("getslice", start, stop, step)
    with area.mapped("slice parts beyond ssize_t", Hex(b"abcdef")) as s:
        for part in extremes:
            s.do("getslice", part, None, None)
            s.do("getslice", None, part, None)
            s.do("getslice", part, None, -1)
            s.do("getslice", None, part, -1)
            s.do("getslice", None, None, part)
            s.do("getslice", 2, None, part)
    with area.mapped("step zero", Hex(b"abcdef")) as s:
        for start, stop in ((None, None), (0, 3), (3, 0), (10, 20)):
            s.do("getslice", start, stop, 0)
            s.do("setslice", start, stop, 0, b"")
    for step in (None, 1, 2, -1, -3):
        with area.mapped(f"slice assignments of every length, step {step}", Hex(b"abcdefgh")) as s:
            for start, stop in ((None, None), (0, 0), (2, 5), (5, 2), (-3, None), (7, 100), (100, 200), (None, -100)):
                for length in range(10):
                    s.do("setslice", start, stop, step, b"ABCDEFGHIJ"[:length])
            s.do("getslice", None, None, None)
    with area.mapped("large slices across pages", Bytes(9, 3 * PAGE)) as s:
        for start, stop in ((PAGE - 1, PAGE + 1), (1, 2 * PAGE), (None, None), (PAGE, 2 * PAGE), (-PAGE, None)):
            for step in (None, 1, 2, 1000, -1, -4096):
                length = len(range(3 * PAGE)[start:stop:step])
                s.do("getslice", start, stop, step)
                s.do("setslice", start, stop, step, Text(length, length))
        s.file()


def record_search(area):
    data = b"aabaac\x00deef\x00\x00aa\x00"
    for start in range(len(data)):
        with area.mapped(f"every substring from {start}, zeros among them", Hex(data), access=READ) as s:
            for stop in range(start + 1, len(data) + 1):
                s.do("find", data[start:stop])
                s.do("find", data[start:stop] + b"x")
                s.do("rfind", data[start:stop])

    words = b"one two ones"
    for needle in (b"", b"o", b"on", b"two", b"ones"):
        for start in range(-len(words) - 2, len(words) + 3):
            title = f"{needle.decode() or 'nothing'} in '{words.decode()}' from {start}"
            with area.mapped(title, Hex(words), access=READ) as s:
                for stop in range(-len(words) - 2, len(words) + 3):
                    s.do("find", needle, start, stop)
                    s.do("rfind", needle, start, stop)
    with area.mapped("the start is the cursor when missing", Hex(words)) as s:
        for position in range(len(words) + 1):
            s.do("seek", position)
            for needle in (b"", b"one", b"ones", b"e", b"two ", b" ", b"x", words, words + b"!"):
                s.do("find", needle)
                s.do("rfind", needle)
                s.do("find", needle, 1)
                s.do("rfind", needle, -4)
            s.do("tell")
    with area.mapped("bounds far away", Hex(words), access=READ) as s:
        for bound in (100, -100, 2**31, -(2**31), 2**40, SAFE_INTEGER, -SAFE_INTEGER, MAX_INT, -MAX_INT):
            for needle in (b"", b"one", b"s"):
                for op in ("find", "rfind"):
                    s.do(op, needle, bound)
                    s.do(op, needle, 0, bound)
                    s.do(op, needle, bound, bound)
    with area.mapped("arguments of the wrong type", Hex(words)) as s:
        for op in ("find", "rfind"):
            for wrong in (5, [1], None):
                s.do(op, wrong)
            s.do(op)
            for wrong in ("x", [1], b"1"):
                s.do(op, b"one", wrong)
                s.do(op, b"one", 0, wrong)
    with area.mapped("a needle that grows over a page", Bytes(1, 2 * PAGE), access=READ) as s:
        content = Bytes(1, 2 * PAGE).value()
        for length in (1, 2, 3, 15, 16, 17, 31, 32, 33, 64):
            for start in (PAGE - length, PAGE - length // 2, PAGE):
                s.do("find", content[start : start + length])
                s.do("rfind", content[start : start + length])

    for seed in range(8):
        record_random_searches(area, seed, 100)


def record_random_searches(area, seed, searches):
    """Long haystacks and needles of all lengths, for errors at the edges of a vectorised search."""
    rng = area.random
    content = Text(seed + 1, rng.choice((100, 1000, PAGE + 1, 3 * PAGE - 5)))
    data = content.value()
    with area.mapped(f"random searches in text {seed}", content, access=READ) as s:
        for _ in range(searches):
            start = rng.randrange(len(data))
            needle = bytearray(data[start : start + rng.choice((1, 1, 2, 2, 3, 4, 5, 8, 16, 33, 64))])
            if rng.random() < 0.3:
                needle[rng.randrange(len(needle))] = rng.choice(b"xab\n")
            bounds = [rng.randint(-len(data) - 5, len(data) + 5) for _ in range(rng.randrange(3))]
            s.do(rng.choice(("find", "rfind")), bytes(needle), *bounds)
