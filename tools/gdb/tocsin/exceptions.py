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


def general_registers(address, numbers):
    """Those of these numbers that an exception frame has; r13 is the thread's, and stays."""
    gpr = offsets.exception_frame()["gpr"]
    return {"r%d" % n: values.word(address + gpr + 8 * n) for n in numbers if n != 13}


def from_memory(address):
    """The interrupted registers, and the ends of both stacks of records, of a whole exception frame."""
    at = offsets.exception_frame()
    registers = general_registers(address, range(32))
    registers.update({name: values.word(address + at[name]) for name in ("pc", "lr", "ctr")})
    if None in registers.values():
        return None
    return registers, (values.word(address + at["return_sp"]), values.word(address + at["livepatch_sp"]))


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
        # The entry uses r10 to r12 from the beginning, and others when it has saved all.
        used = range(32) if pc >= name("exception_entry_saved") else (10, 11, 12)
        registers = {**general_registers(frame.sp, used), **registers}
    return registers, None
