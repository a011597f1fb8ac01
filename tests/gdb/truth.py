"""The truth about a thread's callers, to compare GDB's frames with: a list of return addresses that is kept by looking at the
instructions. What links adds one, what returns takes one away. GDB's frames have nothing to do with it, but for those above A,
which are taken when A's call has just been made.

Frames of return helpers are left out of the comparison: to them C returns, and they are nobody's caller.
"""

import gdb

from tocsin import records, unwinder, values

# Stops are not told to anybody.
gdb.execute("set suppress-cli-notifications on")


def frames(kept=1):
    """The addresses of GDB's frames, the innermost first, without what is inlined, which has its caller's address, and without
    helpers that are returned to: the first `kept` are where something is, and not where something returns to."""
    found, frame = [], gdb.newest_frame()
    while frame is not None:
        pc = int(frame.pc())
        is_helper = len(found) >= kept and records.helper_at(pc) is not None
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


def step():
    """One instruction. QEMU's step can end before it, when the host interrupts the emulator; nothing here branches to itself."""
    before = register("pc")
    for _ in range(10):
        gdb.execute("stepi", to_string=True)
        if register("pc") != before:
            break
    return register("pc")


def breakpoint_at(symbol):
    return gdb.Breakpoint("*0x%x" % values.known_address(symbol), internal=True)


def breakpoint_at_site(function):
    """At its local entry: behind the two instructions that make a TOC pointer, where it has them."""
    entry = unwinder.function_of(gdb.decode_line(function)[1][0].pc)[0]
    has_toc = word_at(entry) >> 16 in (0x3C4C, 0x3C40)
    return gdb.Breakpoint("*0x%x" % (entry + 8 * has_toc), internal=True)


class Truth:
    """Begun at B's site, where LR is A's return address."""

    def __init__(self):
        self.pc = register("pc")
        self.calls = [register("lr")]
        found = frames()
        # Frame 0 is B, frame 1 is A.
        if len(found) < 3 or found[1] != self.calls[0]:
            raise gdb.GdbError("at the entry: A is not above: %s" % [hex(a) for a in found])
        self.above = found[2:]

    def went_to(self, now):
        """The instruction at the last place was executed, and the next one is this."""
        word, last = word_at(self.pc), self.pc
        self.pc = now
        if links(word) and now != last + 4:
            self.calls.append(last + 4)
        elif returns(word) and (self.calls[-1] == now or records.helper_at(now) is None):
            # To a helper that nothing has linked, C was made to return by what stands in LR.
            if self.calls.pop() != now:
                raise gdb.GdbError("0x%x returns to 0x%x, which is not the truth" % (last, now))

    @property
    def is_over(self):
        """Whether A goes on."""
        return not self.calls

    def frames(self):
        """The addresses that GDB's frames should have."""
        return [self.pc] + [a for a in reversed(self.calls) if records.helper_at(a) is None] + self.above


class Count:
    """What came of comparing."""

    def __init__(self):
        self.calls, self.stops, self.frames, self.mismatches = 0, 0, 0, []

    def add(self, other):
        self.calls += other.calls
        self.stops += other.stops
        self.frames += other.frames
        self.mismatches += other.mismatches

    def compare(self, truth, handler=()):
        """At one stop. `handler` is what an exception's handler has for frames, in front of the interrupted one."""
        expected = [*handler, *truth.frames()]
        found = frames(len(handler) + 1)
        self.stops += 1
        self.frames += len(expected)
        if found != expected:
            pc = register("pc")
            place = gdb.execute("info symbol 0x%x" % pc, to_string=True).strip()
            found, expected = ([hex(a) for a in list_] for list_ in (found, expected))
            self.mismatches.append("0x%x %s: found %s, the truth is %s" % (pc, place, found, expected))

    def print(self, what):
        print("witness: %s: %d calls, %d stops, %d frames compared, %d mismatches" % (
            what, self.calls, self.stops, self.frames, len(self.mismatches)), flush=True)
        for mismatch in self.mismatches[:12]:
            print("witness:   " + mismatch, flush=True)
