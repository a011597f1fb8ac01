//! The tree of files that a user of the shell sees: names, modes, contents and error numbers as Linux has them.
//!
//! Nothing is stored. A table says what is where by patterns (see [`kernel_core::tree`]), with a function that makes the
//! content when a file is read, and one that takes what is written.
//!
//! | file | what |
//! |---|---|
//! | `proc` | `/proc` |
//! | `livepatch` | `/sys/kernel/livepatch` |
//! | `modules` | `/sys/module` |
//! | `tracing` | `/sys/kernel/tracing`, and the switch for all of it |
//! | `device` | `/dev` |
//! | `initrd` | the files that came with the boot |

mod device;
mod initrd;
mod livepatch;
mod modules;
mod proc;
mod tests;
mod tracing;

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use kernel_core::errno::Errno;
use kernel_core::tree::{Fit, Part, fit, parts, pattern};

pub(crate) use initrd::bytes;
pub(crate) use modules::users as module_users;
pub(crate) use proc::{SECONDS, show_threads};

/// One row of a table.
pub(crate) struct Entry {
    /// Where: see [`kernel_core::tree`].
    pattern: &'static str,
    mode: Mode,
    read: Option<Read>,
    write: Option<Write>,
    /// What `>>` does, where it is not the same.
    append: Option<Write>,
    /// Bytes, as `ls -l` shows them.
    size: fn(&Holes<'_>) -> u64,
}

/// Who may do what, as in `chmod`.
enum Mode {
    /// The same in every place where the file is.
    Fixed(u16),
    /// By what fills the holes.
    By(fn(&Holes<'_>) -> u16),
}

/// Makes a file's content.
type Read = fn(&Holes<'_>, &mut dyn fmt::Write) -> Result<(), Errno>;
/// Takes what is written to a file.
type Write = fn(&Holes<'_>, &str) -> Result<(), Errno>;

/// Rows, and the names that there are for a hole in them.
pub(crate) struct Table {
    entries: &'static [Entry],
    names: fn(&str, &Holes<'_>) -> Vec<String>,
}

static TABLES: &[Table] = &[
    device::TABLE,
    initrd::TABLE,
    livepatch::TABLE,
    modules::TABLE,
    proc::TABLE,
    tracing::TABLE,
];

/// What fills the holes of a pattern.
pub(crate) struct Holes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Holes<'a> {
    /// What fills this one.
    fn get(&self, name: &str) -> &'a str {
        self.0
            .iter()
            .find(|(hole, _)| *hole == name)
            .map_or("", |(_, filled)| filled)
    }
}

impl Entry {
    const fn new(pattern: &'static str, mode: u16, read: Option<Read>, write: Option<Write>) -> Entry {
        Entry {
            pattern,
            mode: Mode::Fixed(mode),
            read,
            write,
            append: None,
            size: |_| 0,
        }
    }

    /// A file that everybody may read.
    const fn readable(pattern: &'static str, read: Read) -> Entry {
        Entry::new(pattern, 0o444, Some(read), None)
    }

    /// A file of `/sys`: Linux shows a page as its size.
    const fn attribute(pattern: &'static str, read: Option<Read>, write: Option<Write>) -> Entry {
        let mode = match (read.is_some(), write.is_some()) {
            (true, true) => 0o644,
            (false, true) => 0o200,
            _ => 0o444,
        };
        Entry {
            size: |_| 4096,
            ..Entry::new(pattern, mode, read, write)
        }
    }

    /// A folder, which may be empty.
    const fn folder(pattern: &'static str) -> Entry {
        Entry::new(pattern, 0o755, None, None)
    }

    fn is_folder(&self) -> bool {
        self.pattern.ends_with('/')
    }

    fn mode(&self, holes: &Holes<'_>) -> u16 {
        match self.mode {
            Mode::Fixed(mode) => mode,
            Mode::By(mode) => mode(holes),
        }
    }
}

/// What is known of a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// It is a folder.
    pub is_folder: bool,
    /// Who may do what, as in `chmod`.
    pub mode: u16,
    /// Bytes, where they are known.
    pub size: u64,
}

/// Whether all that fills the holes of `pattern` along `path` is there.
fn is_there(table: &Table, path: &str, whole: &'static str) -> bool {
    let mut holes = Holes(Vec::new());
    for (part, wanted) in parts(path).zip(pattern(whole)) {
        if let Part::Hole(hole) = wanted {
            if !(table.names)(hole, &holes).iter().any(|name| name == part) {
                return false;
            }
            holes.0.push((hole, part));
        }
    }
    true
}

fn entries() -> impl Iterator<Item = (&'static Table, &'static Entry)> {
    TABLES
        .iter()
        .flat_map(|table| table.entries.iter().map(move |entry| (table, entry)))
}

/// Calls `work` with what is at an absolute path.
fn with<T>(
    path: &str,
    on_folder: impl FnOnce() -> Result<T, Errno>,
    on_file: impl FnOnce(&'static Entry, Holes<'_>) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let mut is_folder = parts(path).next().is_none();
    for (table, entry) in entries() {
        match fit(path, entry.pattern) {
            Fit::Whole(holes) if is_there(table, path, entry.pattern) => {
                if entry.is_folder() {
                    return on_folder();
                }
                return on_file(entry, Holes(holes));
            }
            Fit::Through { .. } => is_folder |= is_there(table, path, entry.pattern),
            _ => {}
        }
    }
    if is_folder {
        return on_folder();
    }
    // A path through a file leads nowhere, and says so.
    let parent = &path[..path.rfind('/').unwrap_or(0)];
    match parent {
        "" => Err(Errno::NoEntry),
        _ => match info(parent)?.is_folder {
            true => Err(Errno::NoEntry),
            false => Err(Errno::NotDirectory),
        },
    }
}

/// Who may do what in a folder: in `/proc` nobody makes anything.
fn folder_info(path: &str) -> Info {
    let is_proc = parts(path).next() == Some("proc");
    Info {
        is_folder: true,
        mode: if is_proc { 0o555 } else { 0o755 },
        size: 0,
    }
}

/// What is at an absolute path.
///
/// # Errors
/// Nothing.
pub fn info(path: &str) -> Result<Info, Errno> {
    with(
        path,
        || Ok(folder_info(path)),
        |entry, holes| {
            Ok(Info {
                is_folder: false,
                mode: entry.mode(&holes),
                size: (entry.size)(&holes),
            })
        },
    )
}

/// The names in a folder, in their order.
///
/// # Errors
/// There is no such folder.
pub fn list(path: &str) -> Result<Vec<(String, Info)>, Errno> {
    with(path, || Ok(()), |_, _| Err(Errno::NotDirectory))?;
    let mut names = BTreeMap::new();
    for (table, entry) in entries() {
        let Fit::Through { holes, next, is_last } = fit(path, entry.pattern) else {
            continue;
        };
        if !is_there(table, path, entry.pattern) {
            continue;
        }
        let holes = Holes(holes);
        let found = match next {
            Part::Name(name) => Vec::from([name.to_string()]),
            Part::Hole(hole) => (table.names)(hole, &holes),
        };
        for name in found {
            let mut filled = Holes(holes.0.clone());
            if let Part::Hole(hole) = next {
                filled.0.push((hole, &name));
            }
            let info = if is_last && !entry.is_folder() {
                Info {
                    is_folder: false,
                    mode: entry.mode(&filled),
                    size: (entry.size)(&filled),
                }
            } else {
                folder_info(if path == "/" { &name } else { path })
            };
            names.insert(name, info);
        }
    }
    Ok(names.into_iter().collect())
}

/// Writes a file's content to `out`.
///
/// # Errors
/// There is no such file, it cannot be read, or it says why not.
pub fn read(path: &str, out: &mut dyn fmt::Write) -> Result<(), Errno> {
    let on_file = |entry: &'static Entry, holes: Holes<'_>| {
        let read = entry.read.filter(|_| entry.mode(&holes) & 0o444 != 0);
        read.ok_or(Errno::Access)?(&holes, out)
    };
    with(path, || Err(Errno::IsDirectory), on_file)
}

/// Whether a file can be opened for writing.
///
/// # Errors
/// It is not there, and cannot be made; it is a folder; or it cannot be written to.
pub fn check_writable(path: &str) -> Result<(), Errno> {
    let on_file = |entry: &'static Entry, holes: Holes<'_>| {
        let write = entry.write.filter(|_| entry.mode(&holes) & 0o222 != 0);
        write.map(|_| ()).ok_or(Errno::Access)
    };
    with(path, || Err(Errno::IsDirectory), on_file).map_err(|error| {
        let parent = &path[..path.rfind('/').unwrap_or(0)];
        let could_be_made =
            error == Errno::NoEntry && parts(path).next() != Some("proc") && info(parent).is_ok();
        // Only the kernel makes files.
        if could_be_made { Errno::Access } else { error }
    })
}

/// Hands `text` to a file, in place of what is there.
///
/// # Errors
/// As for [`check_writable`], or the file does not take it.
pub fn write(path: &str, text: &str) -> Result<(), Errno> {
    hand(path, text, |entry| entry.write)
}

/// The same, behind what is there, if the file knows the difference.
///
/// # Errors
/// As for [`write`].
pub fn append(path: &str, text: &str) -> Result<(), Errno> {
    hand(path, text, |entry| entry.append.or(entry.write))
}

fn hand(path: &str, text: &str, way: impl FnOnce(&Entry) -> Option<Write>) -> Result<(), Errno> {
    check_writable(path)?;
    let on_file = |entry: &'static Entry, holes: Holes<'_>| way(entry).ok_or(Errno::Access)?(&holes, text);
    with(path, || Err(Errno::IsDirectory), on_file)
}
