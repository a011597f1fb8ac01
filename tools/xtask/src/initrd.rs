//! The initrd: a newc cpio archive with the modules, the same bytes for the same modules on every machine.

use crate::prebuilt::Parts;
use anyhow::{Context, Result};
use cpio::newc::{Builder, trailer};
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// A file in the archive.
#[derive(Debug)]
pub(crate) struct File {
    name: String,
    content: Vec<u8>,
}

/// A module that the user gave, whatever its content: judging it is the kernel's task.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn extra(path: &Path) -> Result<File> {
    let content = fs::read(path).with_context(|| format!("cannot read the module {}", path.display()))?;
    Ok(File {
        name: stem(path),
        content,
    })
}

/// `modules/NAME.ko` and `mixed/NAME.ko` for the modules of `parts`, and `extra/NN-NAME.ko` for each of `extra`, in their order.
///
/// # Errors
/// A module cannot be read.
pub(crate) fn pack(parts: &Parts, extra: &[File]) -> Result<Vec<u8>> {
    let mut files = Vec::new();
    for (folder, modules) in [("modules", &parts.modules), ("mixed", &parts.mixed)] {
        for path in modules {
            let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            files.push(File {
                name: format!("{folder}/{}.ko", stem(path)),
                content,
            });
        }
    }
    for (number, File { name, content }) in extra.iter().enumerate() {
        files.push(File {
            name: format!("extra/{number:02}-{name}.ko"),
            content: content.clone(),
        });
    }

    let mut archive = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let inode = u32::try_from(number + 1).context("too many modules")?;
        let size = u32::try_from(file.content.len())
            .with_context(|| format!("{} is larger than 4 GiB", file.name))?;
        // Regular, for everybody to read; owner, group and time stay 0.
        let entry = Builder::new(&file.name).ino(inode).mode(0o100_644).nlink(1);
        let mut writer = entry.write(&mut archive, size);
        writer.write_all(&file.content)?;
        writer.finish()?;
    }
    trailer(&mut archive)?;
    Ok(archive)
}

/// A file's name without folders and ending.
fn stem(path: &Path) -> String {
    path.file_stem()
        .map_or_else(|| "module".into(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::{extra, pack};
    use crate::prebuilt::Parts;
    use cpio::newc::Reader;
    use std::fs;

    #[test]
    fn the_archive_has_what_was_put_in() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one.ko"), folder.path().join("two.bin"));
        fs::write(&one, b"\x7fELF one").unwrap();
        fs::write(&two, b"").unwrap();
        let parts = Parts {
            image: "image".into(),
            modules: vec![one.clone()],
            mixed: vec![two.clone()],
        };
        let archive = pack(&parts, &[extra(&two).unwrap(), extra(&one).unwrap()]).unwrap();
        assert_eq!(archive.len() % 4, 0);

        let mut rest = &archive[..];
        let mut seen = Vec::new();
        loop {
            let mut reader = Reader::new(rest).unwrap();
            if reader.entry().is_trailer() {
                break;
            }
            let entry = reader.entry();
            assert_eq!(
                (entry.uid(), entry.gid(), entry.mtime(), entry.mode()),
                (0, 0, 0, 0o100_644)
            );
            let name = entry.name().to_owned();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut reader, &mut content).unwrap();
            seen.push((name, content));
            rest = reader.finish().unwrap();
        }
        let content = b"\x7fELF one".to_vec();
        let expected = [
            ("modules/one.ko", content.clone()),
            ("mixed/two.ko", vec![]),
            ("extra/00-two.ko", vec![]),
            ("extra/01-one.ko", content),
        ];
        assert_eq!(seen, expected.map(|(name, content)| (name.to_owned(), content)));
    }

    #[test]
    fn a_missing_module_is_named() {
        let error = extra("no/such.ko".as_ref()).unwrap_err();
        assert!(format!("{error:#}").contains("no/such.ko"), "{error:#}");
    }
}
