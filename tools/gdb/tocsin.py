"""GDB's side of Tocsin: `gdb-multiarch -x tools/gdb/tocsin.py`, or the line that the front door prints.

Everything is read from the stopped guest's memory by the types in the image's debug information: the guest does not help, so
it may be dead. `help tocsin` and `help klp` say what there is; docs/debugging.md shows a session.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# The entry point and the package have one name; the package is the one that is meant.
sys.modules.pop("tocsin", None)

import tocsin.session  # noqa: E402

tocsin.session.begin()
