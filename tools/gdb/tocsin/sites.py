"""`tocsin sites`: where functions can be hooked, and which are. The kernel's sites are those of its symbol table's functions
whose word is a nop or a hook's branch; what is hooked is in the registry of hooks."""

import fnmatch

import gdb

from . import modules, values


def hooks():
    """{site's address: the kernel's `Hook`}."""
    try:
        found = values.btree(values.locked(values.static("kernel::ftrace::registry::HOOKS")))
    except values.Missing:
        return {}
    return {int(key): hook for key, hook in found}


def ops_of(hook):
    """The hook's `FtraceOps`, in the order of their calls."""
    return [values.arc(ops) for ops in values.vec(hook["list"]["ops"])]


def stub_of(hook):
    """Where the hook's stub begins: the way to a common trampoline, which the site may lead past."""
    return values.number(hook["entry"]["stub"])


def of_modules():
    """(site's address, function, module's name) of every site of a module."""
    for module in modules.live():
        for site in values.vec(module["sites"]):
            yield int(site["address"]), values.text(site["function"]), modules.name(module)


class Sites(gdb.Command):
    """tocsin sites [GLOB]: the hooked functions with their ops in order; with a pattern also the functions of modules that can be
hooked and are not."""

    def __init__(self):
        super().__init__("tocsin sites", gdb.COMMAND_STATUS, gdb.COMPLETE_SYMBOL)

    def invoke(self, argument, _from_tty):
        pattern, count = argument or "*", 0
        hooked = hooks()
        for address, hook in sorted(hooked.items()):
            function = values.text(hook["site"]["function"])
            if not fnmatch.fnmatchcase(function, pattern):
                continue
            names = ", ".join(values.text(ops["name"]) for ops in ops_of(hook))
            missed = values.number(hook["entry"]["head"].dereference()["missed"])
            word = values.word(address, 4)
            print("%#10x %-50s word %08x, stub %#x, missed %d: %s" % (address, function, word, stub_of(hook), missed, names))
            count += 1
        if argument:
            for address, function, module in of_modules():
                if address not in hooked and fnmatch.fnmatchcase(function, pattern):
                    print("%#10x %-50s word %08x [%s]" % (address, function, values.word(address, 4), module))
                    count += 1
        print("%d sites" % count)


def register():
    Sites()
