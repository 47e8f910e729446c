#!/usr/bin/env python3
"""Record what CPython's `re` finds in an `mmap`, as vectors that `__test__/regexp.test.mts` replays.

    python3 __test__/vectors/regexp/record.py

Needs CPython 3.13 or newer with its tests: the patterns and texts are those of `test.re_tests`,
which `test_re` runs. They are written to matches.jsonl, one JSON object per line:

    {"python": "...", "source": "...", "flags": "...", "text": HEX, "groups": true, "matches": [...]}

`source` and `flags` are those of the RegExp that means the same as the pattern in `python`. A match
is a list of spans, [start, end] or null, of which the first is the match. Without `groups` only that
one is compared, because a group is in a repetition: Python keeps what it matched in an earlier
iteration, and JavaScript does not. JavaScript also takes back an iteration that matches nothing.

What is not recorded, and why
-----------------------------
* Patterns that are errors, and the texts of Python that are not ASCII.
* Look-around, references to groups, conditionals, atomic groups, possessive quantifiers, comments
  and the flag x: JavaScript or memmap does not have them.
* `$` without m in a text that ends with a newline: Python's `$` also matches before it.
* Cases in which Python finds two matches at one place: JavaScript looks further after an empty one.
* Texts with '\\r', which `.`, `^` and `$` treat otherwise.
* Escapes that mean something else in JavaScript. \\A and \\Z are rewritten.
"""

import json
import mmap
import pathlib
import re
import warnings
from re import _constants, _parser

from test import re_tests

OUTPUT = pathlib.Path(__file__).parent / "matches.jsonl"
REPEATS = {_constants.MAX_REPEAT, _constants.MIN_REPEAT}
INEXPRESSIBLE = {
    _constants.ASSERT,
    _constants.ASSERT_NOT,
    _constants.GROUPREF,
    _constants.GROUPREF_EXISTS,
    _constants.ATOMIC_GROUP,
    _constants.POSSESSIVE_REPEAT,
}


def nodes(tree, repeated=False):
    """All operations of a parsed pattern, and whether each is in a repetition."""
    for operation, argument in tree:
        yield operation, repeated
        parts = argument if isinstance(argument, (list, tuple)) else [argument]
        inner = repeated
        if operation in REPEATS:
            # JavaScript also takes back an iteration that matches nothing.
            inner = repeated or argument[1] > 1 or argument[2].getwidth()[0] == 0
        for part in parts:
            if isinstance(part, _parser.SubPattern):
                yield from nodes(part, inner)
            elif isinstance(part, list) and operation is _constants.BRANCH:
                for branch in part:
                    yield from nodes(branch, inner)


# Inline flags, the octal escape of a bell, an escape that is a backspace in a class, and syntax
# that means something else in JavaScript.
OTHER_MEANING = re.compile(r"\(\?[aLux#]|\(\?[imsx-]+[:)]|\\[aUN]|\[[^]]*\\b|\n|\[\]|\[\^\]")


def translated(pattern):
    """The source and the flags of the RegExp, or None."""
    flags = ""
    leading = re.match(r"\(\?([imsx]+)\)", pattern)
    if leading:
        flags, pattern = leading[1], pattern[leading.end() :]
    # With m, \A and \Z are not ^ and $.
    anchors = re.search(r"\\[AZ]", pattern)
    if OTHER_MEANING.search(pattern) or "x" in flags or ("m" in flags and anchors):
        return None
    source = pattern.replace(r"\A", "^").replace(r"\Z", "$").replace("(?P<", "(?<")
    return source, "".join(sorted(flags))


def record(pattern, text):
    if not (pattern.isascii() and text.isascii()) or "\r" in text or not text:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compiled = re.compile(pattern.encode())
            operations = list(nodes(_parser.parse(pattern)))
        except (re.error, ValueError):
            return None
    rewritten = translated(pattern)
    if rewritten is None or any(operation in INEXPRESSIBLE for operation, _ in operations):
        return None
    source, flags = rewritten
    if "$" in pattern and "m" not in flags and text.endswith("\n"):
        return None
    with mmap.mmap(-1, len(text)) as memory:
        memory[:] = text.encode()
        matches = [
            [None if match.start(group) < 0 else list(match.span(group)) for group in range(compiled.groups + 1)]
            for match in compiled.finditer(memory)
        ]
    if any(match[0][0] == before[0][0] for before, match in zip(matches, matches[1:])):
        return None
    groups = not any(operation is _constants.SUBPATTERN and repeated for operation, repeated in operations)
    return {
        "python": pattern,
        "source": source,
        "flags": flags,
        "text": text.encode().hex(),
        "groups": groups,
        "matches": matches,
    }


def main():
    recorded = [record(test[0], test[1]) for test in re_tests.tests]
    lines = [json.dumps(vector) for vector in recorded if vector is not None]
    OUTPUT.write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)))
    print(f"{len(set(lines))} of {len(recorded)} cases are in {OUTPUT.name}")


if __name__ == "__main__":
    main()
