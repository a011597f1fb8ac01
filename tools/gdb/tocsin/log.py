"""`tocsin log`: the kernel's last messages, out of the ring they are kept in (kernel/core/src/log_ring.rs)."""

import gdb

from . import values

# Bytes in front of a message's text: time, level, length.
HEAD = 8 + 1 + 2


def messages():
    """(microseconds, level, text) of every message that is kept, the oldest first."""
    ring = values.locked(values.static("kernel::logging::RING"))
    array = ring["bytes"]
    size = array.type.sizeof
    data = gdb.selected_inferior().read_memory(int(array.address), size).tobytes()
    start, end = int(ring["start"]), int(ring["end"])

    def piece(place, length):
        place %= size
        return (data[place:] + data[:place])[:length]

    while start < end:
        head = piece(start, HEAD)
        length = int.from_bytes(head[9:11], "little")
        content = piece(start + HEAD, length).decode("utf-8", "replace")
        yield int.from_bytes(head[:8], "little"), head[8], content
        start += HEAD + length


class Log(gdb.Command):
    """tocsin log [N]: the kernel's log, or its last N messages.

As dmesg would print them: the last 128 KiB are kept."""

    def __init__(self):
        super().__init__("tocsin log", gdb.COMMAND_STATUS, gdb.COMPLETE_NONE)

    def invoke(self, argument, _from_tty):
        found = list(messages())
        if argument:
            found = found[-int(argument):]
        for microseconds, _, content in found:
            print("[%5d.%06d] %s" % (microseconds // 1000000, microseconds % 1000000, content))


def register():
    Log()
