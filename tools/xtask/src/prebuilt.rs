//! What a run boots: the image and the tests' own modules, some of them once more with the other kind of code.

use crate::abi::Abi;
use crate::build;
use crate::module::{self, Source};
use crate::toolchain::Toolchain;
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Set by `cargo xtask test` for its children: all is built, and nothing has changed since.
pub(crate) const PREBUILT: &str = "TOCSIN_PREBUILT";

/// The parts of a run.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The kernel.
    pub(crate) image: PathBuf,
    /// The modules that the cases load.
    pub(crate) modules: Vec<PathBuf>,
    /// Those of [`MIXED`], whose code reaches its data in the other way than the kernel's.
    pub(crate) mixed: Vec<PathBuf>,
}

/// The modules of the cases in which code with a TOC and code without one call each other.
const MIXED: [&str; 5] = [
    "klp_caller",
    "klp_patch",
    "klp_rust",
    "klp_rust_caller",
    "klp_target",
];

/// Builds the parts, or finds them where `cargo xtask test` has built them.
///
/// # Errors
/// They do not build, or are not where they should be.
pub(crate) fn get(abi: Abi) -> Result<Parts> {
    let sources = sources()?;
    let (plain, mixed): (Vec<_>, Vec<_>) = (
        sources.iter().collect(),
        sources
            .iter()
            .filter(|source| MIXED.contains(&&*source.name()))
            .collect(),
    );
    let folder = workspace::output(abi).join("modules");
    let mixed_folder = folder.join("mixed");
    if env::var_os(PREBUILT).is_some() {
        let files = |sources: &[&Source], folder: &Path| {
            sources
                .iter()
                .map(|source| folder.join(source.file_name()))
                .collect()
        };
        let parts = Parts {
            image: workspace::image(abi),
            modules: files(&plain, &folder),
            mixed: files(&mixed, &mixed_folder),
        };
        let missing = [&parts.image]
            .into_iter()
            .chain(&parts.modules)
            .chain(&parts.mixed)
            .find(|file| !file.exists());
        if let Some(missing) = missing {
            bail!("{PREBUILT} is set, but {} is not there", missing.display());
        }
        return Ok(parts);
    }
    let toolchain = Toolchain::find()?;
    let kernel = build::kernel(&toolchain, abi)?;
    let _lock = workspace::lock(abi)?;
    let build = |sources: &[&Source], code, folder: &Path| {
        let modules = sources
            .iter()
            .map(|source| module::build(source, &toolchain, &kernel, code, folder));
        modules.collect::<Result<_>>()
    };
    Ok(Parts {
        modules: build(&plain, abi, &folder)?,
        mixed: build(&mixed, abi.other(), &mixed_folder)?,
        image: kernel.image,
    })
}

/// The modules in `tests/modules`, in the order of their names.
fn sources() -> Result<Vec<Source>> {
    let folder = workspace::root().join("tests/modules");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    let mut sources = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(source) = Source::classify(&path) {
            sources.push(source);
        }
    }
    sources.sort_by_key(Source::file_name);
    match sources
        .windows(2)
        .find(|pair| pair[0].file_name() == pair[1].file_name())
    {
        Some(pair) => bail!("two modules in tests/modules are called {}", pair[0].file_name()),
        None => Ok(sources),
    }
}
