"""What return designs and the graph tracer have written down of a thread's calls: kernel/src/unwind/records, for a debugger.

A walk uses each record once, the newest first. What it has used up to a frame is a `Used`, so that it may be asked for
any frame again.
"""

from . import offsets, return_stub, threads, values

HELPERS = {
    "klp_return_helper": "mini-frame",
    "klp_return_helper_caller_frame": "caller-frame",
    "klp_return_helper_livepatch_stack": "livepatch-stack",
    "return_to_handler": "graph",
}


def helper_at(address):
    """The design whose helper, or whose part of a stub that C returns to, begins at an address; or None."""
    for symbol, design in HELPERS.items():
        if values.known_address(symbol) == address:
            return design
    return "return-stack" if return_stub.helper_at(address) else None


class Used:
    """The ends of the records of a thread that are not used yet. `head` is the address of the thread's head."""

    def __init__(self, head, returns, livepatch, graph):
        self.head, self.returns, self.livepatch, self.graph = head, returns, livepatch, graph

    def copy(self):
        return Used(self.head, self.returns, self.livepatch, self.graph)

    @staticmethod
    def none_of(head):
        returns = values.word(head + offsets.return_stack().pointer)
        livepatch = values.word(head + offsets.livepatch_stack().pointer)
        return Used(head, returns, livepatch, None)


def graph_stack(head):
    """The thread's `GraphStack`; None in an image without types, or before threads exist."""
    try:
        thread = threads.of_register(head)
    except values.Missing:
        return None
    return None if thread is None else thread["graph"]


def take(used, name, layout):
    """The newest record of a stack of records, or None."""
    end = getattr(used, name)
    address, toc = values.word(end + layout.return_address), values.word(end + layout.toc)
    if not address or toc is None:
        return None
    setattr(used, name, end - layout.size)
    return {"return_address": address, "toc": toc}


def take_return(used):
    """The newest record of return-stack, or None."""
    record = take(used, "returns", offsets.return_stack())
    if record:
        record["stack_pointer"] = values.word(used.returns + offsets.record_stack_pointer())
    return record


def take_livepatch(used):
    """The newest record of livepatch-stack, or None."""
    return take(used, "livepatch", offsets.livepatch_stack())


def graph_record(graph, index):
    records = values.vec(graph["records"])
    if not 0 <= index < len(records):
        return None
    return {f.name: values.number(records[index][f.name]) for f in records[index].type.fields()}


def take_graph(used, stack_pointer, is_given_back=False):
    """The graph tracer's record of the call that was made with r1 at `stack_pointer`, or None."""
    graph = graph_stack(used.head)
    if graph is None:
        return None
    if used.graph is None:
        used.graph = values.number(graph["depth"])
    index = used.graph
    while index:
        index -= 1
        record = graph_record(graph, index)
        if record is None or record["stack_pointer"] > stack_pointer:
            break
        if record["stack_pointer"] == stack_pointer:
            used.graph = index
            return record
    # return_to_handler gives the record back before it has said where to return to.
    record = graph_record(graph, used.graph)
    return record if record and record["stack_pointer"] == stack_pointer else None


def caller_frame(stack_pointer):
    """The record of caller-frame in the header of the frame at `stack_pointer`: A's TOC, and the distance to it."""
    toc, distance = values.word(stack_pointer + 24), values.word(stack_pointer + 12, 4)
    if toc is None:
        return None
    distance -= (distance >> 31) << 32
    return {"toc": toc, "return_address": toc + distance & (1 << 64) - 1}


def mini_frame(stack_pointer):
    """What mini-frame keeps in its frame at `stack_pointer`, and in the header of A's above it."""
    size, toc, return_address = offsets.mini_frame()
    return {"toc": values.word(stack_pointer + toc), "return_address": values.word(stack_pointer + size + return_address)}


def all_of(head, returns_from, livepatch_from):
    """(design, address or index, record) of every record of a thread, the newest first. The two addresses are where its stacks of
    records begin."""
    used = Used.none_of(head)
    while used.returns > returns_from and (record := take_return(used)):
        yield "return-stack", used.returns, record
    while used.livepatch > livepatch_from and (record := take_livepatch(used)):
        yield "livepatch-stack", used.livepatch, record
    graph = graph_stack(head)
    for index in reversed(range(values.number(graph["depth"]) if graph is not None else 0)):
        yield "graph", index, graph_record(graph, index)
