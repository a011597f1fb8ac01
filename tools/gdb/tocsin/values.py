"""Rust's values as GDB has them: what is in a list, a string, a lock, a map.

Names of fields are those of the standard library of the toolchain that built the image, as its debug information has them.
"""

import gdb

from . import image


class Missing(gdb.GdbError):
    """The image, or the guest's memory, has not what is wanted."""


_statics = {}


def static(path):
    """The static of this path, such as `kernel::logging::RING`. Looked up once: GDB looks from the selected frame, which the
    unwinder must not ask for."""
    if path not in _statics:
        for look_up in (gdb.lookup_static_symbol, gdb.lookup_global_symbol):
            symbol = look_up(path)
            if symbol is not None:
                _statics[path] = symbol
                break
        else:
            raise Missing("%s is not in the debug information: is the image loaded?" % path)
    return _statics[path].value()


def known_address(symbol):
    """The address of a symbol of the image's, or None. Out of the image's file: GDB would evaluate a name from the selected frame,
    which the unwinder must not ask for."""
    return image.symbols().get(symbol)


def struct(name):
    """A type by its path."""
    try:
        return gdb.lookup_type(name)
    except gdb.error as error:
        raise Missing("no type %s: was the image built with debug information?" % name) from error


def at(address, type_name):
    """The value of a type at an address."""
    return gdb.Value(address).cast(struct(type_name).pointer()).dereference()


def scalar(value):
    """The number, or pointer, that a wrapper such as an atomic or a `NonNull` has in the end."""
    while value.type.strip_typedefs().code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        fields = [f for f in value.type.fields() if f.type.sizeof and not getattr(f, "artificial", False)]
        if not fields:
            raise Missing("%s holds no number" % value.type)
        value = value[fields[0]]
    return value


def number(value):
    """The same as a Python number."""
    return int(scalar(value)) & (1 << 64) - 1


def locked(value):
    """What an `IrqLock` or a `Mutex` protects, whoever holds it."""
    return value["lock"]["data"]["value"]


def arc(value):
    """What an `Arc` leads to."""
    return value["ptr"]["pointer"].dereference()["data"]


def vec(value):
    """The elements of a `Vec` or a boxed slice."""
    fields = {f.name for f in value.type.fields()}
    if "data_ptr" in fields:
        start, length = value["data_ptr"], int(value["length"])
    else:
        element = value.type.template_argument(0)
        start, length = scalar(value["buf"]).cast(element.pointer()), int(value["len"])
    return [(start + index).dereference() for index in range(length)]


def array(value):
    """The elements of a `heapless::Vec`."""
    element = value.type.template_argument(0)
    start = gdb.Value(int(value["buffer"].address)).cast(element.pointer())
    return [(start + index).dereference() for index in range(int(value["len"]))]


def text(value):
    """A `String` or a `&str`."""
    fields = {f.name for f in value.type.fields()}
    if "vec" in fields:
        inner = value["vec"]
        start, length = scalar(inner["buf"]), int(inner["len"])
    else:
        start, length = value["data_ptr"], int(value["length"])
    if length == 0:
        return ""
    return gdb.selected_inferior().read_memory(int(start), length).tobytes().decode("utf-8", "replace")


def variant(value):
    """An enum's variant: its name, and what is in it, or None."""
    for field in value.type.fields():
        if not getattr(field, "artificial", False):
            return field.name, value[field]
    return None, None


def some(value):
    """What is in an `Option`; None for `None`."""
    name, content = variant(value)
    if name != "Some":
        return None
    return content[content.type.fields()[0]]


def bare(value):
    """What is in the wrappers of `core::mem`, such as `ManuallyDrop`."""
    while (value.type.strip_typedefs().name or "").startswith("core::mem::"):
        value = value[[f for f in value.type.fields() if f.type.sizeof][0]]
    return value


def btree(value):
    """The pairs of a `BTreeMap`, in order."""
    root = some(value["root"])
    if root is None:
        return []
    leaf = root["node"]["pointer"].type.target()
    inner = struct(leaf.strip_typedefs().name.replace("::LeafNode<", "::InternalNode<", 1))
    pairs = []

    def walk(node, height):
        edges = None
        if height:
            edges = node.cast(inner.pointer()).dereference()["edges"]
        content = node.dereference()
        count = int(content["len"])
        for index in range(count + 1):
            if edges is not None:
                walk(scalar(edges[index]["value"]).cast(leaf.pointer()), height - 1)
            if index < count:
                key, item = content["keys"][index], content["vals"][index]
                pairs.append((scalar(key["value"]), bare(item["value"])))

    walk(root["node"]["pointer"], int(root["height"]))
    return pairs


def word(address, size=8):
    """A word of memory, in the guest's order; None where nothing is."""
    try:
        return int.from_bytes(gdb.selected_inferior().read_memory(address, size).tobytes(), "little")
    except (gdb.error, OverflowError):
        return None
