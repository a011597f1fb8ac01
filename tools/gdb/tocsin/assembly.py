"""The sources of trampolines and return helpers: which file has a symbol, its register table, and the line of an instruction.

The image has no lines for assembly. A line is found by counting instructions from a label on, with macros, `.irp` and `.if` of the
file done as the assembler does them.
"""

import functools
import os
import re

import gdb

from . import return_stub

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
FOLDERS = ("arch/ppc64/src/livepatch", "arch/ppc64/src/ftrace", "arch/ppc64/src/entry")


@functools.lru_cache(None)
def read(path):
    """The lines of a file, the first one at 0."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read().splitlines()


def block(lines, begin, end):
    """How many lines there are from a directive to the one that ends it, which may be nested."""
    depth = 0
    for count, (_, text) in enumerate(lines):
        depth += text.startswith(begin) - text.startswith(end)
        if depth == 0:
            return count
    raise gdb.GdbError("%s without %s" % (begin, end))


def replaced(lines, names, values):
    """Lines with the arguments of a macro, or of `.irp`, in their places."""
    for name, value in zip(names, values):
        lines = [(number, re.sub(r"\\%s(?:\\\(\)|(?!\w))" % name, lambda _: value, text)) for number, text in lines]
    return lines


def expand(lines, macros):
    """(number, text) of the labels and instructions that lines stand for."""
    found = []
    while lines:
        (number, text), lines = lines[0], lines[1:]
        words = re.split(r"[,\s]+", text)
        if words[0] == ".macro":
            length = block([(number, text)] + lines, ".macro", ".endm")
            macros[words[1]] = [word.split(":")[0] for word in words[2:]], lines[: length - 1]
            lines = lines[length:]
        elif words[0] in (".irp", ".if"):
            end = {".irp": ".endr", ".if": ".endif"}[words[0]]
            length = block([(number, text)] + lines, words[0], end)
            body, lines = lines[: length - 1], lines[length:]
            if words[0] == ".irp":
                for value in words[2:]:
                    found += expand(replaced(body, words[1:2], [value]), macros)
            elif words[1] != "0":
                found += expand(body, macros)
        elif words[0] in macros:
            names, body = macros[words[0]]
            found += expand(replaced(body, names, words[1:]), macros)
        elif label := re.match(r"([.\w]+):\s*", text):
            found.append((number, label.group(1) + ":"))
            lines = [(number, text[label.end() :])] * (label.end() < len(text)) + lines
        elif not text.startswith("."):
            found.append((number, text))
    return found


@functools.lru_cache(None)
def expanded(path):
    """(number, text) of a file's labels and instructions, in the order of their addresses."""
    lines = [(number, line.split("//")[0].strip()) for number, line in enumerate(read(path), 1)]
    return expand([line for line in lines if line[1]], {})


@functools.lru_cache(None)
def source_of(symbol):
    """The assembly file that has a label; None where none has."""
    for folder in FOLDERS:
        whole = os.path.join(ROOT, folder)
        for name in sorted(os.listdir(whole)) if os.path.isdir(whole) else ():
            path = os.path.join(folder, name)
            if name.endswith(".S") and any(text == symbol + ":" for _, text in expanded(path)):
                return path
    return None


def place(pc):
    """(symbol, offset) of an address; in a stub of return-stack, of what it is a copy of."""
    stub = return_stub.at(pc)
    if stub:
        return stub.pattern.name, pc - stub.start
    shown = gdb.execute("info symbol 0x%x" % pc, to_string=True)
    match = re.match(r"(\S+)(?: \+ (\d+))? in section", shown)
    return (match.group(1), int(match.group(2) or 0)) if match else (None, 0)


def table(path):
    """The register table in the head of a file: its lines from `Registers` to the next empty one."""
    found = None
    for line in read(path):
        line = line.removeprefix("//").strip()
        if line == "Registers":
            found = []
        elif found is not None and not line:
            break
        elif found is not None:
            found.append(line)
    return found or []


def line_of(pc):
    """(file, number of the line, its text) of the assembly that an instruction comes from, or None."""
    symbol, offset = place(pc)
    path = source_of(symbol) if symbol else None
    if path is None:
        return None
    lines = iter(expanded(path))
    next(text for _, text in lines if text == symbol + ":")
    for count, (number, text) in enumerate(line for line in lines if not line[1].endswith(":")):
        if 4 * count == offset:
            return path, number, text
    return None
