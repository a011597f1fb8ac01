//! Linux's own files, from Debian's package of its source. They are fetched, never kept with ours.

use crate::command::run;
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's package, and the folder that its archive has everything in.
const PACKAGE: &str = "linux-source-6.1";
/// Set to a folder with Linux's source, it is used in place of the package.
pub(crate) const FOLDER: &str = "TOCSIN_LINUX";

/// Where the modules are in Linux's source, and the scripts.
pub(super) const MODULES: [&str; 2] = ["lib/livepatch", "samples/livepatch"];
pub(super) const SCRIPTS: &str = "tools/testing/selftests/livepatch";

/// A folder with those parts of Linux's source, fetched where it is not there yet.
///
/// # Errors
/// It is not to be had.
pub(super) fn get() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let folder = PathBuf::from(folder);
        return check(&folder).map(|()| folder);
    }
    let folder = workspace::target().join(PACKAGE);
    if check(&folder).is_err() {
        fetch(&folder)?;
        check(&folder)?;
    }
    Ok(folder)
}

fn check(folder: &Path) -> Result<()> {
    for part in MODULES.into_iter().chain([SCRIPTS]) {
        if !folder.join(part).is_dir() {
            bail!("{} has no {part}", folder.display());
        }
    }
    Ok(())
}

/// Downloads the package and takes out what is needed: 139 MB, of which 200 kB stay.
fn fetch(folder: &Path) -> Result<()> {
    eprintln!("Fetching {PACKAGE} (139 MB)");
    let place = tempfile::tempdir_in(workspace::target()).context("cannot make a temporary folder")?;
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get")
            .args([
                "--quiet",
                "-o",
                "Acquire::http::Timeout=20",
                "-o",
                "Acquire::Retries=1",
            ])
            .args(arguments)
            .current_dir(place.path()))
    };
    // Where nothing was ever installed there are no lists of packages yet.
    apt(&["download", PACKAGE])
        .or_else(|_| apt(&["update"]).and_then(|()| apt(&["download", PACKAGE])))
        .context("cannot download it")?;
    // The package has one file in it, an archive that is 1 GB when it is unpacked: only our parts of it ever are.
    let unpack = format!(
        "dpkg-deb --fsys-tarfile {PACKAGE}_*.deb | tar --extract --to-stdout ./usr/src/{PACKAGE}.tar.xz \
         | tar --extract --xz {PACKAGE}/{} {PACKAGE}/{} {PACKAGE}/{SCRIPTS}",
        MODULES[0], MODULES[1]
    );
    run(Command::new("bash")
        .args(["-o", "pipefail", "-c", &unpack])
        .current_dir(place.path()))
    .context("cannot unpack it")?;
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::rename(place.path().join(PACKAGE), folder)
        .with_context(|| format!("cannot write {}", folder.display()))
}
