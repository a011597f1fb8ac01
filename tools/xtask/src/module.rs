//! Modules: one relocatable object each, from a crate in Rust, a single `.rs`, or a single `.c`.

use crate::abi::Abi;
use crate::build::{self, Kernel};
use crate::command::run;
use crate::manifest::Manifest;
use crate::toolchain::{Toolchain, cross};
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a module is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Crate,
    Rust,
    C,
}

impl Source {
    /// What is at `path`, if it is something that a module can be made of.
    pub(crate) fn classify(path: &Path) -> Option<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let kind = match ending {
            _ if path.join("Cargo.toml").is_file() => Kind::Crate,
            Some("rs") if path.is_file() => Kind::Rust,
            Some("c") if path.is_file() => Kind::C,
            _ => return None,
        };
        Some(Self {
            path: path.to_path_buf(),
            kind,
        })
    }

    /// As [`Self::classify`], for a path that a person gave.
    ///
    /// # Errors
    /// There is nothing, or nothing that a module can be made of.
    pub(crate) fn given(path: &Path) -> Result<Self> {
        let real = fs::canonicalize(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::classify(&real).with_context(|| {
            format!(
                "{} is neither a folder with a Cargo.toml, nor a .rs file, nor a .c file",
                path.display()
            )
        })
    }

    /// The module's name: the file's or folder's, as an identifier.
    pub(crate) fn name(&self) -> String {
        let stem = if self.kind == Kind::Crate {
            self.path.file_name()
        } else {
            self.path.file_stem()
        };
        stem.map_or_else(
            || "module".into(),
            |stem| stem.to_string_lossy().replace('-', "_"),
        )
    }

    /// The file that it is built to.
    pub(crate) fn file_name(&self) -> String {
        format!("{}.ko", self.name())
    }
}

/// Builds a module for `kernel`, of code that reaches its data by `code`, into `folder`, and returns the file.
///
/// # Errors
/// It does not compile; the compiler's messages are on the terminal.
pub(crate) fn build(
    source: &Source,
    toolchain: &Toolchain,
    kernel: &Kernel,
    code: Abi,
    folder: &Path,
) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let name = source.name();
    let valid = name.chars().enumerate().all(|(index, letter)| {
        letter == '_' || letter.is_ascii_alphabetic() || index > 0 && letter.is_ascii_digit()
    });
    if !valid {
        bail!("{name:?} cannot be a module's name: letters, digits and underscores only, and no digit first");
    }
    let product = folder.join(source.file_name());
    let mut compiler = match source.kind {
        Kind::C => c(&source.path, &name, kernel, code)?,
        Kind::Rust => rust(&source.path, &name, "2024", toolchain, kernel, code),
        Kind::Crate => {
            let manifest = Manifest::read(&source.path.join("Cargo.toml"))?;
            rust(
                &source.path.join(manifest.library()),
                &name,
                manifest.edition(),
                toolchain,
                kernel,
                code,
            )
        }
    };
    // The compiler writes its file piece by piece; nobody should load half of one.
    let attempt = product.with_extension("o");
    compiler.arg("-o").arg(&attempt);
    run(&mut compiler)
        .with_context(|| format!("the module {} does not compile", workspace::shown(&source.path)))?;
    if source.kind == Kind::C {
        rename_late_symbols(&attempt)?;
    }
    fs::rename(&attempt, &product).with_context(|| format!("cannot write {}", product.display()))?;
    Ok(product)
}

/// `rustc` as cargo would call it for a crate of the kernel, up to the object file.
fn rust(
    file: &Path,
    name: &str,
    edition: &str,
    toolchain: &Toolchain,
    kernel: &Kernel,
    code: Abi,
) -> Command {
    let mut rustc = toolchain.rustc();
    rustc
        .arg(file)
        .args([
            "--crate-name",
            name,
            "--edition",
            edition,
            "--crate-type=lib",
            "--emit=obj",
        ])
        .args([
            "-Zunstable-options",
            "-Ccodegen-units=1",
            "-Copt-level=3",
            "-Cdebuginfo=1",
            "-Cpanic=abort",
        ])
        // As for the kernel itself: private functions keep the calling convention that a replacement has.
        .arg("-Clink-dead-code=yes")
        .arg("--target")
        .arg(build::target_file())
        .args(build::rustc_flags(toolchain, code))
        .env("TOCSIN_BUILD_ID", &kernel.build_id)
        .env("CARGO_PKG_NAME", name);
    let option = |key: String, path: &Path| {
        let mut option = OsString::from(key);
        option.push(path);
        option
    };
    for (name, metadata) in &kernel.crates {
        let modifier = if *name == "kernel" { "" } else { "noprelude:" };
        rustc
            .arg("--extern")
            .arg(option(format!("{modifier}{name}="), metadata));
    }
    for folder in &kernel.folders {
        rustc.arg("-L").arg(option("dependency=".into(), folder));
    }
    rustc
}

/// `gcc` for a module in C: an entry hook in each function, and nothing that the kernel does not save.
fn c(file: &Path, name: &str, kernel: &Kernel, code: Abi) -> Result<Command> {
    let root = workspace::root();
    let mut gcc = cross("gcc")?;
    gcc.arg(file)
        .args([
            "-c",
            "-std=gnu11",
            "-O2",
            "-g",
            "-Wall",
            "-pg",
            "-mprofile-kernel",
        ])
        .args(code.gcc_flags())
        .args([
            "-mabi=elfv2",
            "-mcmodel=medium",
            "-msoft-float",
            "-mno-altivec",
            "-mno-vsx",
        ])
        .args([
            "-ffreestanding",
            "-fno-pic",
            "-fno-common",
            "-fno-stack-protector",
            "-fno-strict-aliasing",
            "-fasynchronous-unwind-tables",
        ])
        .arg("-I")
        .arg(root.join("kernel/include"))
        .arg(format!("-DTOCSIN_BUILD_ID=\"{}\"", kernel.build_id))
        .arg(format!("-DKBUILD_MODNAME=\"{name}\""))
        .arg(format!("-ffile-prefix-map={}=.", root.display()));
    Ok(gcc)
}

/// Gives the symbols of `KLP_SYMBOL` their names, which no assembler takes unquoted.
fn rename_late_symbols(object: &Path) -> Result<()> {
    let mut nm = cross("nm")?;
    let listed = nm
        .args(["--undefined-only", "--format=just-symbols"])
        .arg(object)
        .output();
    let listed = listed.context("cannot run nm")?;
    let names = String::from_utf8_lossy(&listed.stdout);
    let renamed: Vec<String> = names
        .lines()
        .filter_map(|name| Some(format!("{name}={}", late_name(name)?)))
        .collect();
    if renamed.is_empty() {
        return Ok(());
    }
    let mut objcopy = cross("objcopy")?;
    for pair in renamed {
        objcopy.arg("--redefine-sym").arg(pair);
    }
    run(objcopy.arg(object)).context("cannot rename symbols")
}

/// `.klp.sym.OBJECT.NAME,POSITION` for `klp.sym.OBJECT.NAME.POSITION`.
fn late_name(symbol: &str) -> Option<String> {
    let (rest, position) = symbol.strip_prefix("klp.sym.")?.rsplit_once('.')?;
    Some(format!(".klp.sym.{rest},{position}"))
}

#[cfg(test)]
mod tests {
    use super::{Source, late_name};
    use std::fs;

    #[test]
    fn late_symbols_get_their_names() {
        assert_eq!(
            late_name("klp.sym.klp_target.b_value.0").as_deref(),
            Some(".klp.sym.klp_target.b_value,0")
        );
        assert_eq!(late_name("printk"), None);
        assert_eq!(late_name("klp.sym.nothing"), None);
    }

    #[test]
    fn what_a_module_can_be_made_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("a-crate")).unwrap();
        fs::write(path("a-crate/Cargo.toml"), "").unwrap();
        fs::create_dir(path("empty.rs")).unwrap();
        for file in ["my-patch.rs", "old.c", "README.md"] {
            fs::write(path(file), "").unwrap();
        }
        let name = |file: &str| Source::classify(&path(file)).map(|source| source.file_name());
        assert_eq!(name("a-crate").as_deref(), Some("a_crate.ko"));
        assert_eq!(name("my-patch.rs").as_deref(), Some("my_patch.ko"));
        assert_eq!(name("old.c").as_deref(), Some("old.ko"));
        for other in ["README.md", "empty.rs", "missing.c"] {
            assert_eq!(name(other), None, "{other}");
        }
        let error = Source::given(&path("README.md")).unwrap_err().to_string();
        assert!(error.contains("README.md is neither"), "{error}");
    }
}
