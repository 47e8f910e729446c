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
import errno
import hashlib
import json
import mmap
import os
import pathlib
import random
import re
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass

DEFAULT_SEED = 20250301
DEFAULT_OUTPUT = pathlib.Path(__file__).resolve().parent
MINIMUM_OPERATIONS = 25_000

PAGE = 4096
MAX_INT = 2**63 - 1  # sys.maxsize: the largest Py_ssize_t
SAFE_INTEGER = 2**53 - 1  # JavaScript rounds larger numbers in JSON
INLINE_BYTES = 64  # longer results are recorded as a digest

DEFAULT, READ, WRITE, COPY = mmap.ACCESS_DEFAULT, mmap.ACCESS_READ, mmap.ACCESS_WRITE, mmap.ACCESS_COPY
ACCESS_NAMES = {DEFAULT: "default", READ: "read", WRITE: "write", COPY: "copy"}
OPEN_FLAGS = {"r": os.O_RDONLY, "r+": os.O_RDWR, "w": os.O_WRONLY}


# --- values that a vector names instead of spelling out


@dataclass(frozen=True)
class Bytes:
    """Bytes from a formula with a period of 64 KiB, so that a page from the wrong place is noticed."""

    seed: int
    length: int

    def value(self):
        return bytes((i * 7 + (i >> 8) * 13 + self.seed) & 255 for i in range(self.length))

    def encoded(self):
        return {"bytes": [self.seed, self.length]}


@dataclass(frozen=True)
class Text:
    """Text from a small linear congruential generator. It has few letters, so that needles recur."""

    seed: int
    length: int

    def value(self):
        state, text = self.seed, bytearray()
        for _ in range(self.length):
            state = (state * 75 + 74) % 65537
            text.append(b"aab cde\n"[state % 8])
        return bytes(text)

    def encoded(self):
        return {"text": [self.seed, self.length]}


@dataclass(frozen=True)
class Hex:
    """Bytes spelt out."""

    content: bytes

    def value(self):
        return self.content

    def encoded(self):
        return {"hex": self.content.hex()}


@dataclass(frozen=True)
class Name:
    """Constants of the mmap module, or-ed. Their names are recorded, because platforms number them
    differently."""

    names: str

    def value(self):
        result = 0
        for name in self.names.split("|"):
            result |= getattr(mmap, name)
        return result

    def encoded(self):
        return {"name": self.names}


@dataclass(frozen=True)
class Descriptor:
    """The descriptor of the sequence's file."""

    kind: str

    def encoded(self):
        return {"fd": self.kind}


FILE = Descriptor("file")
CONTENTS = (Bytes, Text, Hex)


def encode_argument(argument):
    if isinstance(argument, (*CONTENTS, Name, Descriptor)):
        return argument.encoded()
    if isinstance(argument, bytes):
        return argument.hex() if len(argument) <= INLINE_BYTES * 2 else Hex(argument).encoded()
    if isinstance(argument, str):
        return {"str": argument}
    if isinstance(argument, dict):
        return {key: encode_argument(value) for key, value in argument.items()}
    if isinstance(argument, int) and not isinstance(argument, bool) and abs(argument) > SAFE_INTEGER:
        return {"int": str(argument)}
    return argument  # None, a small int, a bool, or a list of small ints: JSON has them


def encode_result(result):
    if isinstance(result, bytes):
        if len(result) <= INLINE_BYTES:
            return result.hex()
        return {"length": len(result), "sha1": hashlib.sha1(result).hexdigest()}
    return result


# Messages of the C argument parser, which are about C types and not about mmap.
CONVERSION_MESSAGE = re.compile("Python int too |cannot fit 'int' into|signed integer is (greater|less) than")
READONLY_MESSAGE = re.compile("mmap can't (modify|resize) ")


def encode_error(error):
    if isinstance(error, OSError):
        return {"raises": "OSError", "errno": errno.errorcode[error.errno]}
    encoded = {"raises": type(error).__name__}
    message = str(error)
    if isinstance(error, TypeError):
        keep = READONLY_MESSAGE.match(message)
    else:
        keep = not CONVERSION_MESSAGE.match(message)
    if keep:
        encoded["message"] = message
    return encoded


# --- what an operation does


def read_state(m):
    """What repr() shows, without its wording."""
    shown = repr(m)
    if m.closed:
        assert shown == "<mmap.mmap closed=True>", shown
        return {"closed": True}
    fields = re.fullmatch(r"<mmap\.mmap closed=False, access=(\w+), length=(\d+), pos=(\d+), offset=(\d+)>", shown)
    access, length, pos, offset = fields.groups()
    return {"length": int(length), "pos": int(pos), "offset": int(offset), "access": getattr(mmap, access)}


def iterate(m):
    return b"".join(m)


def set_item(m, index, value):
    m[index] = value


def set_slice(m, start, stop, step, data):
    m[start:stop:step] = data


SPELT_OTHERWISE = {
    "state": read_state,
    "iter": iterate,
    "len": len,
    "closed": lambda m: m.closed,
    "getitem": lambda m, index: m[index],
    "setitem": set_item,
    "getslice": lambda m, start, stop, step: m[start:stop:step],
    "setslice": set_slice,
}


class Sequence:
    """One sequence: a fresh file, its map, and the operations so far."""

    def __init__(self, folder, name, content, mode):
        self.name, self.content, self.mode = name, content, mode
        self.map = None
        self.ops = []
        self.path = os.path.join(folder, "file")
        self.fd = None
        if content is not None:
            with open(self.path, "wb") as file:
                file.write(content.value())
            self.fd = os.open(self.path, OPEN_FLAGS[mode])

    def mmap(self, target, length, **options):
        """Closes an open map, then makes one. The outcome says whether that succeeded."""
        if self.map is not None:
            self.map.close()
            self.map = None
        return self._record("mmap", (target, length, options), self._open)

    def do(self, op, *arguments):
        """One operation on the map, recorded with its outcome, which is also returned."""
        assert self.map is not None, f"{self.name}: {op} without a map"
        perform = SPELT_OTHERWISE.get(op) or getattr(type(self.map), op)
        return self._record(op, arguments, lambda *values: perform(self.map, *values))

    def closefd(self):
        self._record("closefd", (), self._close_descriptor)

    def file(self):
        self._record("file", (), self._read_file)

    def filewrite(self, position, data):
        self._record("filewrite", (position, data), self._write_file)

    def finish(self):
        """Ends a sequence with the content of its file, while it is mapped and again after close()."""
        if self.map is not None and not self.map.closed:
            if self.content is not None:
                self.file()
            self.do("close")
        if self.content is not None:
            self.file()
            os.unlink(self.path)
        if self.fd is not None:
            os.close(self.fd)

    def encoded(self):
        vector = {"name": self.name}
        if any(rests_on_linux(*op) for op in self.ops):
            vector["platform"] = "linux"
        if self._rests_on_page_size():
            vector["page"] = PAGE
        if self.content is not None:
            vector["mode"] = self.mode
            vector["file"] = self.content.encoded()
        vector["ops"] = self.ops
        return vector

    def _rests_on_page_size(self):
        names = {name for name, _, _ in self.ops}
        return (
            "madvise" in names
            or (self.content is None and "resize" in names)  # a shrunk page may keep old bytes
            or any(name == "mmap" and args[2].get("offset") not in (None, 0) for name, args, _ in self.ops)
        )

    def _record(self, op, arguments, perform):
        try:
            outcome = encode_result(perform(*(self._resolve(argument) for argument in arguments)))
        except (ValueError, TypeError, IndexError, OverflowError, OSError) as error:
            outcome = encode_error(error)
        self.ops.append([op, [encode_argument(argument) for argument in arguments], outcome])
        return outcome

    def _resolve(self, argument):
        if isinstance(argument, Descriptor):
            return self.fd
        if isinstance(argument, (*CONTENTS, Name)):
            return argument.value()
        if isinstance(argument, dict):
            return {key: self._resolve(value) for key, value in argument.items()}
        return argument

    def _open(self, fd, length, options):
        self.map = mmap.mmap(fd, length, **options)

    def _close_descriptor(self):
        os.close(self.fd)
        self.fd = None

    def _read_file(self):
        with open(self.path, "rb") as file:
            return file.read()

    def _write_file(self, position, data):
        with open(self.path, "r+b") as file:
            file.seek(position)
            file.write(data)


def rests_on_linux(name, arguments, outcome):
    if isinstance(outcome, dict) and "errno" in outcome:
        return True
    if name == "mmap":
        return "flags" in arguments[2] or "prot" in arguments[2]
    return name in ("madvise", "filewrite")


class Area:
    """The sequences of one vector file."""

    def __init__(self, name, folder, seed):
        self.name = name
        self.random = random.Random(f"{name} {seed}")  # one for each area, so that areas do not depend on each other
        self.sequences = []
        self._folder = folder

    @contextmanager
    def sequence(self, name, content=None, mode="r+"):
        sequence = Sequence(self._folder, name, content, mode)
        yield sequence
        sequence.finish()
        self.sequences.append(sequence.encoded())

    @contextmanager
    def mapped(self, name, content, length=0, mode="r+", **options):
        """A sequence whose file is mapped from the start."""
        with self.sequence(name, content, mode) as s:
            s.mmap(FILE, length, **options)
            yield s

    def operations(self):
        return sum(len(sequence["ops"]) for sequence in self.sequences)

    def text(self):
        lines = (json.dumps(sequence, ensure_ascii=True, separators=(",", ":")) for sequence in self.sequences)
        return "".join(line + "\n" for line in lines)


# --- the areas


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


# --- random sequences


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


# --- writing it down


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
