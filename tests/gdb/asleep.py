"""Threads that no CPU runs, and modules that come and go: while a thread sleeps in C, under each return design, its frames are the
true ones, and the symbols are those of the modules that are there. Run by tests/tests/debugger with the case
`situations::tests::a_module_that_a_sleeping_c_returns_to_stays`, which loads A's module and the patch anew for each design.
"""

import gdb

from tocsin import records, threads, values

gdb.execute("set suppress-cli-notifications on")
SLEEPER, A_MODULE = "A asleep in C", "klp_rust_caller"
# Of the sleeper's frames, from the innermost on: C, B's hook, A, and where every thread begins.
EXPECTED = ("c_waits", "b_waits, returns by ", "rust_wait_from_outside", "thread_start")
BEGINNINGS = ("thread_start", "_start", "secondary_start")


def said(command):
    return gdb.execute(command, to_string=True)


def check(condition, text):
    if not condition:
        raise gdb.GdbError("asleep: " + text)


def files_of(module):
    """How many files of symbols there are of a module."""
    return sum((f.filename or "").endswith("/%s.ko" % module) for f in gdb.objfiles())


def names():
    return [values.text(thread["name"]) for thread in threads.everyone()]


def check_sleeper():
    """Its frames are found, and looking at them changes nothing; answers under which design it sleeps."""
    cpu = said("frame 0"), said("info registers")
    said("tocsin thread " + SLEEPER)
    trace = said("bt")
    place = -1
    design = said("klp who b_waits").split(", ")[-1].splitlines()[0]
    for name in EXPECTED if design != "none" else [name for name in EXPECTED if "returns by" not in name]:
        check(trace.find(name) > place, "%s is not where it should be in:\n%s" % (name, trace))
        place = trace.find(name)
    check("switch" in said("frame"), "what is selected is not where the thread was switched from")
    frames = said("klp frames")
    check("'%s'" % SLEEPER in frames, frames)
    count = frames.count("returns to rust_wait_from_outside")
    check(count == (0 if design == "none" else 1), "under %s:\n%s" % (design, frames))
    said("tocsin thread")
    check((said("frame 0"), said("info registers")) == cpu, "the CPU's thread is not as before")
    return design


def check_everyone():
    """Each thread has frames, down to where it began; answers how many threads and frames there are."""
    cpus, frames = threads.running(), 0
    everyone = threads.everyone()
    for thread in everyone:
        trace = threads.trace(thread, cpus)
        frames += len(trace)
        check(trace[-1][1] in BEGINNINGS, "thread '%s' ends in %s" % (values.text(thread["name"]), trace[-1]))
    listed = said("tocsin threads")
    check(all(name in listed for name in names()), "not all are listed:\n" + listed)
    return len(everyone), frames


def main():
    said("set breakpoint pending on")
    a = gdb.Breakpoint("rust_wait_from_outside")
    check(a.pending, "A is there before its module")
    unload = gdb.Breakpoint("kernel::module::unload::unload")
    designs, hits, counts = [], 0, (0, 0)
    while len(designs) < DESIGNS:
        said("continue")
        if gdb.selected_thread() is None:
            break
        if gdb.selected_frame().name().endswith("rust_wait_from_outside"):
            hits += 1
            check(files_of(A_MODULE) == 1, "A's module has %d files of symbols" % files_of(A_MODULE))
        elif SLEEPER in names():
            designs.append(check_sleeper())
            now = check_everyone()
            counts = counts[0] + now[0], counts[1] + now[1]
    check(hits == DESIGNS, "A was called %d times" % hits)
    # Its last unloading: the symbols go when the module does.
    for _ in range(2):
        said("continue")
    said("finish")
    check(A_MODULE not in said("tocsin modules"), "the module is still there")
    check(files_of(A_MODULE) == 0, "A's module is gone, and its symbols are there")
    print("asleep: %s; %d threads, %d frames" % (", ".join(designs), *counts))


main()
