"""Where things are in the structures that assembly reads, out of the instructions that read them: so no number stands here that
the kernel could change, and an image without types can be unwound as well.
"""

from . import values

# Opcodes of `ld` and `std` (with 0 in the last two bits), and of `addi`; `ldu` is `ld` with 1 there.
LD, STD, ADDI, LDU = 58, 62, 14, "ldu"
LONGEST = 96

_known = {}


def instructions(symbol):
    """(opcode, rt, ra, displacement) of the instructions from a symbol on that load, store or add with a displacement."""
    start = values.known_address(symbol)
    if start is None:
        raise values.Missing("the image has no %s" % symbol)
    for at in range(start, start + 4 * LONGEST, 4):
        word = values.word(at, 4)
        if word is None:
            return
        opcode = word >> 26
        if opcode == LD and word & 3 == 1:
            opcode = LDU
        if opcode == LDU or opcode in (LD, STD) and word & 3 == 0 or opcode == ADDI:
            low = word & (0xFFFF if opcode == ADDI else 0xFFFC)
            yield opcode, word >> 21 & 31, word >> 16 & 31, low - (low >> 15 << 16)


def first(symbol, opcode, rt, ra, skip=0):
    """The displacement of the first such instruction from a symbol on; `None` for a register stands for any."""
    key = (symbol, opcode, rt, ra, skip)
    if key not in _known:
        found = (
            displacement
            for code, target, base, displacement in instructions(symbol)
            if code == opcode and rt in (None, target) and ra in (None, base)
        )
        for _ in range(skip):
            next(found, None)
        value = next(found, None)
        if value is None:
            raise values.Missing("%s does not read what it should" % symbol)
        _known[key] = value
    return _known[key]


class Records:
    """How one design's records are laid out; offsets from a record's end, which the pointer in the thread's head is."""

    def __init__(self, pointer, size, return_address, toc):
        self.pointer, self.size, self.return_address, self.toc = pointer, size, return_address, toc


def return_stack():
    # `ldu` loads the return address, and leaves r11 at the record's beginning.
    helper = "klp_return_stub_helper"
    begin = first(helper, LDU, 0, 11)
    return Records(first(helper, LD, 11, 13), -begin, begin, begin + first(helper, LD, 2, 11))


def livepatch_stack():
    helper = "klp_return_helper_livepatch_stack"
    size = -first(helper, ADDI, 11, 11)
    return Records(first(helper, LD, 11, 13), size, first(helper, LD, 0, 11), first(helper, LD, 2, 11))


def mini_frame():
    """Of mini-frame: its frame's size, where A's TOC is in it, and where in A's frame above it A's return address is."""
    helper = "klp_return_helper"
    return first(helper, ADDI, 1, 1), first(helper, LD, 2, 1), first(helper, LD, 0, 1)


def record_stack_pointer():
    """Where a record of return-stack has A's r1, from its beginning."""
    return first("klp_return_stub", STD, 1, 11)


def exception_frame():
    """Offsets in an exception's frame: of r0, and of what is no general register."""
    return {
        "gpr": first("exception_exit_live", LD, 0, 1),
        "pc": first("exception_exit", LD, 3, 1, skip=1),
        "ctr": first("exception_exit", LD, 5, 1),
        "lr": first("exception_exit", LD, 6, 1),
        "return_sp": after_load(return_stack().pointer),
        "livepatch_sp": after_load(livepatch_stack().pointer),
    }


def after_load(offset):
    """Where the entry of exceptions keeps a word of the thread's head: the store behind its load."""
    key = ("kept", offset)
    if key not in _known:
        previous = None
        for instruction in instructions("exception_entry_frame"):
            if previous and previous[:4] == (LD, instruction[1], 13, offset) and instruction[0] == STD:
                _known[key] = instruction[3]
                break
            previous = instruction
        else:
            raise values.Missing("exceptions do not keep the ends of the records")
    return _known[key]


def saved_stack_pointer():
    """Where a thread's head has r1 while it does not run."""
    return first("thread_switch", STD, 1, 3)


def switch_frame():
    """Of what thread_switch leaves on a stack: its size, and where r14 and r2 are."""
    return first("thread_switch", ADDI, 1, 1), first("thread_switch", STD, 14, 1), first("thread_switch", STD, 2, 1)
