"""The kernel's image as GDB is to see it: with its symbols, and without a claim to the modules' memory.

The image has a section for the module area, so that nothing else is put there. GDB looks for an address's symbols in the section
that has it, and would never ask a module's file. So it gets a copy in which this section is none of memory's.
"""

import os
import struct

import gdb

HIDDEN = ".module_area"
# The flag of a section that takes up memory: SHF_ALLOC (gABI, chapter 4).
ALLOC = 2

# The image itself: modules' files are beside it.
path = None


def without(data, name):
    """Takes the flag from the section of this name, in place."""
    offset, = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    strings, = struct.unpack_from("<Q", data, offset + size * names + 24)
    for header in range(offset, offset + size * count, size):
        at, = struct.unpack_from("<I", data, header)
        start = strings + at
        if data[start : data.index(b"\0", start)].decode() == name:
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
        without(data, HIDDEN)
        # Of two debuggers that begin at once, neither sees half a file.
        part = "%s.%d" % (copy, os.getpid())
        with open(part, "wb") as file:
            file.write(data)
        os.replace(part, copy)
    gdb.execute("file %s" % copy, to_string=True)
