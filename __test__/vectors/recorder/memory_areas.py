"""The areas of memory: moves, resizes, access, the system, anonymous memory, closed maps."""

from .values import ACCESS_NAMES, Bytes, COPY, DEFAULT, Hex, MAX_INT, Name, PAGE, READ, Text, WRITE


def record_move_and_resize(area):
    record_moves(area)
    record_file_resizes(area)
    record_resize_errors(area)


def record_moves(area):
    letters = b"ABCDEabcde"
    for dest in range(len(letters)):
        with area.mapped(f"every move to {dest} in 10 bytes", Hex(letters)) as s:
            for src in range(len(letters)):
                for count in range(len(letters) - max(dest, src) + 1):
                    s.do("setslice", None, None, None, letters)
                    s.do("move", dest, src, count)
                    s.do("getslice", None, None, None)
    bad = (-100, -10, -1, 0, 1, 10, 11, 100, MAX_INT, -MAX_INT)
    for dest in bad:
        with area.mapped(f"moves out of range, to {dest}", Hex(letters)) as s:
            for src in bad:
                for count in (-100, -1, 0, 1, 10, 100, MAX_INT):
                    s.do("move", dest, src, count)
            s.do("getslice", None, None, None)
    with area.mapped("moves in one byte", Hex(b"x")) as s:
        for arguments in ((0, 0, 2), (1, 0, 1), (0, 1, 1), (0, 0, 1), (0, 0, 0), (1, 1, 0), (1, 0, 0), (2, 0, 0)):
            s.do("move", *arguments)
    with area.mapped("moves of the wrong type", Hex(letters)) as s:
        for wrong in ("x", None, [1]):
            s.do("move", wrong, 0, 1)
            s.do("move", 0, wrong, 1)
            s.do("move", 0, 1, wrong)
        s.do("move", 0, 1)
        s.do("move")
    with area.mapped("moves across pages, overlapping", Bytes(5, 3 * PAGE)) as s:
        for _ in range(100):
            count = area.random.randrange(2 * PAGE)
            dest, src = (area.random.randrange(3 * PAGE - count + 1) for _ in range(2))
            s.do("move", dest, src, count)
            s.do("getslice", None, None, None)


def record_file_resizes(area):
    sizes = (1, 2, 100, PAGE - 1, PAGE, PAGE + 1, 5000, 2 * PAGE, 3 * PAGE, 10 * PAGE)
    for length in (10, PAGE, 2 * PAGE, 3 * PAGE):
        for access in (DEFAULT, WRITE):
            for size in sizes:
                title = f"resize {length} to {size}, {ACCESS_NAMES[access]}"
                with area.mapped(title, Bytes(8, length), access=access) as s:
                    s.do("seek", length // 2)
                    s.do("resize", size)
                    look_after_resize(s)
    for length, size in ((PAGE, 512), (PAGE, PAGE), (PAGE, 5000), (2 * PAGE, 1), (0, 512), (0, 3 * PAGE)):
        with area.mapped(f"resize {length} at an offset to {size}", Bytes(9, 3 * PAGE), length, offset=PAGE) as s:
            s.do("resize", size)
            look_after_resize(s)
            s.do("seek", size + 1)
    with area.mapped("resize of a part cuts or extends the file to it", Bytes(9, 3 * PAGE), 100) as s:
        for size in (200, 50, PAGE, 2 * PAGE + 1):
            s.do("resize", size)
            look_after_resize(s)
    with area.mapped("resize after the descriptor is closed", Text(2, 100)) as s:
        s.closefd()
        s.do("resize", 5000)
        look_after_resize(s)
    with area.mapped("the cursor stays where a shrunk map no longer is", Bytes(3, 2 * PAGE)) as s:
        s.do("read", 5000)
        s.do("resize", PAGE)
        s.do("state")
        s.do("read", 14)
        s.do("read")
        s.do("readline")
        s.do("read_byte")
        s.do("write_byte", 42)
        s.do("write", b"abc")
        s.do("write", b"")
        s.do("find", b"a")
        s.do("rfind", b"")
        for whence in (0, 1, 2):
            s.do("seek", 0, whence)
        s.do("state")
    for seed in range(12):
        record_random_resizes(area, seed)


def look_after_resize(s):
    s.do("state")
    s.do("size")
    s.do("getslice", None, None, None)
    s.do("setitem", -1, 90)
    s.do("getitem", len(s.map))
    s.do("write", b"z")
    s.file()


def record_random_resizes(area, seed):
    rng = area.random
    offset = rng.choice((0, PAGE))
    with area.mapped(f"random resizes {seed}", Bytes(seed, rng.randint(PAGE + 1, 3 * PAGE)), offset=offset) as s:
        for _ in range(10):
            s.do("resize", rng.choice((rng.randint(1, 100), rng.randint(1, 4 * PAGE), PAGE * rng.randint(1, 4))))
            s.do("state")
            s.do("setslice", -1, None, None, bytes([rng.randrange(256)]))
            s.do("getslice", None, None, None)
            s.file()


def record_resize_errors(area):
    content = Bytes(1, 2 * PAGE)
    for access in (DEFAULT, READ, WRITE, COPY):
        for trackfd in (True, False):
            title = f"resize errors, {ACCESS_NAMES[access]}, trackfd={trackfd}"
            with area.mapped(title, content, access=access, trackfd=trackfd) as s:
                for size in (-1, -2, -PAGE, -(2**63), -(2**63) - 1, 2**63, 2**64):
                    s.do("resize", size)
                if access in (READ, COPY) or not trackfd:
                    for size in (1, PAGE, 3 * PAGE):
                        s.do("resize", size)
                s.do("state")
                s.do("getslice", None, None, None)
    with area.mapped("resize of a map made with prot=PROT_READ", content, prot=Name("PROT_READ")) as s:
        s.do("resize", PAGE)
        s.do("state")
    with area.mapped("offset and new size overflow together", content, offset=PAGE) as s:
        s.do("resize", MAX_INT)
        s.do("resize", MAX_INT - PAGE + 1)
        s.do("state")
    with area.mapped("resize to the wrong type", content) as s:
        for wrong in ("x", None, [1]):
            s.do("resize", wrong)
        s.do("resize")
        s.do("state")


WRITES = (
    ("write", b"abc"), ("write", b""), ("write", Bytes(1, 20000)), ("write_byte", 65), ("write_byte", 256),
    ("setitem", 0, 65), ("setitem", -1, 66), ("setitem", 99999, 66), ("setitem", 1, 300),
    ("setslice", 0, 3, None, b"xyz"), ("setslice", None, 6, 2, b"XYZ"), ("setslice", 0, 3, None, b"wrong size"),
    ("setslice", 0, 0, None, b""), ("move", 0, 5, 3), ("move", 0, 0, 0), ("move", 0, 0, 99999),
)


def record_access(area):
    for content in (Hex(b"0123456789"), Bytes(6, PAGE), Text(6, 2 * PAGE)):
        for access, name in ACCESS_NAMES.items():
            for mode in ("r+", "r") if access in (READ, COPY) else ("r+",):
                title = f"writes, {name}, {len(content.value())} bytes opened {mode}"
                with area.mapped(title, content, mode=mode, access=access) as s:
                    record_writes(s)
    for flags in ("MAP_SHARED", "MAP_PRIVATE"):
        for prot in ("PROT_READ", "PROT_READ|PROT_WRITE"):
            with area.mapped(f"writes, {flags} and {prot}", Bytes(6, PAGE), flags=Name(flags), prot=Name(prot)) as s:
                record_writes(s)
    for access, name in ACCESS_NAMES.items():
        record_file_changes(area, access, name)
        record_untracked(area, access, name)
        record_basic(area, access, name)
    record_windows_of_a_file(area)


def record_writes(s):
    for write in WRITES:
        s.do(*write)
        s.do("tell")
    s.do("getslice", 0, 64, None)
    s.file()
    s.do("flush")
    s.file()


def record_file_changes(area, access, name):
    """A map shows writes to its file, but with COPY not in pages that were stored to. Its length stays."""
    with area.mapped(f"the file changes behind the map, {name}", Bytes(2, 2 * PAGE), access=access) as s:
        s.filewrite(10, b"behind")
        s.do("getslice", 8, 18, None)
        s.do("setitem", 0, 1)
        s.filewrite(20, b"again")
        s.do("getslice", 18, 27, None)
        s.filewrite(PAGE + 20, b"other page")
        s.do("getslice", PAGE + 18, PAGE + 32, None)
        s.filewrite(2 * PAGE, b"the file grows")
        s.do("len")
        s.do("size")
        s.do("getitem", 2 * PAGE)
        s.do("find", b"grows")


def record_untracked(area, access, name):
    for close_first in (True, False):
        title = f"trackfd=False, {name}, descriptor {'closed' if close_first else 'open'}"
        with area.mapped(title, Bytes(4, PAGE), access=access, trackfd=False) as s:
            if close_first:
                s.closefd()
            s.do("len")
            s.do("resize", 2 * PAGE)
            s.do("resize", PAGE // 2)
            s.do("closed")
            s.do("write_byte", 65)
            s.do("setitem", 1, 66)
            s.do("flush")
            s.file()
            s.do("tell")
            s.do("seek", 0)
            s.do("read_byte")
            s.do("state")


def record_basic(area, access, name):
    """The operations that CPython's own test suite begins with."""
    content = Hex(bytes(PAGE) + b"foo" + bytes(PAGE - 3))
    with area.mapped(f"a walk through two pages, {name}", content, 2 * PAGE, access=access) as s:
        s.closefd()
        s.do("find", b"foo")
        s.do("len")
        s.do("getitem", 0)
        s.do("getslice", 0, 3, None)
        s.do("getitem", 2 * PAGE)
        s.do("setitem", 2 * PAGE, 1)
        s.do("setitem", 0, ord("3"))
        s.do("setslice", PAGE + 3, PAGE + 7, None, b"bar!")
        s.do("setslice", PAGE - 2, PAGE + 2, None, b"edge")
        s.do("getslice", PAGE - 4, PAGE + 10, None)
        s.do("flush")
        s.do("seekable")
        for position, whence in ((0, 0), (42, 1), (0, 2), (-1, 0), (1, 2), (-2 * PAGE - 1, 2)):
            s.do("seek", position, whence)
            s.do("tell")
        s.do("resize", 512)
        s.do("len")
        s.do("seek", 513, 0)
        s.do("size")
        s.file()


def record_windows_of_a_file(area):
    for access, name in ACCESS_NAMES.items():
        for offset in (0, PAGE, 2 * PAGE):
            for length in (1, 7, PAGE):
                title = f"{length} bytes at {offset}, {name}"
                with area.mapped(title, Bytes(12, 3 * PAGE), length, access=access, offset=offset) as s:
                    for position in (0, length // 2, length - 1, length):
                        s.do("seek", position)
                        s.do("state")
                    s.do("getslice", None, None, None)
                    s.do("setitem", -1, 99)
                    s.do("setitem", length, 99)
                    s.do("size")


def record_system(area):
    content = Bytes(3, 3 * PAGE)
    for access, name in ACCESS_NAMES.items():
        with area.mapped(f"flush, {name}", content, access=access) as s:
            length = 3 * PAGE
            s.do("flush")
            for offset in range(0, length + 1, PAGE):
                for size in sorted({0, 1, PAGE, length - offset}):
                    s.do("flush", offset, size)
                s.do("flush", offset, length - offset + 1)
            for offset, size in ((-1, 10), (-PAGE, PAGE), (0, -2), (0, -PAGE), (length + 1, 0), (length + 1, 1),
                                 (4 * PAGE, 1), (1, length), (MAX_INT, 1), (0, MAX_INT), (-MAX_INT, 1)):
                s.do("flush", offset, size)
            for wrong in ("x", None, [1]):
                s.do("flush", wrong, 1)
                s.do("flush", 0, wrong)
        with area.mapped(f"madvise, {name}", content, access=access) as s:
            record_madvise(s, 3 * PAGE)
    with area.mapped("madvise, part of a page", Hex(b"0123456789")) as s:
        record_madvise(s, 10)
    with area.sequence("madvise on private anonymous memory forgets") as s:
        s.mmap(-1, 2 * PAGE, flags=Name("MAP_PRIVATE|MAP_ANON"))
        s.do("write", Bytes(1, 2 * PAGE))
        s.do("madvise", Name("MADV_DONTNEED"), PAGE, PAGE)
        s.do("getslice", None, None, None)
    for length in (1, 10, PAGE - 1, PAGE, 5000):
        with area.mapped(f"size of a file of {length}", Bytes(1, length), 1, access=READ) as s:
            s.do("size")
            s.closefd()
            s.do("size")
            s.filewrite(length, b"grown")
            s.do("size")
            s.do("len")


def record_madvise(s, length):
    advices = ("MADV_NORMAL", "MADV_RANDOM", "MADV_SEQUENTIAL", "MADV_WILLNEED")
    for advice in map(Name, advices):
        s.do("madvise", advice)
        s.do("madvise", advice, 0)
        s.do("madvise", advice, 0, 2)
        s.do("madvise", advice, 0, length)
        s.do("madvise", advice, 0, 2 * length)
        if length > PAGE:
            s.do("madvise", advice, PAGE, PAGE)
            s.do("madvise", advice, PAGE, 2 * length)
            s.do("madvise", advice, PAGE, MAX_INT)
        for start in (-1, -PAGE, length, length + 1, 100 * PAGE, MAX_INT, -MAX_INT):
            s.do("madvise", advice, start)
            s.do("madvise", advice, start, 1)
            s.do("madvise", advice, start, -1)
        for size in (-1, -2, -PAGE, -MAX_INT):
            s.do("madvise", advice, 0, size)
        s.do("madvise", advice, 1)
        s.do("madvise", advice, 1, 1)
    s.do("madvise", 9999)
    for wrong in ("x", None, [1]):
        s.do("madvise", wrong)
        s.do("madvise", Name("MADV_NORMAL"), wrong)
        s.do("madvise", Name("MADV_NORMAL"), 0, wrong)
    s.do("getslice", None, None, None)


def record_anonymous(area):
    with area.sequence("lengths of anonymous memory") as s:
        for length in (0, 1, 10, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, -1, -PAGE, 2**62, MAX_INT, 2**63, 2**64):
            if "raises" not in (s.mmap(-1, length) or {}):
                s.do("state")
                s.do("getslice", None, None, None)
    with area.sequence("options of anonymous memory") as s:
        for options in ({"offset": -1}, {"access": 4}, {"access": -1}, {"access": READ, "flags": Name("MAP_PRIVATE")},
                        {"access": READ, "prot": Name("PROT_READ")}, {"flags": 0}, {"trackfd": False}):
            s.mmap(-1, 10, **options)
    with area.sequence("every byte of a page") as s:
        s.mmap(-1, PAGE)
        for position in range(0, PAGE, 37):
            s.do("getitem", position)
            s.do("setitem", position, position & 255)
            s.do("getitem", position)
        s.do("getslice", None, None, None)
    for access, name in ACCESS_NAMES.items():
        for trackfd in (True, False):
            with area.sequence(f"writes to anonymous memory, {name}, trackfd={trackfd}") as s:
                s.mmap(-1, PAGE, access=access, trackfd=trackfd)
                s.do("state")
                for write in WRITES:
                    s.do(*write)
                    s.do("tell")
                s.do("flush")
                s.do("getslice", None, None, None)
                if access in (READ, COPY) or not trackfd:
                    s.do("resize", 2 * PAGE)
                    s.do("resize", 1)
                s.do("resize", -1)
                s.do("state")
    with area.sequence("reading beyond a shrunk shared memory") as s:
        s.mmap(-1, 2 * PAGE)
        s.do("write", Bytes(1, 2 * PAGE))
        s.do("seek", 5000)
        s.do("resize", PAGE)
        s.do("state")
        s.do("read", 14)
        s.do("read_byte")
        s.do("write_byte", 42)
        s.do("write", b"abc")
        s.do("getslice", None, None, None)
    for size in (PAGE // 2, 2 * PAGE, 2 * PAGE - 1, 1):
        with area.sequence(f"shared memory shrunk to {size}") as s:
            s.mmap(-1, 2 * PAGE)
            s.do("write", Text(3, 2 * PAGE))
            s.do("resize", size)
            s.do("state")
            s.do("getslice", None, None, None)
    record_private_memory(area)


def record_private_memory(area):
    private = Name("MAP_PRIVATE|MAP_ANONYMOUS")
    for length, sizes in ((PAGE, (2 * PAGE, 3 * PAGE, PAGE, 10 * PAGE)), (10, (20, 5000, 2 * PAGE)),
                          (3 * PAGE, (PAGE, 2 * PAGE, 2 * PAGE + 1, 100)), (2 * PAGE, (5 * PAGE, PAGE, 5 * PAGE))):
        with area.sequence(f"private memory of {length} resized") as s:
            s.mmap(-1, length, flags=private)
            s.do("state")
            s.do("write", Bytes(2, length))
            for size in sizes:
                s.do("resize", size)
                s.do("state")
                s.do("getslice", None, None, None)
                s.do("setitem", -1, 17)
            s.do("resize", -1)
    with area.sequence("private memory, flags without MAP_ANONYMOUS") as s:
        s.mmap(-1, 100, flags=Name("MAP_PRIVATE"))
        s.do("write", b"abc")
        s.do("getslice", 0, 5, None)
        s.do("state")
    with area.sequence("private memory, read only") as s:
        s.mmap(-1, 100, flags=private, prot=Name("PROT_READ"))
        s.do("write", b"abc")
        s.do("resize", 200)
        s.do("state")


# A call of each operation, with valid arguments for 10 bytes.
EVERY_OPERATION = (
    ("read",), ("read", 3), ("read", None), ("read_byte",), ("readline",), ("tell",), ("len",), ("size",),
    ("seek", 0), ("seek", 1, 1), ("write", b"abc"), ("write", b""), ("write_byte", 1), ("getitem", 0),
    ("getitem", -1), ("getitem", 100), ("setitem", 0, 1), ("setitem", 100, 1), ("getslice", None, None, None),
    ("getslice", 1, 5, 2), ("setslice", 0, 1, None, b"a"), ("setslice", 0, 1, None, b"too long"), ("find", b"a"),
    ("find", b"a", 1, 2), ("rfind", b"a"), ("rfind", b""), ("move", 0, 1, 2), ("move", -1, 1, 2), ("flush",),
    ("flush", 0, 1), ("flush", -1, 1), ("resize", 5), ("resize", -1), ("iter",),
)


def record_closed(area):
    for access, name in ACCESS_NAMES.items():
        with area.mapped(f"everything after close(), {name}", Hex(b"0123456789"), access=access) as s:
            s.do("closed")
            s.do("close")
            for operation in EVERY_OPERATION:
                s.do(*operation)
            for _ in range(2):
                s.do("closed")
                s.do("close")
                s.do("seekable")
                s.do("state")
        with area.mapped(f"madvise after close(), {name}", Hex(b"0123456789"), access=access) as s:
            s.do("close")
            s.do("madvise", Name("MADV_NORMAL"))
        with area.mapped(f"written, then closed, {name}", Bytes(1, 5000), access=access) as s:
            s.do("write", b"kept or not")
            s.do("setitem", -1, 200)
            s.do("close")
            s.file()
        with area.sequence(f"anonymous memory after close(), {name}") as s:
            s.mmap(-1, 10, access=access)
            s.do("close")
            for operation in EVERY_OPERATION:
                s.do(*operation)
            s.do("state")
    with area.mapped("closed without trackfd", Hex(b"0123456789"), trackfd=False) as s:
        s.do("close")
        for operation in EVERY_OPERATION:
            s.do(*operation)
        s.do("state")
