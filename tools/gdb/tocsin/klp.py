"""`klp …`: live patches as they stand: patches, functions, who wins, and the records of calls that have not returned."""

import re

import gdb

from . import records, sites, threads, values


def registry():
    return values.locked(values.static("kernel::livepatch::registry::REGISTRY"))


def stacks():
    """[(site's address, the kernel's `FuncStack`)] of the patched functions."""
    try:
        return [(int(key), stack) for key, stack in values.btree(registry()["functions"])]
    except values.Missing:
        return []


def design(value):
    """A return design's name."""
    names = ("none", "mini-frame", "caller-frame", "livepatch-stack", "return-stack")
    shown = str(value).rsplit("::", 1)[-1]
    return "".join("-" + c.lower() if c.isupper() else c for c in shown).lstrip("-") if not shown.isdigit() else names[int(shown)]


def replacements(stack):
    """[(patch, address of C or None for B itself, design)], the winner last."""
    found = []
    for replacement in values.vec(stack["replacements"]):
        function = values.some(replacement["function"])
        found.append((values.text(replacement["patch"]), None if function is None else int(function), design(replacement["design"])))
    return found


def replaced_by(function):
    """The name of the function that has its replacement at an address."""
    for _, stack in stacks():
        if any(address == function for _, address, _ in replacements(stack)):
            return sites.name_of(stack["site"])
    return None


def named(address):
    """An address as `name + …`, without the hash that a crate's name has."""
    shown = gdb.execute("info symbol 0x%x" % address, to_string=True).split(" in section")[0].strip()
    shown = re.sub(r"\[[0-9a-f]{16}\]", "", shown)
    return "0x%x" % address if shown.startswith("No symbol") else "%s (0x%x)" % (shown, address)


class Klp(gdb.Command):
    """Live patches, read from the guest's memory."""

    def __init__(self):
        super().__init__("klp", gdb.COMMAND_STATUS, prefix=True)


class Status(gdb.Command):
    """klp status: the patches, their functions, and who wins on each.

The oldest patch is the first. Behind them is the transition that is going on, and the threads that it waits for."""

    def __init__(self):
        super().__init__("klp status", gdb.COMMAND_STATUS, gdb.COMPLETE_NONE)

    def invoke(self, _argument, _from_tty):
        whole = registry()
        transition = values.some(whole["transition"])
        moving = values.text(transition["patch"]) if transition is not None and has(transition, "patch") else None
        patches = values.vec(whole["patches"])
        by_site = dict(stacks())
        for patch in patches:
            name = values.text(patch["name"])
            state = "enabled" if int(patch["is_enabled"]) else "going"
            words = [state, design(patch["design"])]
            words += [word for word in ("replace", "is_forced", "unchecked") if int(patch[word])]
            words += ["in transition"] if name == moving else []
            print("%s: %s" % (name, ", ".join(words)))
            for site, stack in sorted(by_site.items()):
                for owner, function, how in replacements(stack):
                    if owner == name:
                        winner = replacements(stack)[-1][0] == name
                        to = named(function) if function else "the function itself"
                        mark = "wins" if winner else "beaten by '%s'" % replacements(stack)[-1][0]
                        print("    %s -> %s, %s: %s" % (sites.name_of(stack["site"]), to, how, mark))
        if not patches:
            print("no patch is enabled")
        if transition is not None:
            for stall in values.vec(transition["stalls"]):
                print("waits for thread '%s' (%d)" % (values.text(stall["thread"]), int(stall["id"])))


def has(value, name):
    return any(field.name == name for field in value.type.fields())


class Who(gdb.Command):
    """klp who FUNCTION: who sees a call of a function, and who is called in the end.

Every ops in the order of their calls, and every patch of the function, the winner last. A path's last part will do."""

    def __init__(self):
        super().__init__("klp who", gdb.COMMAND_STATUS)

    def complete(self, text, _word):
        return sites.hooked_functions(text)

    def invoke(self, argument, _from_tty):
        found = False
        for address, hook in sorted(sites.hooks().items()):
            function = sites.name_of(hook["site"])
            if argument not in (function, function.rsplit("::", 1)[-1]):
                continue
            found = True
            print("%s: site 0x%x, stub 0x%x" % (function, address, sites.stub_of(hook)))
            for index, ops in enumerate(sites.ops_of(hook), 1):
                name = values.text(ops["name"])
                print("  %d. %s: %s" % (index, name, named(values.number(ops["function"]))))
            stack = dict(stacks()).get(address)
            pairs = replacements(stack) if stack is not None else []
            for patch, to, how in pairs:
                print("  patch '%s': %s, %s" % (patch, named(to) if to else "the function itself", how))
            last = pairs[-1][1] if pairs else None
            print("  called in the end: %s" % (named(last) if last else function + " itself"))
        if not found:
            print("nobody hooks '%s'" % argument)


class Frames(gdb.Command):
    """klp frames: this thread's records of calls that have not returned.

Those that the return designs and the graph tracer have made, the newest first, for the thread of the selected frame."""

    def __init__(self):
        super().__init__("klp frames", gdb.COMMAND_STACK, gdb.COMPLETE_NONE)

    def invoke(self, _argument, _from_tty):
        head = threads.chosen or threads.register_of_frame(gdb.newest_frame(), "r13")
        thread = threads.of_register(head)
        if thread is None:
            raise gdb.GdbError("r13 leads to no thread")
        print("thread %d '%s'" % (int(thread["id"]), values.text(thread["name"])))
        count = 0
        for kind, where, record in records.all_of(head, threads.records_start(thread), values.number(thread["head"]["stack_low"])):
            count += 1
            rest = ", ".join("%s 0x%x" % (k.replace("_", " "), v) for k, v in record.items() if k != "return_address")
            print("  %s at 0x%x: returns to %s; %s" % (kind, where, named(record["return_address"]), rest))
        frame = gdb.newest_frame()
        while frame is not None:
            kind = records.helper_at(frame.pc())
            sp = threads.register_of_frame(frame, "r1")
            if kind == "mini-frame":
                count += 1
                record = records.mini_frame(sp)
                print("  mini-frame at 0x%x: returns to %s; toc 0x%x" % (sp, named(record["return_address"]), record["toc"]))
            elif kind == "caller-frame" and (record := records.caller_frame(sp)):
                count += 1
                print("  caller-frame at 0x%x: returns to %s; toc 0x%x" % (sp, named(record["return_address"]), record["toc"]))
            frame = frame.older()
        print("%d records" % count)


def register():
    Klp()
    for command in (Status, Who, Frames):
        command()
