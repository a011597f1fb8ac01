"""Steps through patched calls and compares GDB's frames with the truth at each stop. Run by tests/tests/debugger.rs, in a GDB that
is connected and has read tools/gdb/tocsin.py.

The truth is a list of return addresses that is kept by looking at the instructions: what links adds one, what returns takes
one away. GDB's frames have nothing to do with it, but for those above A, which are taken when A's call has just been made.
Frames of return helpers are left out of the comparison: to them C returns, and they are nobody's caller.
"""

import gdb

from tocsin import records, return_stub, unwinder, values

LONGEST = 2000
B = "kernel::livepatch::tests::victim"


def frames():
    """The addresses of GDB's frames, the innermost first, without helpers that are returned to, and without what is inlined: that
    has its caller's address."""
    found, frame = [], gdb.newest_frame()
    while frame is not None:
        pc = int(frame.pc())
        is_helper = frame.level() and records.helper_at(pc) is not None
        if frame.type() != gdb.INLINE_FRAME and not is_helper:
            found.append(pc)
        frame = frame.older()
    return found


def register(name):
    return int(gdb.newest_frame().read_register(name)) & (1 << 64) - 1


def word_at(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 4).tobytes(), "little")


def links(word):
    return word >> 26 in (16, 18) and word & 1 or word >> 26 == 19 and word >> 1 & 0x3FF in (16, 528) and word & 1


def returns(word):
    return word == 0x4E800020


class Count:
    """What came of the calls under one design."""

    def __init__(self):
        self.calls, self.stops, self.frames, self.mismatches = 0, 0, 0, []


def design_at(pc):
    """The design whose entry an address is, or None."""
    stub = return_stub.at(pc)
    if stub and stub.start == pc:
        return "return-stack"
    for name in ("none", "mini_frame", "caller_frame", "livepatch_stack"):
        if values.known_address("klp_enter_" + name) == pc:
            return name.replace("_", "-")
    return None


def step_through():
    """From B's site to A: the design, and what came of it."""
    count, design = Count(), "not patched"
    count.calls = 1
    truth = [register("lr")]
    above = frames()
    # Frame 0 is B, frame 1 is A.
    if len(above) < 3 or above[1] != truth[0]:
        count.mismatches.append("at the entry: A is not above: %s" % [hex(a) for a in above])
        return design, count
    above = above[2:]
    for _ in range(LONGEST):
        pc = register("pc")
        if not truth:
            return design, count
        design = design_at(pc) or design
        expected = [pc] + [a for a in reversed(truth) if records.helper_at(a) is None] + above
        found = frames()
        count.stops += 1
        count.frames += len(expected)
        if found != expected:
            place = gdb.execute("info symbol 0x%x" % pc, to_string=True).strip()
            count.mismatches.append("0x%x %s: found %s, the truth is %s" % (pc, place, [hex(a) for a in found], [hex(a) for a in expected]))
        word = word_at(pc)
        gdb.execute("stepi", to_string=True)
        now = register("pc")
        if links(word) and now != pc + 4:
            truth.append(pc + 4)
        elif returns(word) and (truth[-1] == now or records.helper_at(now) is None):
            # To a helper that nothing has linked, C was made to return by what stands in LR.
            if truth.pop() != now:
                count.mismatches.append("0x%x returns to 0x%x, which is not the truth" % (pc, now))
                return design, count
    count.mismatches.append("the call has no end")
    return design, count


def site_of(function):
    """Its local entry: behind the two instructions that make a TOC pointer, where it has them."""
    entry = unwinder.function_of(gdb.decode_line(function)[1][0].pc)[0]
    return entry + 8 if word_at(entry) >> 16 in (0x3C4C, 0x3C40) else entry


def main():
    counts = {}
    site = gdb.Breakpoint("*0x%x" % site_of(B), internal=True)
    for _ in range(CALLS):
        site.enabled = True
        gdb.execute("continue", to_string=True)
        site.enabled = False
        design, count = step_through()
        total = counts.setdefault(design, Count())
        total.calls += count.calls
        total.stops += count.stops
        total.frames += count.frames
        total.mismatches += count.mismatches
        print("witness: %s: %d calls, %d stops, %d frames compared, %d mismatches" % (
            design, total.calls, total.stops, total.frames, len(total.mismatches)), flush=True)
        for mismatch in count.mismatches[:12]:
            print("witness:   " + mismatch, flush=True)
    site.delete()
    print("witness: rules that failed: %s" % set(unwinder.failures))


main()
