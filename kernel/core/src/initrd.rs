//! The files of an initial RAM disk: a cpio archive in the "newc" format, read through the crate `cpio_reader`.
//!
//! The crate stops where something is wrong and does not say so; here an archive that does not reach its trailer is an
//! error with its place.

use core::fmt;

/// Every header begins with one of these: without and with a checksum.
const MAGICS: [&[u8]; 2] = [b"070701", b"070702"];
/// Where a header's size field for the name is, where the name itself.
const NAME_SIZE: core::ops::Range<usize> = 94..102;
const NAME: usize = 110;
/// The name that ends an archive.
const TRAILER: &[u8] = b"TRAILER!!!\0";
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
            if rest.get(NAME..).is_some_and(|name| name.starts_with(TRAILER))
                && rest[NAME_SIZE].eq_ignore_ascii_case(b"0000000B")
            {
                return None;
            }
            let Some(entry) = cpio_reader::iter_files(rest).next() else {
                return Some(Err(error(
                    "the entry is broken, or reaches behind the archive's end",
                )));
            };
            let contents = entry.file();
            // Name and contents are each padded to a multiple of four.
            let name_end = (offset + NAME + entry.name().len() + 1).next_multiple_of(4);
            let end = name_end + contents.len();
            self.offset = Some(end.next_multiple_of(4));
            self.previous = entry.name();
            if entry.mode().bits() & FILE_TYPE == REGULAR {
                let name = entry.name();
                let name = name.strip_prefix("./").unwrap_or(name).trim_start_matches('/');
                return Some(Ok(File {
                    name,
                    bytes: contents,
                }));
            }
        }
    }
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
