//! The files that came with the boot: modules, in the folders in which they were packed.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::errno::Errno;

use super::{Entry, Holes, Mode, Table};
use crate::initrd;

pub(super) const TABLE: Table = Table {
    entries: &[Entry {
        pattern: "/boot/{folder}/{file}",
        mode: Mode::Fixed(0o444),
        // A module is no text, and only text can be shown.
        read: Some(|_, _| Err(Errno::NotSupported)),
        write: None,
        append: None,
        size: |holes| {
            let path = ["/boot/", holes.get("folder"), "/", holes.get("file")].concat();
            bytes(&path).map_or(0, |bytes| bytes.len() as u64)
        },
    }],
    names,
};

fn names(hole: &str, holes: &Holes<'_>) -> Vec<String> {
    let split = initrd::files().filter_map(|file| file.name.split_once('/'));
    let mut names: Vec<String> = match hole {
        "folder" => split.map(|(folder, _)| folder.to_string()).collect(),
        _ => split
            .filter(|(folder, _)| *folder == holes.get("folder"))
            .map(|(_, file)| file.to_string())
            .collect(),
    };
    names.sort_unstable();
    names.dedup();
    names
}

/// The content of a file that came with the boot, by its absolute path.
pub(crate) fn bytes(path: &str) -> Option<&'static [u8]> {
    initrd::file(path.strip_prefix("/boot/")?)
}
