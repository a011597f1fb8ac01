"""The stubs of return-stack: copies of the patterns in arch/ppc64/src/livepatch/return_stack.S, each with three words for its C."""

from . import values

PATTERNS = "klp_return_stub", "klp_return_stub_plain"
CALLEE_WORDS = 3
BLR, MTLR = 0x4E800020, 0x7C0803A6
LONGEST = 32

_patterns = {}


class Pattern:
    """One of them, in the image: its words, and the indices of what is in it."""

    def __init__(self, name):
        self.name, self.start = name, values.known_address(name)
        label = lambda suffix: (values.known_address(name + suffix) - self.start) // 4
        self.pushed, self.callee, self.helper = label("_pushed"), label("_callee"), label("_helper")
        self.words = []
        while len(self.words) < LONGEST and BLR not in self.words:
            self.words.append(values.word(self.start + 4 * len(self.words), 4))

    def is_at(self, start):
        own = range(self.callee, self.callee + CALLEE_WORDS)
        return all(n in own or values.word(start + 4 * n, 4) == word for n, word in enumerate(self.words))


class Stub:
    """A copy: its addresses."""

    def __init__(self, start, pattern):
        self.start, self.pattern = start, pattern
        self.pushed, self.helper = start + 4 * pattern.pushed, start + 4 * pattern.helper
        # The record is used up to the store of the pointer to it; from there r0 has the return address, until LR has it.
        in_helper = pattern.words[pattern.helper :]
        self.last_use = self.helper + 4 * next(n for n, word in enumerate(in_helper) if word >> 26 == 62 and word >> 16 & 31 == 13)
        self.to_lr = self.helper + 4 * in_helper.index(MTLR)


def pattern(name):
    if name not in _patterns and values.known_address(name) is not None:
        _patterns[name] = Pattern(name)
    return _patterns.get(name)


def in_stub_area(address):
    start, end = values.known_address("__stub_area_start"), values.known_address("__stub_area_end")
    return start is not None and start <= address < end


def at(address):
    """The stub that an address is in, or None."""
    if not in_stub_area(address):
        return None
    for candidate in filter(None, map(pattern, PATTERNS)):
        for start in range(address, address - 4 * len(candidate.words), -4):
            if candidate.is_at(start):
                return Stub(start, candidate)
    return None


def helper_at(address):
    """Whether C returns to this address."""
    stub = at(address)
    return stub is not None and stub.helper == address
