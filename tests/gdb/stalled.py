"""`klp status` while a transition waits for a thread that loops in B. Run by tests/tests/debugger with the case
`livepatch::busy_tests::who_is_busy_in_the_way_moves_when_it_has_left`, which then lets the thread go and settles.
"""

import gdb

from tocsin import threads, values

gdb.execute("set suppress-cli-notifications on")
BUSY = "busy inside"


def said(command):
    return gdb.execute(command, to_string=True)


def check(condition, text):
    if not condition:
        raise gdb.GdbError("stalled: " + text)


def busy():
    return [thread for thread in threads.everyone() if values.text(thread["name"]) == BUSY]


def main():
    # The case sleeps while the thread is in the way, and lets it go only afterwards. Mostly the function is inlined: the frame at
    # which the guest stops is not the CPU's own.
    gdb.Breakpoint("kernel::thread::scheduler::sleep")
    said("continue")
    while not busy() or "in transition" not in said("klp status"):
        said("continue")
    waits = "waits for thread '%s' (%d)" % (BUSY, int(busy()[0]["id"]))
    status = said("klp status")
    check("in transition" in status and waits in status.splitlines(), status)
    # It was interrupted in its loop, and its frames go on behind the exception's.
    said("tocsin thread " + BUSY)
    trace = said("bt")
    places = [trace.find(name) for name in ("exception_entry", "busy_tests::inside", "thread_start")]
    check(-1 not in places and places == sorted(places), trace)
    print("stalled: " + waits)


main()
