//! How many argument registers a type takes under Rust's ABI, as far as debug information says.
//!
//! A scalar takes one and a pair of scalars two; any other aggregate goes by pointer, or in one register when it fits.
//! DWARF does not say what a union or an enum with data is to the ABI: such a type has a least and a most.

use crate::dwarf::Entries;

/// A type as the ABI sees it.
#[derive(Clone, Copy, Debug)]
struct Shape {
    size: u64,
    /// Its scalar members, at least and at most.
    scalars: (u32, u32),
    /// Whether an array is among them.
    array: bool,
    /// It is one scalar of 16 bytes.
    wide: bool,
}

/// Whether the type of a result makes a hidden pointer to it the first argument.
pub(crate) fn result(entries: &Entries, kind: u64) -> (u32, u32) {
    let shape = shape(entries, kind, 0);
    match shape.size {
        0..=8 => (0, 0),
        9..=16 if shape.scalars.1 <= 2 && !shape.array => (0, 0),
        9..=16 => (0, 1),
        _ => (1, 1),
    }
}

/// How many registers an argument of this type takes.
pub(crate) fn argument(entries: &Entries, kind: u64) -> (u32, u32) {
    let pair = |scalars| if scalars == 2 { 2 } else { 1 };
    match shape(entries, kind, 0) {
        Shape { size: 0, .. } => (0, 0),
        Shape { size: 17.., .. } => (1, 1),
        Shape { wide: true, .. } => (2, 2),
        Shape { array: true, .. } => (1, 1),
        Shape {
            scalars: (least, most),
            ..
        } if least == most => (pair(least), pair(least)),
        Shape { .. } => (1, 2),
    }
}

fn shape(entries: &Entries, kind: u64, depth: u32) -> Shape {
    let entry = entries.at(kind);
    // Pointers do not say how large they are.
    let size = entry.and_then(|entry| entry.size).unwrap_or(8);
    let scalar = Shape {
        size,
        scalars: (1, 1),
        array: false,
        wide: size == 16,
    };
    match entry.map_or("", |entry| &entry.tag) {
        _ if depth > 20 => scalar,
        "DW_TAG_base_type" if size == 0 => Shape {
            scalars: (0, 0),
            ..scalar
        },
        "DW_TAG_structure_type" => structure(entries, kind, size, depth),
        "DW_TAG_union_type" => Shape {
            scalars: (1, 2),
            wide: false,
            ..scalar
        },
        "DW_TAG_array_type" => {
            let element = entry.and_then(|entry| entry.kind);
            let element = element.map_or(8, |kind| shape(entries, kind, depth + 1).size);
            let counts = entries.children(kind).filter_map(|child| child.count);
            Shape {
                size: element * counts.product::<u64>(),
                array: true,
                wide: false,
                ..scalar
            }
        }
        _ => scalar,
    }
}

fn structure(entries: &Entries, kind: u64, size: u64, depth: u32) -> Shape {
    let mut whole = Shape {
        size,
        scalars: (0, 0),
        array: false,
        wide: false,
    };
    for child in entries.children(kind) {
        match (&*child.tag, child.kind) {
            ("DW_TAG_member", Some(kind)) => {
                let part = shape(entries, kind, depth + 1);
                if part.size > 0 {
                    whole.scalars.0 += part.scalars.0;
                    whole.scalars.1 += part.scalars.1;
                    whole.array |= part.array;
                    whole.wide |= part.wide && part.size == size;
                }
            }
            ("DW_TAG_variant_part", _) => whole.scalars = (1, 2),
            _ => {}
        }
    }
    whole
}
