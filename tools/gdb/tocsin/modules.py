"""The loaded modules, and their symbols at their addresses: added when a module comes, dropped when it goes.

The host's file of a module NAME is `NAME.ko` in one of the folders of `tocsin-modules`; by default those that the image's
build fills, beside the image. Where the sections of the file have come to lie follows from the symbols: the kernel keeps
the name and the address of each. A file of another build does not fit, and is passed over.
"""

import os
import struct

import gdb

from . import image, values


class Folders(gdb.Parameter):
    """Folders in which modules' files are, with colons in between; empty: those beside the image."""

    set_doc = "Set where modules' files are"
    show_doc = "Show where modules' files are"

    def __init__(self):
        super().__init__("tocsin-modules", gdb.COMMAND_FILES, gdb.PARAM_OPTIONAL_FILENAME)
        self.value = ""

    def get_set_string(self):
        return ""


folders = None
# Module's number -> file, for those whose symbols are loaded.
loaded = {}
# Module's number, for those that were said to have no file.
unknown = set()


def beside_image():
    folder = os.path.join(os.path.dirname(image.path or "."), "modules")
    return [folder, os.path.join(folder, "mixed")]


def candidates(name):
    given = folders.value.split(":") if folders.value else []
    for folder in given + beside_image():
        path = folder if folder.endswith("/%s.ko" % name) else os.path.join(folder, name + ".ko")
        if os.path.exists(path):
            yield path


def counted():
    """The kernel's list of modules: an `Arc` each, the oldest first."""
    try:
        return values.vec(values.locked(values.static("kernel::module::registry::REGISTRY"))["modules"])
    except (gdb.error, gdb.MemoryError):
        return []


def live():
    """The kernel's `Module`s, the oldest first."""
    return [values.arc(module) for module in counted()]


def number(module):
    return values.number(module["id"])


def name(module):
    return values.text(module["info"]["name"])


def bounds(module):
    return int(module["range"]["start"]), int(module["range"]["end"])


def state(module):
    return ("coming", "live", "going", "lingering")[values.number(module["state"]) & 3]


def symbols(module):
    """(name, address, size) of its functions and objects."""
    return [(values.text(s["name"]), int(s["address"]), int(s["size"])) for s in values.vec(module["symbols"])]


class File:
    """The sections and symbols of a relocatable ELF file (gABI, chapters 4 and 5)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        offset, = struct.unpack_from("<Q", data, 40)
        size, count, names = struct.unpack_from("<HHH", data, 58)
        headers = [struct.unpack_from("<IIQQQQIIQQ", data, offset + size * n) for n in range(count)]

        def string(table, at):
            start = headers[table][4] + at
            return data[start : data.index(b"\0", start)].decode()

        self.sections = [string(names, header[0]) for header in headers]
        self.symbols = {}
        for header in headers:
            if header[1] != 2:
                continue
            for at in range(header[4], header[4] + header[5], 24):
                named, info, _, section, value, length = struct.unpack_from("<IBBHQQ", data, at)
                if info & 15 in (1, 2) and 0 < section < count:
                    self.symbols.setdefault(string(header[6], named), []).append((section, value, length))


def places(path, module):
    """Where each section of the file is in the guest: {index: address}; None when the file is not the module's."""
    file, found = File(path), {}
    for named, address, size in symbols(module):
        matching = file.symbols.get(named)
        if not matching:
            return None, None
        if len(matching) != 1:
            continue
        section, value, length = matching[0]
        if length != size or found.setdefault(section, address - value) != address - value:
            return None, None
    return (file.sections, found) if found else (None, None)


def add(module):
    """Loads a module's symbols, if there is a file that fits."""
    for path in candidates(name(module)):
        sections, found = places(path, module)
        if not found:
            continue
        arguments = " ".join("-s %s 0x%x" % (sections[n], a) for n, a in sorted(found.items()) if sections[n] != ".text")
        text = [a for n, a in found.items() if sections[n] == ".text"]
        where = "-s .text 0x%x" % text[0] if text else ""
        gdb.execute("add-symbol-file %s %s %s" % (path, where, arguments), to_string=True)
        loaded[number(module)] = (path, bounds(module)[0])
        return True
    return False


def drop(key):
    """Forgets the symbols of the module with this number."""
    path, start = loaded.pop(key, (None, 0))
    unknown.discard(key)
    if path is not None:
        gdb.execute("remove-symbol-file -a 0x%x" % start, to_string=True)


def refresh():
    """Makes the loaded symbols those of the guest's modules."""
    modules = {number(module): module for module in live()}
    for gone in [n for n in loaded if n not in modules]:
        drop(gone)
    for key, module in modules.items():
        if key in loaded or key in unknown:
            continue
        if not add(module):
            unknown.add(key)
            print("tocsin: no file for module '%s': set tocsin-modules FOLDER" % name(module))


def containing(address):
    """The module that an address is in, or None."""
    for module in live():
        start, end = bounds(module)
        if start <= address < end:
            return module
    return None


class Comes(gdb.Breakpoint):
    """Loads a module's symbols after it is in the list and before any of its code runs: breakpoints that wait for it are set."""

    def __init__(self):
        super().__init__("kernel::livepatch::coming::module_coming", internal=True)
        self.silent = True

    def stop(self):
        refresh()
        return False


class Goes(gdb.Breakpoint):
    """Drops a module's symbols just before its memory is given back."""

    def __init__(self):
        super().__init__("kernel::module::registry::remove", internal=True)
        self.silent = True

    def stop(self):
        # The argument is an `&Arc<Module>`: the address of its pointer.
        pointer = values.word(int(gdb.newest_frame().read_register("r3")))
        for module in counted():
            if values.number(module["ptr"]["pointer"]) == pointer:
                drop(number(values.arc(module)))
        return False


class Modules(gdb.Command):
    """tocsin modules: the loaded modules, where they are, and the files of their symbols."""

    def __init__(self):
        super().__init__("tocsin modules", gdb.COMMAND_STATUS, gdb.COMPLETE_NONE)

    def invoke(self, _argument, _from_tty):
        refresh()
        for module in live():
            start, end = bounds(module)
            path, _ = loaded.get(number(module), ("no file", 0))
            print("%-24s %#x-%#x %-9s %s" % (name(module), start, end, state(module), path))


def arm():
    """From now on modules that come and go are seen."""
    if not armed:
        armed.extend((Comes(), Goes()))


armed = []


def register():
    global folders
    folders = Folders()
    Modules()
