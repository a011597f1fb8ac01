//! What a run boots: the image and the tests' own modules.

use crate::build;
use crate::module::{self, Source};
use crate::toolchain::Toolchain;
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::PathBuf;

/// Set by `cargo xtask test` for its children: all is built, and nothing has changed since.
pub(crate) const PREBUILT: &str = "TOCSIN_PREBUILT";

/// The parts of a run.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The kernel.
    pub(crate) image: PathBuf,
    /// The modules that the cases load.
    pub(crate) modules: Vec<PathBuf>,
}

/// Builds the parts, or finds them where `cargo xtask test` has built them.
///
/// # Errors
/// They do not build, or are not where they should be.
pub(crate) fn get() -> Result<Parts> {
    let sources = sources()?;
    let folder = workspace::output().join("modules");
    if env::var_os(PREBUILT).is_some() {
        let modules = sources
            .iter()
            .map(|source| folder.join(source.file_name()))
            .collect();
        let parts = Parts {
            image: workspace::image(),
            modules,
        };
        let missing = [&parts.image]
            .into_iter()
            .chain(&parts.modules)
            .find(|file| !file.exists());
        if let Some(missing) = missing {
            bail!("{PREBUILT} is set, but {} is not there", missing.display());
        }
        return Ok(parts);
    }
    let toolchain = Toolchain::find()?;
    let kernel = build::kernel(&toolchain)?;
    let _lock = workspace::lock()?;
    let modules = sources
        .iter()
        .map(|source| module::build(source, &toolchain, &kernel, &folder));
    Ok(Parts {
        modules: modules.collect::<Result<_>>()?,
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
