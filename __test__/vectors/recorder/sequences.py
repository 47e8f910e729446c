"""What each operation does, and the sequences of an area."""

import json
import mmap
import os
import random
import re
from contextlib import contextmanager

from .values import CONTENTS, Descriptor, encode_argument, encode_error, encode_result, FILE, Name, OPEN_FLAGS, PAGE


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
