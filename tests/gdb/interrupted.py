"""Compares GDB's frames with the truth behind an exception, at instructions of patched calls: the kernel steps through them itself,
so each has an exception behind it. Some of these exceptions are followed instruction by instruction, on their way to the
handler and back. Run by tests/tests/debugger like witness.py; CALLS is how many calls, EVERY how many exceptions there are for one that
is followed, and SKIP how many calls are passed over between two.
"""

import os
import sys

import gdb

from tocsin import values

sys.path.insert(0, os.path.dirname(__file__))
from truth import Count, Truth, breakpoint_at, breakpoint_at_site, register, step, word_at  # noqa: E402

# The trace exception (Power ISA 3.0B, book III, 6.5.15), and `rfid`.
TRACE, RFID = 0xD00, 0x4C000024
LONGEST = 2000
B = "kernel::unwind::stepped::trampolines::b"


def go_to(breakpoint):
    breakpoint.enabled = True
    gdb.execute("continue", to_string=True)
    breakpoint.enabled = False


def follow(truth, leaves, count):
    """From the vector to the handler, and from the handler's return to the `rfid`."""
    handler, exit_ = values.known_address("exception_handler"), values.known_address("exception_exit")
    while register("pc") != handler:
        count.compare(truth, [register("pc")])
        step()
    count.compare(truth, [handler, exit_])
    go_to(leaves)
    while word_at(register("pc")) != RFID:
        count.compare(truth, [register("pc")])
        step()
    count.compare(truth, [register("pc")])


def interrupted_call(trap, leaves):
    """What came of one call, which is at B's site: at the vectors, and on the ways."""
    at_vector, on_way = Count(), Count()
    at_vector.calls = on_way.calls = 1
    truth = Truth()
    for number in range(LONGEST):
        go_to(trap)
        truth.went_to(register("srr0"))
        if truth.is_over:
            return at_vector, on_way
        at_vector.compare(truth, [TRACE])
        if number % EVERY == EVERY // 2:
            follow(truth, leaves, on_way)
    at_vector.mismatches.append("the call has no end")
    return at_vector, on_way


def main():
    site, leaves = breakpoint_at_site(B), breakpoint_at("exception_exit")
    trap = gdb.Breakpoint("*0x%x" % TRACE, internal=True)
    trap.enabled = leaves.enabled = False
    vectors, ways = Count(), Count()
    for _ in range(CALLS):
        go_to(site)
        at_vector, on_way = interrupted_call(trap, leaves)
        vectors.add(at_vector)
        ways.add(on_way)
        for _ in range(SKIP):
            go_to(site)
    vectors.print("at the vector")
    ways.print("on the way")


main()
