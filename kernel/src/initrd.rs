//! The initial RAM disk that the machine was started with: modules, by their path.
#![allow(unsafe_code, reason = "the archive lies in memory that the firmware filled")]

use kernel_core::initrd::{self, ArchiveError, File};
use spin::Once;

use crate::machine::machine;
use crate::{ensure, ensure_eq};

static ARCHIVE: Once<&'static [u8]> = Once::new();

/// The archive; empty when there is none.
fn archive() -> &'static [u8] {
    ARCHIVE.call_once(|| match &machine().initrd {
        // SAFETY: the device tree says that the archive lies there; the heap was made around it, and nobody writes to it.
        Some(range) => unsafe {
            core::slice::from_raw_parts(range.start as *const u8, (range.end - range.start) as usize)
        },
        None => &[],
    })
}

/// The files, up to where the archive is broken.
pub fn files() -> impl Iterator<Item = File<'static>> {
    entries().map_while(Result::ok)
}

fn entries() -> impl Iterator<Item = Result<File<'static>, ArchiveError<'static>>> {
    let archive = archive();
    let files = (!archive.is_empty()).then(|| initrd::files(archive));
    files.into_iter().flatten()
}

/// Tells the log what there is, and what is broken.
pub(crate) fn report() {
    let mut count = 0;
    for entry in entries() {
        match entry {
            Ok(_) => count += 1,
            Err(error) => log::error!("the archive is broken {error}"),
        }
    }
    log::debug!("{} bytes, {count} files", archive().len());
}

/// The contents of the file `name`, as in `modules/x.ko`.
pub fn file(name: &str) -> Option<&'static [u8]> {
    files().find(|file| file.name == name).map(|file| file.bytes)
}

crate::ktest! {
    fn every_file_is_found_by_its_name() {
        for wanted in files() {
            ensure_eq!(file(wanted.name), Some(wanted.bytes), "the file '{}'", wanted.name);
        }
        ensure!(file("no such file").is_none(), "a file that is not there was found");
        Ok(())
    }
}
