"""`tocsin sites`: where functions can be hooked, and which are. The kernel's are listed in its image, in the compiler's own section;
a module's in its `Module`; what is hooked is in the registry of hooks.
"""

import fnmatch
import struct

import gdb

from . import image, modules, values

# Where the compiler lists the first slot of each function that has one.
SECTION = "__patchable_function_entries"


def hooks():
    """{site's address: the kernel's `Hook`}."""
    try:
        found = values.locked(values.static("kernel::ftrace::registry::HOOKS"))["items"]
    except values.Missing:
        return {}
    return {int(pair["__0"]): pair["__1"] for pair in values.vec(found)}


def ops_of(hook):
    """The hook's `FtraceOps`, in the order of their calls."""
    return [values.arc(ops) for ops in values.vec(values.arc(hook["list"])["ops"])]


def stub_of(hook):
    """Where the hook's stub begins: the way to a common trampoline, which the site may lead past."""
    return values.number(hook["stub"])


def head_of(hook):
    """What the trampolines read of the hook: in the area of heads at the place that the stub has in the area of stubs."""
    start, end = values.known_address("__stub_area_start"), values.known_address("__stub_area_end")
    heads, heads_end = values.known_address("__hook_heads_start"), values.known_address("__hook_heads_end")
    offset = (stub_of(hook) - start) * (heads_end - heads) // (end - start)
    return values.at(heads + offset, "arch::ftrace::frame::HookHead")


def function_at(address):
    """The name and the entry of the function that an address is in."""
    block = gdb.block_for_pc(address)
    while block is not None and block.function is None:
        block = block.superblock
    return (block.function.print_name, block.start) if block is not None else ("0x%x" % address, address)


def name_of(site):
    """The name of a `Site`'s function: the kernel has those of its own in its symbol table only, and here debug information has them."""
    owner, name = values.variant(site["function"])
    if owner == "OfModule":
        return values.text(name[name.type.fields()[0]])
    return function_at(int(site["entry"]))[0]


def of_kernel():
    """(address, function, its entry, "") of every site of the kernel; of a classic one the first slot."""
    content, _ = image.section(SECTION)
    for address, in struct.iter_unpack("<Q", content):
        yield (address, *function_at(address), "")


def of_modules():
    """(address, function, its entry, module's name) of every site of a module."""
    for module in modules.live():
        for site in values.vec(module["sites"]):
            yield int(site["address"]), values.text(site["function"]), int(site["entry"]), modules.name(module)


def hooked_functions(text):
    """The hooked functions whose name, or its last part, begins with this: for completion."""
    names = (name_of(hook["site"]) for hook in hooks().values())
    return [n for n in names if n.startswith(text)] or [n for n in names if n.rsplit("::", 1)[-1].startswith(text)]


def describe(hook):
    """A hook's stub, its ops in order, and the calls that the recursion guard has let pass."""
    names = ", ".join(values.text(ops["name"]) for ops in ops_of(hook))
    return "hooked by %s; stub %#x, missed %d" % (names, stub_of(hook), values.number(head_of(hook)["missed"]))


class Sites(gdb.Command):
    """tocsin sites [GLOB]: the functions that can be hooked, and which are.

All of them, or those whose names match: the site's address, the function, its module, and for a hooked one its ops in
order, its stub, and the calls that were not shown to them because they came out of an ops."""

    def __init__(self):
        super().__init__("tocsin sites", gdb.COMMAND_STATUS, gdb.COMPLETE_SYMBOL)

    def invoke(self, argument, _from_tty):
        hooked = {int(hook["site"]["entry"]): (address, hook) for address, hook in hooks().items()}
        count, in_use = 0, 0
        for address, function, entry, module in sorted([*of_kernel(), *of_modules()]):
            if not fnmatch.fnmatchcase(function, argument or "*"):
                continue
            state = "not hooked"
            if entry in hooked:
                address, hook = hooked[entry]
                state = describe(hook)
                in_use += 1
            print("%#10x %-60s %s" % (address, function + (" [%s]" % module if module else ""), state))
            count += 1
        print("%d sites, %d hooked" % (count, in_use))


def register():
    Sites()
