//! Where things are: the workspace, its target folder, and what is made in it.

use crate::abi::Abi;
use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The folder of the root `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// Cargo's target folder, as cargo itself would choose it.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The folder for everything that is made for a guest with this kernel.
pub(crate) fn output(abi: Abi) -> PathBuf {
    target().join(abi.folder())
}

/// The kernel image, linked, with symbols and DWARF.
pub(crate) fn image(abi: Abi) -> PathBuf {
    output(abi).join("tocsin")
}

/// A path as a person wants to read it: relative to the workspace when it lies in it.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Makes the kernel's output folder, and waits until nobody else works in it. The lock ends with the value.
///
/// # Errors
/// The folder cannot be made or locked.
pub(crate) fn lock(abi: Abi) -> Result<Flock<File>> {
    let folder = output(abi);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let locked = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error);
    locked.with_context(|| format!("cannot lock {}", path.display()))
}
