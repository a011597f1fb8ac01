//! How much memory is in use, and by what.

use core::ops::Range;

use arch::image;
use kernel_core::bench::Figure;

use super::parts::{cases, device_tree};
use super::plan::page_tables;
use super::{heap_in_use, stacks_in_use};
use crate::{module, println};

/// Everything that the kernel has taken, used or not, but for the initial RAM disk: what it is, and bytes.
pub(crate) fn in_use() -> [(&'static str, u64); 8] {
    let bytes = |range: Range<u64>| range.end - range.start;
    [
        ("code", bytes(image::text()) + bytes(cases())),
        ("constants", bytes(image::rodata())),
        ("symbols", bytes(image::kallsyms())),
        ("variables", bytes(image::data()) + bytes(device_tree())),
        ("page-tables", page_tables()),
        ("heap", heap_in_use() as u64),
        ("stacks", stacks_in_use()),
        ("modules", module::used_bytes()),
    ]
}

/// Bytes of all that together.
pub(crate) fn all_in_use() -> u64 {
    in_use().iter().map(|(_, bytes)| bytes).sum()
}

/// Tells the bench.
pub(crate) fn tell_use() {
    let tell = |id: &str, value| {
        let unit = "bytes";
        println!("# {}", Figure { id, unit, value });
    };
    tell("memory/all", all_in_use());
    for (name, bytes) in in_use() {
        tell(&alloc::format!("memory/{name}"), bytes);
    }
}
