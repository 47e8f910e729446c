"""Values that a vector names instead of spelling them out, and how arguments, results and errors
are written."""

import errno
import hashlib
import mmap
import os
import re
from dataclasses import dataclass


PAGE = 4096
MAX_INT = 2**63 - 1  # sys.maxsize: the largest Py_ssize_t
SAFE_INTEGER = 2**53 - 1  # JavaScript rounds larger numbers in JSON
INLINE_BYTES = 64  # longer results are recorded as a digest

DEFAULT, READ, WRITE, COPY = mmap.ACCESS_DEFAULT, mmap.ACCESS_READ, mmap.ACCESS_WRITE, mmap.ACCESS_COPY
ACCESS_NAMES = {DEFAULT: "default", READ: "read", WRITE: "write", COPY: "copy"}
OPEN_FLAGS = {"r": os.O_RDONLY, "r+": os.O_RDWR, "w": os.O_WRONLY}


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
