# A peer: CPython's own mmap. It follows the protocol in answer.mjs.

import hashlib
import mmap
import os
import platform
import re
import struct
import sys
import time
from collections import Counter

MIB = 2**20
RECORD = 32

opened = {}


def mapped(path, length, access=mmap.ACCESS_WRITE):
    key = (path, length, access)
    if key not in opened:
        with open(path, "r+b") as file:
            opened[key] = mmap.mmap(file.fileno(), length, access=access)
    return opened[key]


def timed(call):
    started = time.perf_counter_ns()
    result = call()
    return time.perf_counter_ns() - started, result


def version():
    return 0, f"{platform.python_implementation()} {platform.python_version()}"


def find(path, length, needle):
    m, wanted = mapped(path, int(length), mmap.ACCESS_READ), bytes.fromhex(needle)
    return timed(lambda: m.find(wanted, 0))


def rfind(path, length, needle):
    m, wanted = mapped(path, int(length), mmap.ACCESS_READ), bytes.fromhex(needle)
    return timed(lambda: m.rfind(wanted, 0))


def openFindClose(path, length, needle):
    wanted = bytes.fromhex(needle)

    def all():
        with open(path, "rb") as file, mmap.mmap(file.fileno(), int(length), access=mmap.ACCESS_READ) as m:
            return m.find(wanted)

    return timed(all)


def findAll(path, length, needle):
    m, wanted = mapped(path, int(length), mmap.ACCESS_READ), bytes.fromhex(needle)

    def all():
        count, last = 0, -1
        at = m.find(wanted, 0)
        while at != -1:
            count += 1
            last = at
            at = m.find(wanted, at + len(wanted))
        return f"{count} {last}"

    return timed(all)


def lines(path, length):
    m = mapped(path, int(length), mmap.ACCESS_READ)
    m.seek(0)

    def all():
        count = 0
        for _ in iter(m.readline, b""):
            count += 1
        return count

    return timed(all)


def replaceThereAndBack(path, length, one, other):
    m = mapped(path, int(length))

    return there_and_back(lambda old, new: replaced(m, old, new), one, other)


def replaced(m, old, new):
    count = 0
    at = m.find(old, 0)
    while at != -1:
        m[at : at + len(old)] = new
        count += 1
        at = m.find(old, at + len(old))
    return count


def byteByByteThereAndBack(path, length, one, other):
    m = mapped(path, int(length))

    def replace(old, new):
        count = 0
        n = len(old)
        for i in range(len(m)):
            if m[i : i + n] == old:
                m[i : i + n] = new
                count += 1
        return count

    return there_and_back(replace, one, other)


def there_and_back(replace, one, other):
    old, new = bytes.fromhex(one), bytes.fromhex(other)
    return timed(lambda: replace(old, new) + replace(new, old))


def readCount(path, _length, needle):
    wanted = bytes.fromhex(needle)

    def all():
        with open(path, "rb", buffering=0) as file:
            return sum(chunk.count(wanted) for chunk in iter(lambda: file.read(MIB), b""))

    return timed(all)


def openCountClose(path, length, needle):
    wanted = bytes.fromhex(needle)

    def all():
        with open(path, "rb") as file, mmap.mmap(file.fileno(), int(length), access=mmap.ACCESS_READ) as m:
            count = 0
            at = m.find(wanted)
            while at != -1:
                count += 1
                at = m.find(wanted, at + len(wanted))
            return count

    return timed(all)


def textLines(path, _length):
    def all():
        with open(path, encoding="utf8") as file:
            return sum(1 for _ in file)

    return timed(all)


def linesWith(path, length, word):
    wanted = bytes.fromhex(word)
    found = []

    def all():
        with open(path, "rb") as file, mmap.mmap(file.fileno(), int(length), access=mmap.ACCESS_READ) as m:
            at = m.find(wanted)
            while at != -1:
                stop = m.find(b"\n", at)
                stop = len(m) if stop == -1 else stop
                found.append(m[m.rfind(b"\n", 0, at) + 1 : stop].decode())
                at = m.find(wanted, stop)

    nanoseconds, _ = timed(all)
    return nanoseconds, f"{len(found)} {sum(map(len, found))}"


def statusCodes(path, length, pattern):
    status = re.compile(bytes.fromhex(pattern))

    def all():
        with open(path, "rb") as file, mmap.mmap(file.fileno(), int(length), access=mmap.ACCESS_READ) as m:
            counts = Counter(match[1] for match in status.finditer(m))
        return ", ".join(sorted(f"{code.decode()} {count}" for code, count in counts.items()))

    return timed(all)


def matches(path, length, source, flags):
    m, pattern = mapped(path, int(length), mmap.ACCESS_READ), compiled(source, flags)
    return timed(lambda: sum(1 for _ in pattern.finditer(m)))


def matchesWithGroup(path, length, source, flags):
    m, pattern = mapped(path, int(length), mmap.ACCESS_READ), compiled(source, flags)

    def all():
        count, characters = 0, 0
        for match in pattern.finditer(m):
            count += 1
            characters += len(match[1])
        return f"{count} {characters}"

    return timed(all)


def compiled(source, flags):
    return re.compile(bytes.fromhex(source), {"": 0, "i": re.I, "m": re.M}[flags])


def openReplaceThereAndBack(path, length, one, other):
    def replace(old, new):
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), int(length)) as m:
            return replaced(m, old, new)

    return there_and_back(replace, one, other)


def randomReads(path, length, times):
    m = mapped(path, int(length), mmap.ACCESS_READ)
    nanoseconds, result = timed(lambda: read_at_random(m, int(times)))
    return nanoseconds / int(times), result


def openRandomReads(path, length, times):
    def all():
        with open(path, "rb") as file, mmap.mmap(file.fileno(), int(length), access=mmap.ACCESS_READ) as m:
            return read_at_random(m, int(times))

    nanoseconds, result = timed(all)
    return nanoseconds / int(times), result


def read_at_random(m, times):
    number = struct.Struct("<d")
    records = len(m) // RECORD
    state, total = 1, 0.0
    for _ in range(times):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        total += number.unpack_from(m, state % records * RECORD + 8)[0]
    return f"{total:.6f}"


def hash(path, _length):
    def all():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return timed(all)


def openReadClose(path, length, times):
    def all():
        first = b""
        for _ in range(int(times)):
            fd = os.open(path, os.O_RDONLY)
            m = mmap.mmap(fd, int(length), access=mmap.ACCESS_READ)
            os.close(fd)
            first = m.read(8)
            m.close()
        return first.hex()

    nanoseconds, result = timed(all)
    return nanoseconds / int(times), result


OPERATIONS = {
    call.__name__: call
    for call in [
        version,
        find,
        rfind,
        openFindClose,
        findAll,
        lines,
        replaceThereAndBack,
        byteByByteThereAndBack,
        openReadClose,
        readCount,
        openCountClose,
        textLines,
        linesWith,
        statusCodes,
        matches,
        matchesWithGroup,
        openReplaceThereAndBack,
        randomReads,
        openRandomReads,
        hash,
    ]
}

for line in sys.stdin:
    name, *args = line.rstrip("\n").split("\t")
    try:
        nanoseconds, result = OPERATIONS[name](*args)
        print(f"{nanoseconds}\t{result}", flush=True)
    except Exception as error:
        print(f"error\t{type(error).__name__}: {error}", flush=True)
