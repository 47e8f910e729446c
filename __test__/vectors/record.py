#!/usr/bin/env python3
"""Record what CPython's `mmap` does, as vectors that `__test__/cpython.test.mts` replays.

    python3 __test__/vectors/record.py [--seed N] [--output FOLDER]

Needs CPython 3.13 or newer on Linux with pages of 4096 bytes, and nothing but the standard library.
The same seed on the same Python gives the same bytes: no path, time or address reaches a vector.

The format
----------
One file per area, one JSON object per line: a *sequence*, which starts from a fresh file (or from
none).

    {"name": "...", "platform": "linux", "page": 4096, "mode": "r+", "file": CONTENT, "ops": [OP, ...]}

`platform` is present if the sequence depends on Linux (an errno, MAP_* flags, madvise), `page` if it
depends on the page size. `mode` is how the descriptor is opened: "r", "r+", or "w" (write-only, not
truncated). Without `file` there is no file, and no mode. CONTENT is one of

    {"hex": "00ff"}             those bytes
    {"bytes": [seed, length]}   byte i is (i * 7 + (i >> 8) * 13 + seed) & 255
    {"text": [seed, length]}    state = seed, then for each byte: state = (state * 75 + 74) % 65537,
                                and the byte is "aab cde\\n"[state % 8]

An OP is [name, arguments, outcome]. Names are Python's, with `m[...]` written as getitem, setitem,
getslice and setslice (start, stop, step, data), and these of our own:

    mmap      (descriptor, length, {options}); closes the map before it, if one is open
    state     what repr() shows: length, cursor, offset and access, or only that the map is closed
    closefd   close the descriptor that the file was opened with
    file      the content of the file, read through the file system
    filewrite (position, data): write to the file, and not through the map
    iter      all items, joined (CPython yields bytes of length 1 and the package numbers, but the
              bytes are equal)

An argument is a number, null (None), a list, a string (bytes, in hex) or one of CONTENT, {"str":
"..."} (a str), {"int": "..."} (an int beyond 2**53), {"name": "MAP_PRIVATE|MAP_POPULATE"}
(constants, or-ed), or {"fd": "file"}. An outcome is a number, a boolean, null (None), a string
(bytes, in hex; {"length", "sha1"} when longer than 64), an object (state), or {"raises": class,
"message": ..., "errno": ...}.

What is not recorded, and why
-----------------------------
* Offsets that are not a multiple of the page size, on a range that the file has: the package allows
  them.
* flush() with an unaligned offset: allowed by the package. flush(offset) alone: 3.15 gave `size`
  another default, so flush is called with both arguments or none, and never with the size -1, which
  3.15 reads as "to the end".
* resize(0), and resizing a private mapping of a file made through `flags`: CPython truncates the
  file and then fails, or truncates a file it was told not to change; the package refuses both.
* Growing a shared anonymous mapping: 3.13.0 "succeeds" and crashes on access, later versions raise
  ValueError.
* Shrinking private anonymous memory to the middle of a page and growing it again: the old bytes
  come back.
* Resizes to astronomical sizes: whether ftruncate takes them depends on the file system.
* size() of anonymous memory or with trackfd=False: an OSError before 3.15, a number or a ValueError
  since.
* str where bytes are wanted: the package takes it as UTF-8. int, list and None are TypeErrors in
  both.
* None as a bound of find() and rfind(): accepted since 3.15. Elsewhere None is an error, but for
  read() and slices.
* floats: a TypeError in CPython, out of range in the package, as Node has it for a number that is
  not an integer.
* A wrong type together with a read-only map: which of the two TypeErrors comes is not specified.
* A read count, item value or madvise length beyond ssize_t: a conversion error that is not about
  mmap.
* A directory: CPython passes on mmap(2)'s error, EINVAL or ENODEV; the package says EISDIR, as
  Node's fs does.
* Reading a map made with PROT_NONE or PROT_EXEC alone, or one whose file was truncated: CPython
  crashes.
* PROT_EXEC on a file: whether it is allowed depends on how the temporary folder is mounted.
* Files of gigabytes: these vectors run everywhere; large files have tests of their own.

What is recorded in another form
--------------------------------
* Messages of wrong-type TypeErrors and of ints that do not fit a C type are left out: they are the
  argument parser's, differ between versions, and name Python's types.
* An OSError is its errno's name: PermissionError and the text of the message are left out.
"""

import argparse
import mmap
import pathlib
import sys
import tempfile

from recorder.values import PAGE
from recorder.sequences import Area
from recorder.areas import record_constructor, record_cursor, record_items_and_slices, record_search
from recorder.memory_areas import record_access, record_anonymous, record_closed, record_move_and_resize, record_system
from recorder.random_sequences import record_random

DEFAULT_SEED = 20250301
DEFAULT_OUTPUT = pathlib.Path(__file__).resolve().parent
MINIMUM_OPERATIONS = 25_000

AREAS = {
    "constructor": record_constructor,
    "cursor": record_cursor,
    "items-and-slices": record_items_and_slices,
    "search": record_search,
    "move-and-resize": record_move_and_resize,
    "access": record_access,
    "system": record_system,
    "anonymous": record_anonymous,
    "closed": record_closed,
    "random": record_random,
}


def check_interpreter():
    if sys.implementation.name != "cpython" or sys.version_info < (3, 13):
        sys.exit("record.py needs CPython 3.13 or newer, because it records what that version's mmap does.")
    if sys.platform != "linux" or mmap.PAGESIZE != PAGE:
        sys.exit(f"record.py needs Linux with pages of {PAGE} bytes, because the vectors depend on them.")


def record_area(name, seed, output):
    with tempfile.TemporaryDirectory() as folder:
        area = Area(name, folder, seed)
        AREAS[name](area)
    text = area.text()
    (output / f"{name}.jsonl").write_text(text, encoding="ascii", newline="\n")
    counts = f"{len(area.sequences):5} sequences {area.operations():6} operations {len(text):8} bytes"
    print(f"{name + '.jsonl':24}{counts}")
    return area.operations(), len(text)


def main():
    check_interpreter()
    parser = argparse.ArgumentParser(description="Record what CPython's mmap does, as vectors for the tests.")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="seed of the random sequences (default: %(default)s)")
    parser.add_argument("--output", type=pathlib.Path, default=DEFAULT_OUTPUT, help="folder for the vectors")
    arguments = parser.parse_args()

    print(f"seed {arguments.seed}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    totals = [record_area(name, arguments.seed, arguments.output) for name in AREAS]
    operations, size = (sum(column) for column in zip(*totals))
    print(f"{operations} operations, {size} bytes")
    if operations < MINIMUM_OPERATIONS:
        sys.exit(f"That is fewer than {MINIMUM_OPERATIONS} operations: an area has lost its sequences.")


if __name__ == "__main__":
    main()
