"""`klp step`: one instruction at a time through what lies between A and C, with the registers that changed, and what the
header of the trampoline's file says each one is for."""

import os
import re

import gdb

from . import klp, return_stub

NAMES = ["r%d" % n for n in range(32)] + ["lr", "ctr", "cr", "xer"]


def registers():
    frame = gdb.newest_frame()
    return {name: int(frame.read_register(name)) & (1 << 64) - 1 for name in NAMES}


def table(path):
    """The register table in the head of an assembly file: its lines from `Registers` to the next empty line."""
    from .session import ROOT

    path = path if os.path.isabs(path) else os.path.join(ROOT, path)
    lines, found = [], False
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if not line.startswith("//"):
                    break
                line = line[2:].rstrip()
                if line.strip() == "Registers":
                    found = True
                elif found and not line.strip():
                    break
                elif found:
                    lines.append(line.strip())
    except OSError:
        return []
    return lines


FOLDERS = ("arch/ppc64/src/livepatch", "arch/ppc64/src/ftrace")


def source_of(symbol):
    """The assembly file that has a function; None where none has."""
    from .session import ROOT

    for folder in FOLDERS:
        whole = os.path.join(ROOT, folder)
        for name in sorted(os.listdir(whole)) if os.path.isdir(whole) else ():
            if name.endswith(".S"):
                with open(os.path.join(whole, name), encoding="utf-8") as file:
                    if re.search(r"^(%s:|\s+return_stub %s,)" % (re.escape(symbol), re.escape(symbol)), file.read(), re.M):
                        return os.path.join(folder, name)
    return None


def place(pc):
    """(name, offset) of an address by the image's symbols; in a stub of return-stack, of what it is a copy of."""
    stub = return_stub.at(pc)
    if stub:
        return stub.pattern.name, pc - stub.start
    shown = gdb.execute("info symbol 0x%x" % pc, to_string=True)
    match = re.match(r"(\S+)(?: \+ (\d+))? in section", shown)
    return (match.group(1), int(match.group(2) or 0)) if match else (None, 0)


def step_once():
    gdb.execute("stepi", to_string=True)


class Step(gdb.Command):
    """klp step [N]: executes one instruction, or N, and shows the next one, the registers that changed (marked *), and in a
trampoline or a return helper the register table of its file, once for each file."""

    shown = None

    def __init__(self):
        super().__init__("klp step", gdb.COMMAND_RUNNING, gdb.COMPLETE_NONE)

    def invoke(self, argument, _from_tty):
        for _ in range(int(argument or 1)):
            old = registers()
            step_once()
            self.show(old)

    def show(self, old):
        pc = int(gdb.newest_frame().pc())
        symbol, offset = place(pc)
        source = source_of(symbol) if symbol else None
        if source and source != self.shown:
            print("--- %s" % source)
            print("\n".join("    " + line for line in table(source)))
        self.shown = source
        instruction = gdb.execute("x/i $pc", to_string=True).split(":", 1)[-1].strip()
        print("0x%x %s+%d: %s" % (pc, symbol or "stub", offset, instruction))
        new = registers()
        for name in NAMES:
            if old[name] != new[name]:
                meaning = klp.named(new[name]) if new[name] >> 12 else "0x%x" % new[name]
                print("  * %-4s 0x%x -> %s" % (name, old[name], meaning))


def register():
    Step()
