"""The kernel's image as GDB is to see it: with its symbols, and without a claim to the modules' memory.

The image has sections where modules go, so that nothing else is put there. GDB looks for an address's symbols in the section
that has it, and would never ask a module's file. So it gets a copy in which these sections are none of memory's.
"""

import functools
import os
import struct

import gdb

# The device tree leaves most of the first one to modules.
HIDDEN = (".noinit", ".module_area")
# The flag of a section that takes up memory: SHF_ALLOC (gABI, chapter 4).
ALLOC = 2

# The image itself: modules' files are beside it.
path = None


def headers(data):
    """(name, place of the header) of every section of an ELF file (gABI, chapter 4)."""
    offset, = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    strings, = struct.unpack_from("<Q", data, offset + size * names + 24)
    for header in range(offset, offset + size * count, size):
        at, = struct.unpack_from("<I", data, header)
        start = strings + at
        yield data[start : data.index(b"\0", start)].decode(), header


def section(name):
    """A section's content, from the image's file, and where it is in the guest."""
    with open(path, "rb") as file:
        data = file.read()
    address, offset, size = struct.unpack_from("<QQQ", data, dict(headers(data))[name] + 16)
    return data[offset : offset + size], address


@functools.lru_cache(None)
def symbols():
    """{name: value} of the image's symbols."""
    names, _ = section(".strtab")
    table, _ = section(".symtab")
    found = {}
    for at, _, _, section_number, value, _ in struct.iter_unpack("<IBBHQQ", table):
        if section_number:
            found[names[at : names.index(b"\0", at)].decode()] = value
    return found


def without(data, name):
    """Takes the flag from the section of this name, in place."""
    header = dict(headers(data))[name]
    flags, = struct.unpack_from("<Q", data, header + 8)
    struct.pack_into("<Q", data, header + 8, flags & ~ALLOC)


def load(image):
    """Loads the symbols of an image, by a copy beside it that is made anew when the image is newer."""
    global path
    path = os.path.abspath(image)
    copy = path + ".symbols"
    if not os.path.exists(copy) or os.path.getmtime(copy) <= os.path.getmtime(path):
        with open(path, "rb") as file:
            data = bytearray(file.read())
        for hidden in HIDDEN:
            without(data, hidden)
        # Of two debuggers that begin at once, neither sees half a file.
        part = "%s.%d" % (copy, os.getpid())
        with open(part, "wb") as file:
            file.write(data)
        os.replace(part, copy)
    gdb.execute("file %s" % copy, to_string=True)
