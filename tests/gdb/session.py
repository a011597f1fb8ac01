"""The worked session of docs/debugging.md: types its commands and prints what a person would see. Run by tests/tests/debugger with
tests/gdb/ledger.c, and the design `none`."""

import gdb

COMMANDS = """
# A's module is not there yet.
break ledger_charge
continue
finish
# 5 times 7 is 35, and A says 10. Its rate is right in memory:
print ledger_rate
# A reads it through r2, and what it calls is patched:
klp who ledger_fee
# So the next call, from A's TOC pointer on. The design is `none`: what does it do with r2?
continue
print/x $r2
tbreak *klp_enter_none
continue
bt
klp step
# This is the last instruction before C, and nothing has kept r2. LR is A's, so nobody will come between C and A:
klp step
# C makes its own:
klp step 2
# and nobody has written A's down:
klp frames
finish
# Back in A, with C's TOC pointer. The fault is in the line of the `bctr`: it leads to C as if A had called C.
print/x $r2
"""

gdb.execute("set breakpoint pending on")
gdb.execute("set width 0")
print("the session begins")
for command in COMMANDS.strip().splitlines():
    print("(gdb) " + command, flush=True)
    # Not to a string: where the guest stops is not in it.
    gdb.execute(command)
print("the session is over")
