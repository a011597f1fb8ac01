//! Which Rust compiles the kernel.
//!
//! The kernel needs the library's source (it builds `core` and `alloc` itself, with a patchable entry in each
//! function) and a compiler that knows how. Rustup's toolchains have that source only when the component `rust-src` was
//! added; Debian's `rustc-web` has it in a package of its own. The first that fits is taken, nothing is ever downloaded,
//! and when none fits each candidate gets its own sentence.

use crate::build;
use crate::command::{CommandExt as _, capture};
use anyhow::{Context, Result, anyhow, bail};
use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest compiler that builds the kernel.
const OLDEST: (u32, u32) = (1, 96);

/// Names a rustup toolchain, or a folder with `bin/rustc` and `bin/cargo`, to be used instead of the search.
pub(crate) const OVERRIDE: &str = "TOCSIN_TOOLCHAIN";

/// A toolchain that has been found to fit.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// The folder that holds `bin/rustc` and `bin/cargo`.
    folder: PathBuf,
    /// The library's source, the folder that holds `core` and `alloc`.
    library: PathBuf,
    /// What `rustc --version` says.
    version: String,
}

impl Toolchain {
    /// The toolchain to build the kernel with.
    ///
    /// # Errors
    /// No candidate fits; the message has a line for each, and says what would help.
    pub(crate) fn find() -> Result<Self> {
        let candidates = candidates()?;
        let mut reasons = String::new();
        for Candidate { name, folder } in candidates {
            match Self::examine(&folder) {
                Ok(toolchain) => return Ok(toolchain),
                Err(reason) => _ = write!(reasons, "\n  {name} ({}): {reason:#}", folder.display()),
            }
        }
        if reasons.is_empty() {
            reasons.push_str("\n  (there is no candidate: neither rustup nor /usr/bin/rustc is installed)");
        }
        let (major, minor) = OLDEST;
        bail!(
            "no Rust toolchain here can build the kernel; it takes {major}.{minor} or later with the library's source:{reasons}\n\
             Run tools/setup, or `rustup toolchain install {major}.{minor} --component rust-src`, \
             or set {OVERRIDE} to a rustup toolchain's name or to a folder with bin/rustc and bin/cargo."
        )
    }

    fn examine(folder: &Path) -> Result<Self> {
        let rustc = folder.join("bin/rustc");
        if !rustc.exists() {
            bail!("has no bin/rustc");
        }
        if !folder.join("bin/cargo").exists() {
            bail!("has no bin/cargo");
        }
        let version = capture(Command::new(&rustc).arg("--version").without_cargo())?;
        let release = release(&version).ok_or_else(|| anyhow!("says it is {version:?}"))?;
        if release < OLDEST {
            bail!("is {}.{}, too old", release.0, release.1);
        }
        let sysroot = capture(Command::new(&rustc).args(["--print", "sysroot"]).without_cargo())?;
        let library = Path::new(&sysroot).join("lib/rustlib/src/rust/library");
        if !library.join("core/src/lib.rs").exists() {
            bail!("lacks the library's source (rustup: component rust-src; Debian: package rust-web-src)");
        }
        let toolchain = Self {
            folder: folder.to_path_buf(),
            library,
            version,
        };
        toolchain.accepts_target()?;
        Ok(toolchain)
    }

    /// Later compilers no longer take every target file that earlier ones took: theirs to say, not ours to guess.
    fn accepts_target(&self) -> Result<()> {
        let mut rustc = self.rustc();
        rustc
            .args(["-Zunstable-options", "--print", "cfg", "--target"])
            .arg(build::target_file());
        match capture(&mut rustc) {
            Ok(_) => Ok(()),
            Err(error) => {
                let message = format!("{error:#}");
                let reason = message.lines().next().unwrap_or_default();
                bail!(
                    "is {}, which does not take the kernel's target: {reason}",
                    self.version
                )
            }
        }
    }

    /// What `rustc --version` says.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The folder of `core` and `alloc`.
    pub(crate) fn library(&self) -> &Path {
        &self.library
    }

    /// `rustc`, able to use what is not stable yet, and free of the cargo that runs us.
    pub(crate) fn rustc(&self) -> Command {
        self.program("rustc")
    }

    /// `cargo`, bound to this toolchain's `rustc`.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = self.program("cargo");
        cargo.env("RUSTC", self.folder.join("bin/rustc"));
        cargo
    }

    /// `cargo clippy` without cargo's own dispatch, which would take another toolchain's.
    ///
    /// # Errors
    /// The toolchain has no clippy.
    pub(crate) fn clippy(&self) -> Result<Command> {
        let program = self.folder.join("bin/cargo-clippy");
        if !program.exists() {
            bail!(
                "{} has no bin/cargo-clippy (rustup: component clippy; Debian: package rust-web-clippy)",
                self.folder.display()
            );
        }
        let mut clippy = self.program("cargo-clippy");
        clippy
            .arg("clippy")
            .env("CARGO", self.folder.join("bin/cargo"))
            .env("RUSTC", self.folder.join("bin/rustc"));
        Ok(clippy)
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join("bin").join(name));
        command.without_cargo().env("RUSTC_BOOTSTRAP", "1");
        command
    }
}

struct Candidate {
    name: String,
    folder: PathBuf,
}

fn candidates() -> Result<Vec<Candidate>> {
    let installed = rustup_toolchains();
    if let Some(wish) = env::var_os(OVERRIDE).filter(|wish| !wish.is_empty()) {
        let folder = PathBuf::from(&wish);
        let name = wish.to_string_lossy().into_owned();
        if folder.components().count() > 1 || folder.is_dir() {
            return Ok(vec![Candidate { name, folder }]);
        }
        let (others, fitting): (Vec<_>, Vec<_>) = installed
            .into_iter()
            .partition(|candidate| !candidate.name.starts_with(&name));
        let names: Vec<_> = others.into_iter().map(|candidate| candidate.name).collect();
        return match fitting.into_iter().next() {
            Some(candidate) => Ok(vec![candidate]),
            None => Err(anyhow!(
                "{OVERRIDE}={name} is neither a folder nor one of rustup's toolchains ({})",
                names.join(", ")
            )),
        };
    }
    let mut candidates = installed;
    if Path::new("/usr/bin/rustc").exists() {
        candidates.push(Candidate {
            name: "the distribution's".into(),
            folder: "/usr".into(),
        });
    }
    Ok(candidates)
}

/// Rustup's toolchains, the default first; none when there is no rustup.
fn rustup_toolchains() -> Vec<Candidate> {
    let Ok(list) = capture(
        Command::new("rustup")
            .args(["toolchain", "list", "-v"])
            .without_cargo(),
    ) else {
        return Vec::new();
    };
    parse_rustup(&list)
}

/// `stable-x86_64-unknown-linux-gnu (active, default) /home/…/toolchains/stable-x86_64-unknown-linux-gnu`
fn parse_rustup(list: &str) -> Vec<Candidate> {
    let mut toolchains: Vec<(bool, Candidate)> = Vec::new();
    for line in list.lines() {
        let Some((name, rest)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let Some(folder) = rest.find('/').map(|start| &rest[start..]) else {
            continue;
        };
        let default = rest
            .split('/')
            .next()
            .is_some_and(|marks| marks.contains("default"));
        toolchains.push((
            !default,
            Candidate {
                name: name.into(),
                folder: folder.trim().into(),
            },
        ));
    }
    toolchains.sort_by_key(|(not_default, _)| *not_default);
    toolchains.into_iter().map(|(_, candidate)| candidate).collect()
}

/// `rustc 1.96.0 (…)` → `(1, 96)`
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix("rustc ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// A program that must be there besides Rust, with the advice that goes with its absence.
pub(crate) fn cross(tool: &str) -> Result<Command> {
    let name = format!("powerpc64le-linux-gnu-{tool}");
    capture(Command::new(&name).arg("--version"))
        .with_context(|| format!("{name} does not run; tools/setup installs it"))?;
    Ok(Command::new(name))
}

#[cfg(test)]
mod tests {
    use super::{PathBuf, parse_rustup, release};

    #[test]
    fn releases() {
        assert_eq!(
            release("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"),
            Some((1, 96))
        );
        assert_eq!(
            release("rustc 1.98.0-nightly (0123456 2026-06-01)"),
            Some((1, 98))
        );
        assert_eq!(release("error: toolchain 'x' is not installed"), None);
    }

    #[test]
    fn the_default_toolchain_comes_first() {
        let list = "nightly-x86_64-unknown-linux-gnu /r/toolchains/nightly\n\
                    stable-x86_64-unknown-linux-gnu (active, default) /r/toolchains/stable\n\
                    1.90.0 /r/toolchains/1.90.0";
        let names: Vec<_> = parse_rustup(list)
            .into_iter()
            .map(|candidate| candidate.folder)
            .collect();
        assert_eq!(
            names,
            [
                "/r/toolchains/stable",
                "/r/toolchains/nightly",
                "/r/toolchains/1.90.0"
            ]
            .map(PathBuf::from)
        );
    }
}
