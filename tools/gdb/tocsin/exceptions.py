"""What an exception interrupted, from every instruction between its vector and its return (arch/ppc64/src/entry/entry.S)."""

from . import offsets, values

VECTORS = range(0x100, 0x1000)
# Those with HSRR0 for a save register (Power ISA 3.0B, book III, 6.2.2).
HYPERVISORS = (0x980, 0xE00, 0xE20, 0xE40, 0xE60, 0xE80, 0xEA0, 0xF80)


def save_register(frame, vector):
    """The interrupted instruction's address, while the processor has it."""
    try:
        return frame.read("hsrr0" if vector in HYPERVISORS else "srr0")
    except ValueError:
        return frame.read("srr0")


def from_memory(address):
    """The interrupted registers, and the ends of both stacks of records, of a whole exception frame."""
    at = offsets.exception_frame()
    registers = {"r%d" % n: values.word(address + at["gpr"] + 8 * n) for n in range(32)}
    registers.update({name: values.word(address + at[name]) for name in ("pc", "lr", "ctr")})
    del registers["r13"]
    if None in registers.values():
        return None
    return registers, (values.word(address + at["return_sp"]), values.word(address + at["livepatch_sp"]))


def saved_so_far(address, has_all):
    """The interrupted registers that the entry uses itself: r10 to r12 have been in the frame from the beginning, and in the end all."""
    numbers = set(range(32)) - {1, 13} if has_all else {10, 11, 12}
    gpr = offsets.exception_frame()["gpr"]
    words = {"r%d" % n: values.word(address + gpr + 8 * n) for n in numbers}
    return {name: word for name, word in words.items() if word is not None}


def interrupted(frame):
    """(registers, ends of the records or None) of what was interrupted, where `frame` is in an exception's entry or exit."""
    pc = frame.pc
    if pc in VECTORS:
        return {"r1": frame.sp, "pc": save_register(frame, pc & ~0x1F), "lr": frame.read("lr")}, None
    name = values.known_address
    entry, end = name("exception_entry"), name("exception_exit_end")
    if entry is None:
        return None
    # The entries of resets and machine checks are the last of what is not traced.
    if not entry <= pc < name("__notrace_end"):
        return None
    if not frame.is_live:
        return from_memory(frame.sp) if pc == name("exception_exit") else None
    if name("exception_entry_live") <= pc < end - 4:
        return from_memory(frame.sp)
    # r1 is the interrupted one until the frame has it, and again at the very end.
    has_frame = name("exception_entry_frame") < pc < name("exception_entry_live")
    sp = values.word(frame.sp) if has_frame else frame.sp
    registers = {"r1": sp, "pc": save_register(frame, 0), "lr": frame.read("lr")}
    if has_frame:
        registers.update(saved_so_far(frame.sp, pc >= name("exception_entry_saved")))
    return registers, None
