//! The `Cargo.toml` of a module: as much of it as a module may use.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What a module may depend on. `core` and `alloc` need no entry.
const ALLOWED: [&str; 1] = ["kernel"];

/// A module's manifest that asks for nothing that a module cannot have.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    package: Package,
    #[serde(default)]
    lib: Library,
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
    #[serde(default, rename = "build-dependencies")]
    build_dependencies: BTreeMap<String, toml::Value>,
}

#[derive(Debug, Deserialize)]
struct Package {
    #[serde(default = "first_edition")]
    edition: String,
    build: Option<toml::Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Library {
    path: Option<PathBuf>,
}

/// What cargo takes when there is none.
fn first_edition() -> String {
    "2015".into()
}

impl Manifest {
    /// Reads the manifest at `path`.
    ///
    /// # Errors
    /// It cannot be read, or asks for what a module cannot have.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a module's", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text)?;
        let others: Vec<_> = manifest
            .dependencies
            .keys()
            .filter(|name| !ALLOWED.contains(&name.as_str()))
            .map(String::as_str)
            .collect();
        if !others.is_empty() {
            bail!(
                "it depends on {}; a module can depend on the crate kernel only, besides core and alloc",
                others.join(", ")
            );
        }
        if manifest.package.build.is_some() || !manifest.build_dependencies.is_empty() {
            bail!("it has a build script, which a module cannot have");
        }
        Ok(manifest)
    }

    /// The library's first file, relative to the manifest.
    pub(crate) fn library(&self) -> &Path {
        self.lib.path.as_deref().unwrap_or(Path::new("src/lib.rs"))
    }

    /// The language's edition.
    pub(crate) fn edition(&self) -> &str {
        &self.package.edition
    }
}

#[cfg(test)]
mod tests {
    use super::Manifest;
    use std::path::Path;

    #[test]
    fn a_module_of_one_crate() {
        let manifest = Manifest::parse(
            "[package]\nname = 'x'\nedition = '2024'\n[lib]\npath = 'x.rs'\n[dependencies]\nkernel = { path = '../..' }",
        )
        .unwrap();
        assert_eq!(
            (manifest.library(), manifest.edition()),
            (Path::new("x.rs"), "2024")
        );
        let bare = Manifest::parse("[package]\nname = 'x'").unwrap();
        assert_eq!(
            (bare.library(), bare.edition()),
            (Path::new("src/lib.rs"), "2015")
        );
    }

    #[test]
    fn what_a_module_cannot_have_is_named() {
        let error = |text: &str| format!("{:#}", Manifest::parse(text).unwrap_err());
        let others = error("[package]\nname = 'x'\n[dependencies]\nserde = '1'\nkernel = '*'\nlog = '0.4'");
        assert!(others.contains("depends on log, serde;"), "{others}");
        assert!(error("[package]\nname = 'x'\nbuild = 'b.rs'").contains("build script"));
        assert!(error("[dependencies]").contains("package"));
        assert!(error("[package").contains("TOML"));
    }
}
