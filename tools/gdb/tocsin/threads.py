"""The kernel's threads: all of them, not only those that a CPU runs, which are all that QEMU knows of."""

import gdb

from . import offsets, values

# The thread that is looked at in place of the one that the CPU runs: address of its `Thread`, or None.
chosen = None
# pc and r1 of the CPU that was looked at then: its own frame is behind all that is inlined there.
own = None

STATES = ("runnable", "blocked", "asleep", "ended")


def everyone():
    """The kernel's `Thread`s, in the order of their birth."""
    return [values.arc(thread) for thread in values.vec(values.locked(values.static("kernel::thread::scheduler::THREADS")))]


def address(thread):
    return int(thread.address)


def records_start(thread):
    """Where the thread's records of return-stack begin: the first part of its memory."""
    return int(values.array(thread["memory"]["parts"])[0]["start"])


def of_register(r13):
    """The `Thread` whose head r13 points to; None before threads exist, or where it is nobody's."""
    try:
        known = [address(thread) for thread in everyone()]
    except (gdb.error, values.Missing):
        return None
    return values.at(r13, "kernel::thread::Thread") if r13 in known else None


def register_of_frame(frame, name):
    return int(frame.read_register(name)) & (1 << 64) - 1


def running():
    """{address of a Thread: GDB's thread} of those that the CPUs run."""
    before, found = gdb.selected_thread(), {}
    for cpu in gdb.selected_inferior().threads():
        cpu.switch()
        try:
            found[register_of_frame(gdb.newest_frame(), "r13")] = cpu
        except gdb.error:
            continue
    if before:
        before.switch()
    return found


def choose(thread):
    """Looks at another thread. `None`: at the one that the CPU runs."""
    global chosen, own
    chosen = own = None
    gdb.invalidate_cached_frames()
    if thread is not None:
        own = tuple(register_of_frame(gdb.newest_frame(), name) for name in ("pc", "r1"))
        chosen = thread
        gdb.invalidate_cached_frames()


def switch_frame(head):
    """The registers of a thread that does not run, from what thread_switch has put on its stack."""
    below = values.word(head + offsets.saved_stack_pointer())
    size, r14, r2 = offsets.switch_frame()
    saved = {"r%d" % n: values.word(below + r14 + 8 * (n - 14)) for n in range(14, 32)}
    saved.update({"r1": below + size, "r2": values.word(below + r2), "pc": values.word(below + size + 16), "r13": head})
    return saved


def trace(thread, cpus):
    """The frames of a thread, as GDB unwinds them: (pc, name, line) each."""
    before = gdb.selected_thread()
    cpu, kept = cpus.get(address(thread)), chosen
    if cpu:
        cpu.switch()
        choose(None)
    else:
        choose(address(thread))
    try:
        frame, found = gdb.newest_frame() if cpu else first_frame(), []
        while frame is not None and len(found) < 200:
            found.append(describe(frame))
            frame = frame.older()
        return found
    except gdb.error as error:
        return [(0, "cannot be traced: %s" % error, "")]
    finally:
        if before:
            before.switch()
        choose(kept)


def first_frame():
    """The innermost frame of the chosen thread: the one behind the CPU's own, with all that is inlined there."""
    frame = gdb.newest_frame()
    while frame is not None and frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    return frame.older()


def describe(frame):
    """(pc, name, line) of a frame."""
    sal = frame.find_sal()
    line = "%s:%d" % (sal.symtab.filename, sal.line) if sal.symtab and sal.line else ""
    # One that has not run yet returns to the first instruction of a function, which GDB takes for the end of the one before.
    if frame.pc() == values.known_address("thread_start"):
        return frame.pc(), "thread_start", line
    return frame.pc(), frame.name() or "??", line


def find(words):
    """The thread of a number or a name."""
    for thread in everyone():
        if words in (str(int(thread["id"])), values.text(thread["name"])):
            return thread
    raise gdb.GdbError("there is no thread '%s'" % words)


class Threads(gdb.Command):
    """tocsin threads [bt]: all threads of the kernel, with `bt` all their frames.

Number, state or CPU, which functions it uses while a live patch comes or goes, name, and where it is."""

    def __init__(self):
        super().__init__("tocsin threads", gdb.COMMAND_STATUS)

    def complete(self, text, word):
        return [choice for choice in ("bt",) if choice.startswith(word or "")]

    def invoke(self, argument, _from_tty):
        cpus = running()
        for thread in everyone():
            cpu = cpus.get(address(thread))
            frames = trace(thread, cpus)
            state = "on CPU %d" % (cpu.num - 1) if cpu else STATES[values.number(thread["state"]) & 3]
            patched = "patched" if values.number(thread["head"]["patch_state"]) else "unpatched"
            place = frames[0][1] if frames else "?"
            mark = "*" if chosen == address(thread) else " "
            print("%s%4d %-9s %-9s %-20s %s" % (mark, int(thread["id"]), state, patched, values.text(thread["name"]), place))
            if argument == "bt":
                for index, (pc, name, line) in enumerate(frames):
                    print("      #%-2d 0x%x %s %s" % (index, pc, name, line))


class Switch(gdb.Command):
    """tocsin thread [NUMBER|NAME]: looks at another thread from now on.

Its frames stand behind the CPU's own, and the first of them is selected. Without an argument: back to the thread that the
CPU runs. Nothing is written to the guest."""

    def __init__(self):
        super().__init__("tocsin thread", gdb.COMMAND_STACK)

    def complete(self, text, word):
        return [name for name in (values.text(t["name"]) for t in everyone()) if name.startswith(text)]

    def invoke(self, argument, _from_tty):
        if not argument:
            choose(None)
            print("the thread that the CPU runs")
            return
        thread = find(argument)
        cpu = running().get(address(thread))
        if cpu:
            choose(None)
            cpu.switch()
        else:
            choose(address(thread))
            first_frame().select()
        print("thread %d '%s'" % (int(thread["id"]), values.text(thread["name"])))


def register():
    Threads()
    Switch()
