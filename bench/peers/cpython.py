# A peer: CPython's own mmap. It follows the protocol in answer.mjs.

import mmap
import os
import platform
import sys
import time

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

    def replace(old, new):
        count = 0
        at = m.find(old, 0)
        while at != -1:
            m[at : at + len(old)] = new
            count += 1
            at = m.find(old, at + len(old))
        return count

    return there_and_back(replace, one, other)


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
    ]
}

for line in sys.stdin:
    name, *args = line.rstrip("\n").split("\t")
    try:
        nanoseconds, result = OPERATIONS[name](*args)
        print(f"{nanoseconds}\t{result}", flush=True)
    except Exception as error:
        print(f"error\t{type(error).__name__}: {error}", flush=True)
