"""`klp step`: one instruction at a time through what lies between A and C, with the registers that changed, the line of the
trampoline's source, and what the header of its file says each register is for."""

import gdb

from . import assembly, klp

NAMES = ["r%d" % n for n in range(32)] + ["lr", "ctr", "cr", "xer"]
# Below this a number is no address.
SMALLEST_ADDRESS = 0x1000


def registers():
    frame = gdb.newest_frame()
    return {name: int(frame.read_register(name)) & (1 << 64) - 1 for name in NAMES}


def where(pc):
    """The line of the source, or as much as is known."""
    line = assembly.line_of(pc)
    if line:
        return "%s:%d" % line[:2]
    sal = gdb.find_pc_line(pc)
    if sal.symtab and sal.line:
        return "%s:%d" % (sal.symtab.filename.removeprefix("./"), sal.line)
    return "a stub"


def one_instruction():
    """QEMU's step can end before it, when the host interrupts the emulator; what branches to itself is let go after ten."""
    before = gdb.newest_frame().pc()
    for _ in range(10):
        gdb.execute("with suppress-cli-notifications on -- stepi", to_string=True)
        if gdb.newest_frame().pc() != before:
            return


class Step(gdb.Command):
    """klp step [N]: one instruction, or N, with the registers that it changed.

Shown are the next instruction with its line in the source, the registers that changed (marked *), and in a trampoline or a
return helper the register table of its file, once for each file."""

    def __init__(self):
        super().__init__("klp step", gdb.COMMAND_RUNNING, gdb.COMPLETE_NONE)
        self.shown = None

    def invoke(self, argument, _from_tty):
        for _ in range(int(gdb.parse_and_eval(argument or "1"))):
            old = registers()
            one_instruction()
            self.show(old)

    def show(self, old):
        pc = int(gdb.newest_frame().pc())
        symbol, offset = assembly.place(pc)
        source = assembly.source_of(symbol) if symbol else None
        if source and source != self.shown:
            print("--- %s" % source)
            print("\n".join("    " + line for line in assembly.table(source)))
        self.shown = source
        instruction = " ".join(gdb.execute("x/i $pc", to_string=True).split(":", 1)[-1].split())
        print("0x%x <%s+%d> %-28s %s" % (pc, symbol or "stub", offset, instruction, where(pc)))
        new = registers()
        for name in NAMES:
            if old[name] != new[name]:
                meaning = klp.named(new[name]) if new[name] >= SMALLEST_ADDRESS else "0x%x" % new[name]
                print("  * %-4s 0x%x -> %s" % (name, old[name], meaning))


def register():
    Step()
