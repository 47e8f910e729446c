"""Random sequences of operations, on maps of every kind."""

from dataclasses import dataclass

from .values import Bytes, COPY, FILE, INLINE_BYTES, MAX_INT, Name, PAGE, READ, Text, WRITE


@dataclass(frozen=True)
class Kind:
    """A way to make a map, and the resizes of it that CPython handles correctly."""

    name: str
    options: dict
    resize: str = "any"  # "any", "down", "whole pages down", "never"; "any" also if CPython refuses
    anonymous: bool = False
    has_size: bool = True
    mode: str = "r+"


RANDOM_KINDS = (
    Kind("default", {}),
    Kind("default at an offset", {"offset": PAGE}),
    Kind("write", {"access": WRITE}),
    Kind("write at an offset", {"access": WRITE, "offset": PAGE}),
    Kind("read", {"access": READ}, mode="r"),
    Kind("copy", {"access": COPY}, mode="r"),
    Kind("copy at an offset", {"access": COPY, "offset": PAGE}),
    Kind("trackfd=False", {"trackfd": False}, has_size=False),
    Kind("private by flags", {"flags": Name("MAP_PRIVATE")}, resize="never"),
    Kind("shared anonymous", {}, resize="down", anonymous=True, has_size=False),
    Kind("private anonymous", {"flags": Name("MAP_PRIVATE|MAP_ANON")}, resize="whole pages down", anonymous=True,
         has_size=False),
)
RANDOM_ROUNDS = 36


def record_random(area):
    for round_number in range(RANDOM_ROUNDS):
        for kind in RANDOM_KINDS:
            record_random_sequence(area, kind, round_number)


def record_random_sequence(area, kind, round_number):
    rng = area.random
    length = rng.choice((10, 33, 100, 1000, PAGE - 1, PAGE, PAGE + 1, 5000, 2 * PAGE))
    content = rng.choice((Bytes, Text))(rng.randrange(1, 200), length + kind.options.get("offset", 0))
    with area.sequence(f"{kind.name} {round_number}", None if kind.anonymous else content, kind.mode) as s:
        s.mmap(-1 if kind.anonymous else FILE, length if kind.anonymous or rng.random() < 0.5 else 0, **kind.options)
        if kind.anonymous:
            s.do("write", content)
        elif rng.random() < 0.5:
            s.closefd()
        for _ in range(rng.randint(30, 60)):
            s.do(*random_operation(rng, s.map, kind))
            if not kind.anonymous and rng.random() < 0.03:
                s.file()
        s.do("state")
        s.do("getslice", None, None, None)


def random_operation(rng, m, kind):
    while True:
        make, weight = rng.choice(RANDOM_OPERATIONS)
        if rng.random() < weight:
            operation = make(rng, m, kind)
            if operation is not None:
                return operation


def random_position(rng, m):
    """Mostly a position in the map, from either end; sometimes one just outside, or far away."""
    length = len(m)
    choice = rng.random()
    if choice < 0.75:
        return rng.randint(-length, length)
    if choice < 0.95:
        return rng.choice((0, -1, 1, length, length - 1, length + 1, -length - 1, -length))
    return rng.choice((2**31, -(2**31), 2**40, MAX_INT, -MAX_INT))


def random_part(rng, m):
    return None if rng.random() < 0.3 else random_position(rng, m)


def random_data(rng, length):
    if length > INLINE_BYTES:
        return rng.choice((Bytes, Text))(rng.randrange(1, 256), length)
    return rng.randbytes(length)


def random_needle(rng, m):
    start = rng.randrange(len(m))
    needle = bytearray(m[start : start + rng.choice((0, 1, 1, 2, 2, 3, 5, 20))])
    if needle and rng.random() < 0.25:
        needle[-1] ^= 1
    return bytes(needle)


def random_read(rng, m, kind):
    return ("read", *rng.choice(((), (None,), (-1,), (rng.randint(0, 70),), (rng.randint(0, len(m) + 5),))))


def random_seek(rng, m, kind):
    whence = rng.choice((0, 0, 0, 0, 1, 1, 1, 2, 2, 3))
    distance = random_position(rng, m)
    if whence == 0 and rng.random() < 0.8:
        distance = abs(distance)
    if whence == 2 and rng.random() < 0.8:
        distance = -abs(distance)
    return ("seek", distance) if whence == 0 and rng.random() < 0.5 else ("seek", distance, whence)


def random_write(rng, m, kind):
    remaining = max(len(m) - m.tell(), 0)
    length = rng.choice((rng.randint(0, 20), rng.randint(0, 20), remaining, remaining + 1, rng.randint(0, len(m))))
    return ("write", random_data(rng, length))


def random_write_byte(rng, m, kind):
    return ("write_byte", rng.choice((rng.randrange(256), rng.randrange(256), rng.randrange(256), 256, -1)))


def random_set_item(rng, m, kind):
    value = rng.randrange(256) if rng.random() < 0.9 else rng.choice((256, -1, 1000))
    return ("setitem", random_position(rng, m), value)


def random_slice(rng, m):
    step = rng.choice((None, None, None, None, 1, 1, 2, 3, -1, -2, 7, 1000, -1000, 0))
    return random_part(rng, m), random_part(rng, m), step


def random_get_slice(rng, m, kind):
    return ("getslice", *random_slice(rng, m))


def random_set_slice(rng, m, kind):
    start, stop, step = random_slice(rng, m)
    length = len(range(len(m))[start : stop : step or 1])
    if rng.random() < 0.1:
        length += 1
    return ("setslice", start, stop, step, random_data(rng, length))


def random_find(rng, m, kind):
    bounds = [random_position(rng, m) for _ in range(rng.choice((0, 0, 1, 2)))]
    return (rng.choice(("find", "rfind")), random_needle(rng, m), *bounds)


def random_move(rng, m, kind):
    if rng.random() < 0.2:
        return ("move", *(random_position(rng, m) for _ in range(3)))
    count = rng.randint(0, len(m))
    return ("move", rng.randint(0, len(m) - count), rng.randint(0, len(m) - count), count)


def random_resize(rng, m, kind):
    if kind.resize == "never":
        return None
    size = rng.choice((rng.randint(1, 200), rng.randint(1, 3 * PAGE), PAGE * rng.randint(1, 3), len(m), -1))
    if kind.resize == "down":
        size = min(size, len(m))
    if kind.resize == "whole pages down" and 0 < size < len(m):
        size = size // PAGE * PAGE or None
    return None if size is None else ("resize", size)


def random_flush(rng, m, kind):
    if rng.random() < 0.6:
        return ("flush",)
    return ("flush", PAGE * rng.randint(-1, 3), rng.choice((0, 1, rng.randint(0, len(m)), len(m), len(m) + 1, -2)))


def plain(name):
    return lambda rng, m, kind: (name,)


# Each operation, with the share of its draws that is kept.
RANDOM_OPERATIONS = (
    (random_read, 1), (plain("readline"), 1), (plain("read_byte"), 0.7), (plain("tell"), 0.7), (random_seek, 1),
    (random_write, 1), (random_write_byte, 0.7), (random_set_item, 0.8), (random_get_slice, 1), (random_set_slice, 1),
    (lambda rng, m, kind: ("getitem", random_position(rng, m)), 0.8), (random_find, 1), (random_move, 0.8),
    (random_resize, 0.4), (random_flush, 0.3), (plain("state"), 0.4), (plain("len"), 0.2),
    (lambda rng, m, kind: ("size",) if kind.has_size else None, 0.2),
)
