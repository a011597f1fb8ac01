"""Steps through patched calls and compares GDB's frames with the truth at each stop. Run by tests/tests/debugger, in a GDB that
is connected and has read tools/gdb/tocsin.py; CALLS is how many calls. VIA, where it is set, is a function that calls B next:
the guest stops there and is stepped to B's site, on which there is no breakpoint then (tests/tests/kgdb.rs).
"""

import os
import sys

import gdb

from tocsin import assembly, return_stub, unwinder, values

sys.path.insert(0, os.path.dirname(__file__))
from truth import Count, Truth, breakpoint_at_site, register, step  # noqa: E402

LONGEST = 2000
B = "kernel::livepatch::tests::victim"
DESIGNS = ("none", "mini_frame", "caller_frame", "livepatch_stack")


def design_at(pc):
    """The design whose entry an address is, or None."""
    stub = return_stub.at(pc)
    if stub and stub.start == pc:
        return "return-stack"
    for name in DESIGNS:
        if values.known_address("klp_enter_" + name) == pc:
            return name.replace("_", "-")
    return None


def check_line(pc, count):
    """The line of the assembly that `klp step` would show has the instruction that GDB sees there."""
    line = assembly.line_of(pc)
    if line:
        shown = gdb.execute("x/i 0x%x" % pc, to_string=True).split(":", 1)[-1].split()[0]
        if line[2].split()[0] != shown:
            count.mismatches.append("0x%x is %s, and %s:%d says %s" % (pc, shown, *line))
        lines.add(line[:2])


lines = set()


def step_through():
    """From B's site to A: under which design, and what came of it."""
    count, design, handler = Count(), "not patched", False
    count.calls = 1
    truth = Truth()
    for _ in range(LONGEST):
        if truth.is_over:
            return design + (", graph" if handler else ""), count
        design = design_at(truth.pc) or design
        handler |= values.known_address("return_to_handler") == truth.pc
        count.compare(truth)
        check_line(truth.pc, count)
        truth.went_to(step())
    count.mismatches.append("the call has no end")
    return design, count


def main():
    counts = {}
    via = globals().get("VIA")
    site = breakpoint_at_site(B)
    site.enabled = False
    stop = gdb.Breakpoint(via, internal=True) if via else site
    for _ in range(CALLS):
        stop.enabled = True
        gdb.execute("continue", to_string=True)
        stop.enabled = False
        while "*0x%x" % register("pc") != site.location:
            step()
        what, count = step_through()
        counts.setdefault(what, Count()).add(count)
    site.delete()
    for what, count in counts.items():
        count.print(what)
    print("witness: %d lines of assembly were those that were executed" % len(lines))
    print("witness: rules that failed: %s" % set(unwinder.failures))


main()
