"""The caller by the image's unwind tables, for assembly that was interrupted.

GDB reads them by itself, but behind a frame that Python has found it takes an address for a return address and looks one
byte before it, which is another row where the interrupted instruction is the first of one. Source: LSB 4.1, 10.6 (`.eh_frame`);
DWARF 4, 6.4.
"""

import functools

from . import image, values

# The encoding of addresses that the linker uses: 4 signed bytes, relative to their own place.
PCREL_SDATA4 = 0x1B
# DWARF's number of LR.
LR = 65


class Reader:
    """Reads numbers one after the other."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def number(self, size, signed=False):
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "little", signed=signed)

    def leb(self, signed=False):
        value, shift = 0, 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value - (1 << shift) if signed and byte & 0x40 else value


class Common:
    """What procedures have in common (a CIE)."""

    def __init__(self, data, at, end):
        reader = Reader(data, at + 9)
        augmentation = data[reader.at : data.index(b"\0", reader.at)]
        reader.at += len(augmentation) + 1
        self.code, self.data = reader.leb(), reader.leb(signed=True)
        self.return_column = reader.leb()
        self.is_known = augmentation in (b"zR", b"zRS") and data[reader.at + 1] == PCREL_SDATA4
        reader.at += data[reader.at] + 1
        self.program = data[reader.at : end]


@functools.lru_cache(None)
def procedures():
    """[(start, end, Common, program)] of the image's procedures."""
    data, base = image.section(".eh_frame")
    found, common, at = [], {}, 0
    while at + 4 <= len(data):
        reader = Reader(data, at)
        length = reader.number(4)
        end = reader.at + length
        place = reader.at
        back = reader.number(4) if length else 0
        if length and not back:
            common[at] = Common(data, at, end)
        elif length:
            of = common[place - back]
            start = base + reader.at + reader.number(4, signed=True)
            size = reader.number(4)
            reader.at += reader.leb() if of.is_known else 0
            found.append((start, start + size, of, data[reader.at : end]))
        at = end
    return found


class Row:
    """The rules at one instruction: where the caller's r1 is, and what registers have become of."""

    def __init__(self, common, program, distance):
        self.common, self.cfa, self.rules = common, (1, 0), {}
        self.run(common.program, None)
        self.first = dict(self.rules)
        self.run(program, distance)

    def run(self, program, distance):
        """Executes rules up to those of the instruction at this distance from the procedure's start."""
        reader, location, kept = Reader(program, 0), 0, []
        while reader.at < len(program):
            code = reader.number(1)
            high, low = code >> 6, code & 63
            if high == 1 or code in (2, 3, 4):
                location += (low if high == 1 else reader.number(1 << code - 2)) * self.common.code
                if location > distance:
                    return
            elif high == 2:
                self.rules[low] = ("at", reader.leb() * self.common.data)
            elif high == 3 or code == 6:
                number = low if high == 3 else reader.leb()
                self.rules.pop(number, None)
                if number in self.first:
                    self.rules[number] = self.first[number]
            elif code in (5, 0x11):
                number = reader.leb()
                self.rules[number] = ("at", reader.leb(code == 0x11) * self.common.data)
            elif code == 7:
                self.rules[reader.leb()] = ("lost", 0)
            elif code == 8:
                self.rules.pop(reader.leb(), None)
            elif code == 9:
                number = reader.leb()
                self.rules[number] = ("in", reader.leb())
            elif code == 0x0A:
                kept.append((self.cfa, dict(self.rules)))
            elif code == 0x0B:
                self.cfa, self.rules = kept.pop()
            elif code == 0x0C:
                self.cfa = reader.leb(), reader.leb()
            elif code == 0x0D:
                self.cfa = reader.leb(), self.cfa[1]
            elif code == 0x0E:
                self.cfa = self.cfa[0], reader.leb()
            elif code:
                raise values.Missing("a rule of the unwind tables that is not known: %#x" % code)


def caller(pc, read):
    """The caller's registers, or None where the tables do not say it."""
    for start, end, common, program in procedures():
        if start <= pc < end and common.is_known and common.return_column == LR:
            row = Row(common, program, pc - start)
            break
    else:
        return None
    above = read("r%d" % row.cfa[0]) + row.cfa[1]
    found = {"r1": above}
    for number, (how, what) in row.rules.items():
        name = "pc" if number == LR else "r%d" % number
        if how == "lost" and number == LR:
            return None
        if how == "at":
            found[name] = values.word(above + what)
        elif how == "in":
            found[name] = read("r%d" % what)
    found.setdefault("pc", read("lr"))
    return None if None in found.values() else found
