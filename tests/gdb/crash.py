"""A guest that has crashed in C, looked at afterwards: every command that only looks answers. Run by tests/tests/debugger with
tests/gdb/ledger.c, whose patch has a fault of its own."""

import gdb

gdb.execute("set suppress-cli-notifications on")

# What is asked, and what of the answer is known.
ASKED = {
    "bt": ("kernel::panic::panic", "livepatch_refund (account=", "ledger_patch.c", "<hook of ledger_refund, returns by return-stack>",
           "ledger_close (account=", "ledger.c", "closing (", "thread_start"),
    "klp status": ("ledger_patch: enabled, return-stack", "ledger_fee -> livepatch_fee", "ledger_refund -> livepatch_refund", "wins"),
    "klp who ledger_refund": ("1. livepatch: ", "patch 'ledger_patch': livepatch_refund", "called in the end: livepatch_refund"),
    "klp frames": ("return-stack at 0x", "returns to ledger_close", "1 records"),
    "tocsin threads": ("on CPU 0", " kworker ", " boot ", " idle/0 "),
    "tocsin threads bt": ("livepatch_refund", "ledger_close", "thread_start", "_start"),
    "tocsin thread boot": ("'boot'",),
    "tocsin thread": ("the thread that the CPU runs",),
    "tocsin sites ledger_*": ("ledger_refund [ledger]", "hooked by livepatch; stub 0x", "ledger_charge [ledger]", "not hooked", "4 sites, 2 hooked"),
    "tocsin modules": ("ledger_patch ", "live", "ledger.ko"),
    "tocsin log": ("livepatch: enabling patch 'ledger_patch'", "ledger: 500 are charged 35"),
    "tocsin log 1": ("",),
}
# Functions of both modules: the kernel's own are counted by who runs this.
MODULE_SITES = 8 + 4
# The commands, all with a help text of their own.
COMMANDS = ("klp status", "klp who", "klp frames", "klp step", "tocsin threads", "tocsin thread", "tocsin sites", "tocsin modules", "tocsin log")
# What is typed, and what it may become.
COMPLETED = {
    "klp s": ["klp status", "klp step"],
    "klp w": ["klp who"],
    "klp f": ["klp frames"],
    "tocsin l": ["tocsin log"],
    "tocsin m": ["tocsin modules"],
    "tocsin s": ["tocsin sites"],
    "tocsin t": ["tocsin thread", "tocsin threads"],
    "tocsin threads b": ["tocsin threads bt"],
    "tocsin thread k": ["tocsin thread kworker"],
    "klp who ledger_r": ["klp who ledger_refund"],
    "tocsin sites ledger_c": ["tocsin sites ledger_charge", "tocsin sites ledger_close"],
}


def said(command):
    return gdb.execute(command, to_string=True)


def check(condition, text):
    if not condition:
        raise gdb.GdbError("crash: " + text)


def main():
    stopped = said("continue")
    for command, parts in ASKED.items():
        answer, place = said(command), 0
        for part in parts:
            check(part in answer, "'%s' does not say %r:\n%s\n%s" % (command, part, answer, stopped))
            if command == "bt":
                check(answer.index(part) >= place, "%r is too early in:\n%s" % (part, answer))
                place = answer.index(part)
    check(len(said("tocsin log 1").splitlines()) == 1, "one message was asked for")
    total = said("tocsin sites").splitlines()[-1]
    check(total == "%d sites, 2 hooked" % (SITES + MODULE_SITES), "'tocsin sites' ends with: %s" % total)
    for command in COMMANDS:
        lines = said("help " + command).strip().splitlines()
        check(lines[0].startswith(command), "'help %s' says %s" % (command, lines))
        check(lines[0].endswith(".") and len(lines[0]) < 100, "the first line for '%s' is %r" % (command, lines[0]))
        check(lines[0] in said("help " + command.split()[0]), "it is not in the list of '%s'" % command.split()[0])
    for typed, expected in COMPLETED.items():
        found = sorted(set(said("complete " + typed).splitlines()))
        check(found == expected, "'%s' becomes %s" % (typed, found))
    print("crash: %d commands answered: %s" % (len(ASKED), ", ".join(ASKED)))


main()
