"""A thread that was interrupted in a loop of a module in C, seen from the handler, and from another thread while it is ready to go
on: both times its frames lead through the exception into C and on to its beginning. Run by tests/tests/debugger with a shell that
loads the module `endless`.
"""

import gdb

from tocsin import threads, values

gdb.execute("set suppress-cli-notifications on")
LOADER = "modprobe"
# Of its frames, from the innermost on: the exception, C, who called that, where every thread begins.
EXPECTED = ("exception_entry", "endless_init", "kernel::module::", "thread_start")


def said(command):
    return gdb.execute(command, to_string=True)


def check_trace(where):
    trace = said("bt")
    places = [trace.find(name) for name in EXPECTED]
    if -1 in places or places != sorted(places):
        raise gdb.GdbError("interrupted: %s:\n%s" % (where, trace))
    c = next(line for line in trace.splitlines() if "endless_init" in line)
    if "endless.c:" not in c:
        raise gdb.GdbError("interrupted: %s: no line of C in: %s" % (where, c))


def running():
    """The name of the thread that the one CPU runs."""
    head = threads.register_of_frame(gdb.newest_frame(), "r13")
    return values.text(threads.of_register(head)["name"])


def main():
    said("set breakpoint pending on")
    begins = gdb.Breakpoint("endless_init")
    said("continue")
    begins.delete()
    handler = gdb.Breakpoint("exception_handler")
    said("continue")
    check_trace("in the handler")
    handler.delete()
    # The shell looks for Ctrl-C, and sleeps.
    gdb.Breakpoint("thread_switch")
    said("continue")
    while running() == LOADER:
        said("continue")
    said("tocsin thread " + LOADER)
    check_trace("from another thread")
    print("interrupted: endless_init, from the handler and from thread '%s'" % running())


main()
