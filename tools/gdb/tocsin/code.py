"""The caller of a function that was interrupted, by its instructions: LLVM's tables are right at calls only.

Followed is one way through the function, from its entry to the instruction or from there to its return: all ways agree on
where the frame is. A way with a call in it, or with something that is not understood, answers nothing, and GDB's own reading of
the tables is left to decide.
"""

from . import return_stub, values

# The longest way that is followed, in instructions.
LONGEST = 256
# Where LR is saved, above the caller's r1 (ELFv2 2.2.3.1).
LR_SAVE = 16


def signed(value, bits):
    return value - (1 << bits) if value >> bits - 1 & 1 else value


def branch_target(pc, word):
    """Where a `b` or `bl` at `pc` leads."""
    return pc + signed(word & 0x03FFFFFC, 26)


class Frame:
    """What is known on the way: registers that are known to differ from the processor's, `None` for lost ones."""

    def __init__(self, read):
        self.read, self.changed = read, {}

    def get(self, name):
        return self.changed[name] if name in self.changed else self.read(name)


def forwards(pc, function, read):
    """The caller's registers {name: value}, by what remains of the function, or None."""
    frame = Frame(read)
    for _ in range(LONGEST):
        word = values.word(pc, 4)
        if word is None:
            return None
        opcode, rt, ra = word >> 26, word >> 21 & 31, word >> 16 & 31
        displacement = signed(word & 0xfffc, 16)
        if word == 0x4E800020 or word == 0x4E800420:
            return finish(frame)
        if opcode == 18:
            target = branch_target(pc, word)
            if word & 1:
                return None
            if not function[0] <= target < function[1]:
                if return_stub.in_stub_area(target):
                    # A hook's branch, in the place of a nop.
                    pc += 4
                    continue
                return finish(frame)
            pc = target
            continue
        if opcode == 16 and word & 1 or opcode == 19 and word >> 1 & 0x3FF in (18, 528):
            return None
        if opcode == 14 and rt == 1 and ra == 1:
            frame.changed["r1"] = frame.get("r1") + signed(word & 0xFFFF, 16)
        elif opcode == 58 and rt == 1:
            if ra != 1 or word & 0xFFFF:
                return None
            frame.changed["r1"] = values.word(frame.get("r1"))
        elif opcode == 62 and word & 3 == 1 and ra == 1:
            below = frame.get("r1")
            frame.changed["r1"] = below + displacement
            frame.changed.setdefault("stored", {})[below + displacement] = below
        elif opcode == 58 and word & 3 == 0 and ra == 1:
            frame.changed["r%d" % rt] = load(frame, frame.get("r1") + displacement)
        elif opcode == 62 and word & 3 == 0 and ra == 1:
            stored = frame.changed.setdefault("stored", {})
            stored[frame.get("r1") + displacement] = frame.get("r%d" % rt)
        elif word & 0xFC1FFFFF == 0x7C0802A6:
            frame.changed["r%d" % rt] = frame.get("lr")
        elif word & 0xFC1FFFFF == 0x7C0803A6:
            frame.changed["lr"] = frame.get("r%d" % rt)
        elif opcode == 31 and ra == 1 and word >> 1 & 0x3FF in (181, 444, 28, 60, 124, 316):
            return None
        elif opcode == 1 or word == 0x7FE00008:
            return None
        pc += 4
    return None


def load(frame, address):
    stored = frame.changed.get("stored", {})
    return stored[address] if address in stored else values.word(address)


def finish(frame):
    frame.changed.pop("stored", None)
    caller = {n: v for n, v in frame.changed.items() if n in ("r1", "lr") or int(n[1:]) >= 14}
    caller.setdefault("r1", frame.read("r1"))
    caller["pc"] = caller.pop("lr", None) or frame.read("lr")
    return None if None in caller.values() else caller


def calls(word):
    """Whether an instruction links: `bl`, `bctrl` and the like."""
    is_branch = word >> 26 in (16, 18) or word >> 26 == 19 and word >> 1 & 0x3FF in (16, 528)
    return bool(is_branch and word & 1)


def goes_away(word):
    """Whether an instruction calls, or never goes on with the one behind it: of branches those remain that have a condition and do
    not link (Power ISA 3.0B, book I, 2.4)."""
    if word >> 26 == 16:
        return word & 1
    if word >> 26 != 19 or word >> 1 & 0x3FF not in (16, 18, 528):
        return False
    is_always = word >> 21 & 0x14 == 0x14
    return word & 1 or is_always or word >> 1 & 0x3FF == 18


def backwards(pc, entry, read):
    """The same by what the function has done from its entry to `pc` without a call or a jump; None where there was one."""
    size, saved, in_r0 = 0, {}, None
    if (pc - entry) // 4 > LONGEST:
        return None
    for at in range(entry, pc, 4):
        word = values.word(at, 4)
        if word is None:
            return None
        opcode, rt, ra = word >> 26, word >> 21 & 31, word >> 16 & 31
        displacement = signed(word & 0xFFFC, 16)
        if opcode == 18 and not word & 1 and return_stub.in_stub_area(branch_target(at, word)):
            continue
        if opcode == 18 or goes_away(word):
            return None
        if opcode == 62 and word & 3 == 1 and ra == 1 and rt == 1:
            size -= displacement
        elif opcode == 62 and word & 3 == 0 and ra == 1:
            name = "pc" if rt == in_r0 else "r%d" % rt if rt >= 14 else None
            if name:
                saved.setdefault(name, displacement - size)
        elif word & 0xFC1FFFFF == 0x7C0802A6:
            in_r0 = rt
        elif rt == 1 and opcode in (14, 15, 58) or opcode == 31 and ra == 1 and word >> 1 & 0x3FF == 181 or opcode == 1:
            return None
    top = read("r1") + size
    caller = {name: values.word(top + offset) for name, offset in saved.items()}
    caller["r1"] = top
    caller.setdefault("pc", read("lr"))
    return None if None in caller.values() else caller


def caller(pc, function, read):
    """The caller's registers of a function that was interrupted at `pc`, or None: the tables decide."""
    return backwards(pc, function[0], read) or forwards(pc, function, read)
