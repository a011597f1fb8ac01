"""From a function to its caller where GDB alone does not know the way: return helpers, the graph tracer's returns, hooks' stubs,
exceptions, LLVM's prologues and epilogues, and threads that no CPU runs. Everything else is GDB's own, by the tables.

The rules are those of kernel/src/unwind, whose cases prove them; `klp_return_helper…` is a frame of its own here, between C and
A: it stands for B's hook. A walk asks for the frames in order, innermost first, so what it has used of the records is kept
for each level.
"""

import collections

import gdb
from gdb.FrameDecorator import FrameDecorator
from gdb.unwinder import Unwinder, register_unwinder

from . import code, exceptions, klp, modules, records, return_stub, tables, threads, values

# Level -> what was used of the records up to there; begun anew at level 0.
used_at = {}
# Level -> whether the frame's registers are all as the processor left them: the innermost, and who was interrupted.
live_at = {}


# What a caller has as the frame has it, where no rule says otherwise.
KEPT = ["r%d" % n for n in range(32)] + ["pc", "msr", "cr", "lr", "ctr", "xer", "srr0", "srr1", "hsrr0"]

BCTRL = 0x4E800421
# More instructions than return_to_handler has.
LONGEST = 64

# Why rules failed: for who looks for a fault in them.
failures = collections.deque(maxlen=20)


def forget():
    used_at.clear()
    live_at.clear()


class Id:
    """What GDB tells frames apart by."""

    def __init__(self, sp, pc, special=None):
        self.sp, self.pc = gdb.Value(sp), gdb.Value(pc)
        if special is not None:
            self.special = gdb.Value(special)


class Frame:
    """A frame whose caller is looked for."""

    def __init__(self, pending):
        self.pending = pending
        self.level = pending.level()
        self.pc, self.sp = self.read("pc"), self.read("r1")
        if self.is_innermost:
            forget()
            live_at[self.level] = True

    def read(self, name):
        return int(self.pending.read_register(name)) & (1 << 64) - 1

    @property
    def is_innermost(self):
        """Whether the processor is here. What is inlined at its instruction has frames of its own, with the levels below; any other
        frame has more below, of whom it has called. For who has called GDB looks at what is inlined at the call."""
        if self.level == 0 or self.level > inlined_at(self.pc):
            return self.level == 0
        return self.level <= inlined_at(self.pc - 1) or not code.calls(values.word(self.pc - 4, 4))

    @property
    def is_live(self):
        return live_at.get(self.level, False)

    def used(self):
        """What was used of the records by the frames below; None where the thread is not known."""
        levels = [level for level in used_at if level <= self.level]
        if levels:
            return used_at[max(levels)].copy()
        used = records.Used.none_of(self.read("r13"))
        # A record that nobody will return by yet: LR is A's until the design calls C.
        stub = return_stub.at(self.pc)
        if stub and stub.pushed <= self.pc < stub.helper:
            records.take_return(used)
        elif within(self.pc, "klp_livepatch_stack_pushed", "klp_return_helper_livepatch_stack"):
            records.take_livepatch(used)
        used_at[self.level] = used
        return used.copy()

    def caller(self, registers, used=None, is_live=False, special=None):
        """What GDB is told of the caller: the registers that it has otherwise than this frame."""
        if used is not None:
            used_at[self.level + 1] = used
        live_at[self.level + 1] = is_live
        function = function_of(self.pc)
        info = self.pending.create_unwind_info(Id(registers.get("r1", self.sp), function[0] if function else self.pc, special))
        registers.setdefault("lr", registers["pc"])
        # GDB takes a register that is not named for lost.
        for name in KEPT:
            try:
                value = self.pending.read_register(name)
                given = registers.get(name)
                if given is None and value.is_optimized_out:
                    continue
                info.add_saved_register(name, value if given is None else gdb.Value(given).cast(value.type))
            except (gdb.error, ValueError):
                continue
        return info


def within(pc, first, end):
    start, behind = values.known_address(first), values.known_address(end)
    return start is not None and behind is not None and start <= pc < behind


def functions_at(pc):
    """The blocks of the functions that an address is in, the outermost last: the others are inlined there."""
    block, found = gdb.block_for_pc(pc), []
    # Every scope has a block, too.
    while block is not None and not block.is_static and not block.is_global:
        found += [block] if block.function is not None else []
        block = block.superblock
    return found


def inlined_at(pc):
    """How many functions are inlined where an address is."""
    return max(len(functions_at(pc)) - 1, 0)


def function_of(pc):
    """(start, end) of the function that an address is in, or None."""
    blocks = functions_at(pc)
    return (blocks[-1].start, blocks[-1].end) if blocks else None


def is_rust(pc):
    """Whether an address is in a function in Rust. Of some of its instructions LLVM says no line, and so no file."""
    blocks = functions_at(pc)
    return bool(blocks) and blocks[-1].function.symtab.filename.endswith(".rs")


def last_use(helper):
    """The instruction of a helper that gives its record back: the first `std r,…(r13)` of it."""
    for at in range(helper, helper + 64, 4):
        word = values.word(at, 4)
        if word >> 26 == 62 and word >> 16 & 31 == 13:
            return at
    return helper


def from_helper(frame):
    """A return helper that has still its record: who it will return to."""
    pc, sp = frame.pc, frame.sp
    stub = return_stub.at(pc)
    livepatch = values.known_address("klp_return_helper_livepatch_stack")
    for helper, end, take in (
        (stub and stub.helper, stub and stub.last_use, records.take_return),
        (livepatch, livepatch and last_use(livepatch), records.take_livepatch),
    ):
        if helper is not None and helper <= pc <= end and (frame.is_live or pc == helper):
            used = frame.used()
            record = used and take(used)
            if not record:
                return None
            address = used.returns if take is records.take_return else used.livepatch
            changed = {"r1": sp, "pc": record["return_address"], "r2": record["toc"]}
            return frame.caller(changed, used, special=address)
    helper = values.known_address("klp_return_helper_caller_frame")
    if helper is not None and helper <= pc <= helper + 8 and (frame.is_live or pc == helper):
        record = records.caller_frame(sp)
        return record and frame.caller({"r1": sp, "pc": record["return_address"], "r2": record["toc"]}, special=sp)
    return None


def from_graph(frame):
    """return_to_handler, up to where it knows in a register where to return to."""
    entry = values.known_address("return_to_handler")
    if entry is None or not entry <= frame.pc < entry + 4 * LONGEST:
        return None
    call = next((at for at in range(entry, frame.pc + 4 * LONGEST, 4) if values.word(at, 4) == BCTRL), entry)
    if frame.pc > call + 4 or frame.is_live and frame.pc == call + 4:
        return None
    sp = frame.sp if frame.pc == entry else values.word(frame.sp)
    used = frame.used()
    record = used and records.take_graph(used, sp)
    if not record:
        return None
    changed = {"r1": sp, "pc": record["return_address"]}
    if frame.pc != entry:
        changed["r2"] = values.word(frame.sp + 24)
    return frame.caller(changed, used, special=record["site"])


def from_stub(frame):
    """What is in the stub area, or a module's stub: no frame, A's return address in LR, or in r0: in a hook's stub once a classic
    site has linked, and in a stub of return-stack that has given its record back."""
    if return_stub.in_stub_area(frame.pc):
        stub = return_stub.at(frame.pc)
        is_in_r0 = stub.last_use < frame.pc <= stub.to_lr if stub else is_in_hook(frame.pc)
        return frame.caller({"r1": frame.sp, "pc": frame.read("r0" if is_in_r0 else "lr")})
    if not frame.is_live or function_of(frame.pc):
        return None
    module = modules.containing(frame.pc)
    stubs = values.vec(module["stubs"]) if module is not None else []
    if stubs and frame.pc >= min(int(stub["address"]) for stub in stubs):
        return frame.caller({"r1": frame.sp, "pc": frame.read("lr")})
    return None


def is_in_hook(pc):
    """Whether this is one of the instructions behind the `mflr r0` that a hook's stub begins with: lis r11, ori r11, b."""
    opcodes = [(word or 0) >> 26 for word in (values.word(at, 4) for at in range(pc - 12, pc + 12, 4))]
    # Where `pc` is one of them, they begin 0, 1 or 2 words before it.
    return any(
        opcodes[at : at + 3] == [15, 24, 18] and values.word(pc - 12 + 4 * (at - 1), 4) == 0x7C0802A6 for at in (1, 2, 3)
    )


def from_exception(frame):
    """The entry and the exit of exceptions: what was interrupted, with the records that there were then."""
    found = exceptions.interrupted(frame)
    if not found:
        return None
    registers, ends = found
    used = frame.used()
    if used and ends:
        used.returns, used.livepatch = ends
    return frame.caller(registers, used, is_live=True, special=frame.sp)


def from_interrupted(frame):
    """A function of LLVM's that was interrupted where its tables may be wrong, and behind an exception also any other: GDB would
    look at the row before."""
    if not frame.is_live or frame.is_innermost and not is_rust(frame.pc):
        return None
    function = function_of(frame.pc)
    found = code.caller(frame.pc, function, frame.read) if function else tables.caller(frame.pc, frame.read)
    return frame.caller(found) if found else None


class TocsinUnwinder(Unwinder):
    """See the file's head."""

    def __init__(self):
        super().__init__("tocsin")

    def __call__(self, pending):
        try:
            frame = Frame(pending)
            is_own = frame.level == 0 or (frame.pc, frame.sp) == threads.own
            if is_own and threads.chosen is not None:
                used = records.Used.none_of(threads.chosen)
                return frame.caller(threads.switch_frame(threads.chosen), used, special=threads.chosen)
            for rule in (from_helper, from_graph, from_stub, from_exception, from_interrupted):
                found = rule(frame)
                if found:
                    return found
        except (gdb.error, gdb.MemoryError, ValueError, values.Missing) as error:
            failures.append("%s at %#x" % (error, int(pending.read_register("pc"))))
            # Where the guest's memory is not what it should be, GDB's own way is better than none.
            return None
        return None


class Decorator(FrameDecorator):
    """A return helper, by what it stands for."""

    def function(self):
        frame = self.inferior_frame()
        design = records.helper_at(frame.pc())
        if design is None:
            return super().function()
        return "<hook of %s, returns by %s>" % (hooked(frame.newer()) or "?", design)


def hooked(frame):
    """The function whose replacement a frame is of; None where that is not known."""
    function = function_of(frame.pc()) if frame is not None else None
    try:
        return klp.replaced_by(function[0]) if function else None
    except (gdb.error, values.Missing):
        return None


class Filter:
    """Names the helpers in backtraces."""

    name, priority, enabled = "tocsin", 100, True

    def filter(self, frames):
        return map(Decorator, frames)


def register():
    register_unwinder(None, TocsinUnwinder(), replace=True)
    gdb.frame_filters["tocsin"] = Filter()
