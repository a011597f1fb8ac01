//! The files of an initial RAM disk: a cpio archive in the "newc" format (cpio(5)): for each entry a header of digits, the
//! name, the contents, each of the latter two padded to a multiple of four. An archive that does not reach its trailer is an
//! error with its place.

use core::fmt;

/// Every header begins with one of these: without and with a checksum.
const MAGICS: [&[u8]; 2] = [b"070701", b"070702"];
/// Where fields of a header are, each of eight hexadecimal digits, and where the name is.
const MODE: usize = 14;
const FILE_SIZE: usize = 54;
const NAME_SIZE: usize = 94;
const NAME: usize = 110;
/// The name that ends an archive.
const TRAILER: &str = "TRAILER!!!";
/// The bits of a mode that tell what an entry is, and a regular file.
const FILE_TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// One regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// Its path, without a leading `./` or `/`.
    pub name: &'a str,
    /// Its contents.
    pub bytes: &'a [u8],
}

/// An archive that is broken from some place on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveError<'a> {
    /// Where, in bytes from the archive's beginning.
    pub offset: usize,
    /// The last entry that was sound; empty when there was none.
    pub behind: &'a str,
    /// What is wrong.
    pub reason: &'static str,
}

impl fmt::Display for ArchiveError<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "at {:#x}", self.offset)?;
        if !self.behind.is_empty() {
            write!(out, ", behind the entry '{}'", self.behind)?;
        }
        write!(out, ": {}", self.reason)
    }
}

impl core::error::Error for ArchiveError<'_> {}

/// The regular files of an archive, up to its trailer or to the first error.
#[derive(Clone, Debug)]
pub struct Files<'a> {
    archive: &'a [u8],
    /// Where the next entry begins; `None` when there is none any more.
    offset: Option<usize>,
    previous: &'a str,
}

/// The regular files in `archive`.
#[must_use]
pub fn files(archive: &[u8]) -> Files<'_> {
    Files {
        archive,
        offset: Some(0),
        previous: "",
    }
}

impl<'a> Iterator for Files<'a> {
    type Item = Result<File<'a>, ArchiveError<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let offset = self.offset.take()?;
            let error = |reason| ArchiveError {
                offset: offset.min(self.archive.len()),
                behind: self.previous,
                reason,
            };
            let rest = self.archive.get(offset..).unwrap_or_default();
            if rest.is_empty() {
                return Some(Err(error("the archive ends without a trailer")));
            }
            if !MAGICS.iter().any(|magic| rest.starts_with(magic)) {
                return Some(Err(error("no newc header")));
            }
            let Some(entry) = Entry::read(rest) else {
                return Some(Err(error(
                    "the entry is broken, or reaches behind the archive's end",
                )));
            };
            if entry.name == TRAILER {
                return None;
            }
            self.offset = Some(offset + entry.length);
            self.previous = entry.name;
            if entry.mode & FILE_TYPE == REGULAR {
                let name = entry.name;
                let name = name.strip_prefix("./").unwrap_or(name).trim_start_matches('/');
                return Some(Ok(File {
                    name,
                    bytes: entry.contents,
                }));
            }
        }
    }
}

/// One entry, whatever it is.
struct Entry<'a> {
    mode: u32,
    name: &'a str,
    contents: &'a [u8],
    /// Bytes from its header to where the next one begins.
    length: usize,
}

impl<'a> Entry<'a> {
    /// The entry at the beginning of `bytes`; `None` when it is broken, or longer than these.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let size = |field| field_at(bytes, field).map(|size| size as usize);
        let name_end = NAME.checked_add(size(NAME_SIZE)?)?;
        let name = bytes.get(NAME..name_end)?.strip_suffix(&[0])?;
        let start = name_end.next_multiple_of(4);
        let end = start.checked_add(size(FILE_SIZE)?)?;
        Some(Entry {
            mode: field_at(bytes, MODE)?,
            name: core::str::from_utf8(name).ok()?,
            contents: bytes.get(start..end)?,
            length: end.checked_next_multiple_of(4)?,
        })
    }
}

/// The number in a header's field.
fn field_at(header: &[u8], field: usize) -> Option<u32> {
    let digits = header.get(field..field + 8)?;
    digits.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number << 4 | digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    fn entry(archive: &mut Vec<u8>, name: &str, mode: u32, contents: &[u8]) {
        let mut fields = [0; 13];
        fields[1] = mode;
        fields[6] = contents.len() as u32;
        fields[11] = name.len() as u32 + 1;
        archive.extend(b"070701");
        for field in fields {
            archive.extend(format!("{field:08X}").bytes());
        }
        archive.extend(name.bytes().chain([0]));
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend(contents);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }

    fn archive() -> Vec<u8> {
        let mut archive = Vec::new();
        entry(&mut archive, "modules", 0o40755, b"");
        entry(&mut archive, "modules/a.ko", 0o100644, b"\x7fELF contents");
        entry(&mut archive, "./empty", 0o100644, b"");
        entry(&mut archive, "link", 0o120777, b"modules/a.ko");
        entry(&mut archive, "/last", 0o100644, b"x");
        entry(&mut archive, "TRAILER!!!", 0, b"");
        archive.resize(archive.len().next_multiple_of(512), 0);
        archive
    }

    #[test]
    fn regular_files_come_with_their_names_and_contents() {
        let archive = archive();
        let found: Vec<_> = files(&archive)
            .map(|file| file.map(|file| (file.name, file.bytes)))
            .collect();
        let wanted: [(&str, &[u8]); 3] = [
            ("modules/a.ko", b"\x7fELF contents"),
            ("empty", b""),
            ("last", b"x"),
        ];
        assert_eq!(found, wanted.map(Ok));
    }

    #[test]
    fn hexadecimal_digits_are_of_either_case() {
        let lower: Vec<u8> = archive()
            .iter()
            .map(|byte| if *byte == b'B' { b'b' } else { *byte })
            .collect();
        assert!(files(&lower).all(|file| file.is_ok()));
        assert_eq!(files(&lower).count(), 3);
    }

    #[test]
    fn an_archive_cut_anywhere_is_an_error_with_its_place() {
        let archive = archive();
        let trailer = archive
            .windows(10)
            .position(|window| window == b"TRAILER!!!")
            .unwrap();
        for length in 0..trailer {
            let last = files(&archive[..length]).last().unwrap();
            let error = last.expect_err("a cut archive");
            assert!(error.offset <= length, "{length}: {error}");
        }
        let cut = files(&archive[..300]).find_map(Result::err).unwrap();
        let message = format!("{cut}");
        assert!(
            message.starts_with("at 0x") && message.contains("behind the entry"),
            "{message}"
        );
    }

    #[test]
    fn what_is_no_archive_says_so() {
        for bytes in [&b"\x7fELF and so on"[..], &[0; 512], b"070707 is another format"] {
            let error = files(bytes).next().unwrap().unwrap_err();
            assert_eq!((error.offset, error.reason), (0, "no newc header"));
        }
        assert!(files(b"").next().unwrap().is_err());
    }

    #[test]
    fn a_damaged_archive_never_leads_astray() {
        let original = archive();
        let mut state = 0x853c_49e6_748f_ea9bu64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let mut errors = 0;
        for _ in 0..50_000 {
            let mut bytes = original.clone();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                bytes[at] = if random(2) == 0 {
                    random(256) as u8
                } else {
                    b"0F"[random(2)]
                };
            }
            let mut found = 0;
            for file in files(&bytes) {
                found += 1;
                if let Err(error) = file {
                    assert!(!String::is_empty(&format!("{error}")));
                    errors += 1;
                }
            }
            assert!(found <= bytes.len() / NAME);
        }
        assert!(errors > 1000, "{errors}");
    }
}
