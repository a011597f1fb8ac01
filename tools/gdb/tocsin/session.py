"""The beginning: the image, the processor's byte order, and everything else that the debugger is taught."""

import os

import gdb

from . import image, klp, log, modules, sites, step, threads, unwinder, values
from .assembly import ROOT

IMAGE = os.path.join(ROOT, "target/tocsin/tocsin")
PORT = 1234
# What the unwinder and the watch on modules read: looked up before they are asked.
STATICS = ("kernel::thread::scheduler::THREADS", "kernel::module::registry::REGISTRY")
# Nothing has stopped yet since GDB was connected.
is_new = True


class Tocsin(gdb.Command):
    """Tocsin's threads, sites, modules and log, read from the guest's memory."""

    def __init__(self):
        super().__init__("tocsin", gdb.COMMAND_STATUS, prefix=True)


def swapped(value):
    """The eight bytes the other way round."""
    return int.from_bytes(value.to_bytes(8, "little"), "big")


def match_byte_order():
    """QEMU hands out registers in the byte order that the processor has just now, which is the other one until the kernel's
    first instructions have changed it. MSR says which: LE is its lowest bit, and SF, its highest, is set from the first
    instruction on (Power ISA 3.0B, book III, 3.2.1)."""
    try:
        msr = int(gdb.newest_frame().read_register("msr")) & (1 << 64) - 1
    except gdb.error:
        return
    is_little = "little" in gdb.execute("show endian", to_string=True)
    readings = [(msr, is_little), (swapped(msr), not is_little)]
    agreeing = [reading for reading in readings if bool(reading[0] & 1) == reading[1]]
    if not agreeing:
        return
    _, wanted = max(agreeing, key=lambda reading: reading[0] >> 63)
    if wanted != is_little:
        gdb.execute("set endian %s" % ("little" if wanted else "big"), to_string=True)
        gdb.execute("maintenance flush register-cache", to_string=True)


def on_stop(_event):
    global is_new
    match_byte_order()
    unwinder.forget()
    if is_new:
        # Modules that were there before us.
        is_new = False
        modules.refresh()


def on_leave(_event):
    global is_new
    is_new = True


def expect_kernel():
    """The order in which the next stop is read."""
    if "big" in gdb.execute("show endian", to_string=True):
        gdb.execute("set endian little", to_string=True)


def arm():
    """What needs the image's symbols."""
    for path in STATICS:
        try:
            values.static(path)
        except values.Missing as missing:
            print("tocsin: %s" % missing)
            return
    modules.arm()


def begin():
    """Called once, when the script is loaded."""
    gdb.execute("set pagination off")
    gdb.execute("set confirm off")
    # The first trampoline is directly behind the image's entry, where GDB would end: what is interrupted at its first instruction
    # is looked for one byte before. The entry's own tables say that nobody called it.
    gdb.execute("set backtrace past-entry on")
    Tocsin()
    for part in (modules, threads, sites, log, klp, step):
        part.register()
    unwinder.register()
    gdb.events.stop.connect(on_stop)
    gdb.events.connection_removed.connect(on_leave)
    # What goes on stops next in the kernel, and there is no changing the order while the guest runs.
    gdb.execute("define hook-continue\npython tocsin.session.expect_kernel()\nend")
    # So that sources are found from wherever the debugger was started: the image calls the workspace `.`.
    gdb.execute("directory %s" % ROOT, to_string=True)
    given = gdb.current_progspace().filename or os.environ.get("TOCSIN_IMAGE")
    path = given or IMAGE
    if not os.path.exists(path):
        raise gdb.GdbError("%s is not there: ./qemu-run.sh --gdb builds it" % path)
    image.load(path)
    if given is None:
        arm()
        try:
            gdb.execute("target remote localhost:%d" % PORT)
        except gdb.error:
            print("nobody waits at port %d: ./qemu-run.sh --gdb says which one it is" % PORT)
    else:
        arm()
