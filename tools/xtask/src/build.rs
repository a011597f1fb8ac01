//! The kernel build: Rust crates to a static library, and that to an image which knows its own symbols.
//!
//! The linker runs at least twice, because the symbol table describes the image it lies in: the first link has none, each
//! later one has the table of the one before, and the build is done when a link reproduces the table it was given.
//! Since the table lies behind everything it describes, that is the second.

use crate::abi::Abi;
use crate::command::run;
use crate::toolchain::{Toolchain, cross};
use crate::{artifacts, cases, kallsyms, workspace};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The kernel's target, as rustc knows it from the file of that name in `tools/targets`.
const TARGET: &str = "powerpc64le-tocsin";
const BUILD_STD: &str = "-Zbuild-std=core,alloc,compiler_builtins";
const BUILD_STD_FEATURES: &str = "-Zbuild-std-features=compiler-builtins-mem";

/// The crates that a module in Rust is compiled against.
const MODULE_CRATES: [&str; 4] = ["kernel", "core", "alloc", "compiler_builtins"];

/// A kernel that has been built.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// The image, as QEMU boots it.
    pub(crate) image: PathBuf,
    /// 40 hexadecimal digits, the same in the image's note, in its symbol table and in modules for it.
    pub(crate) build_id: String,
    /// The crates that a module in Rust is compiled against, with their metadata.
    pub(crate) crates: Vec<(&'static str, PathBuf)>,
    /// The folders with all that these crates depend on: the guest's libraries, and the host's macros.
    pub(crate) folders: BTreeSet<PathBuf>,
}

/// Builds the kernel image, or finds it up to date. Two builds at once wait for each other.
///
/// # Errors
/// No toolchain fits, or the compiler, the linker or the image itself is at fault; their own messages are on the terminal.
pub(crate) fn kernel(toolchain: &Toolchain, abi: Abi) -> Result<Kernel> {
    let _lock = workspace::lock(abi)?;
    let mut cargo = toolchain.cargo();
    cargo
        .arg("build")
        .args(["--package", "boot"])
        .kernel_flags(toolchain, abi);
    let artifacts = artifacts::build(&mut cargo).context("the kernel's crates do not build")?;
    let (image, build_id) = link(abi, &artifacts::file(&artifacts, "boot", "a")?)?;
    let metadata = |name| Ok((name, artifacts::file(&artifacts, name, "rmeta")?));
    let crates = MODULE_CRATES.into_iter().map(metadata).collect::<Result<_>>()?;
    let files = artifacts.iter().flat_map(|artifact| &artifact.files);
    let folders = files
        .filter_map(|file| Some(file.parent()?.to_path_buf()))
        .collect();
    Ok(Kernel {
        image,
        build_id,
        crates,
        folders,
    })
}

/// Runs clippy over the kernel's crates as they are built for the guest; any finding is an error.
///
/// # Errors
/// The toolchain has no clippy, or clippy found something.
pub(crate) fn lint(toolchain: &Toolchain) -> Result<()> {
    let mut clippy = toolchain.clippy()?;
    for package in ["kernel-core", "arch", "kernel", "boot"] {
        clippy.args(["--package", package]);
    }
    clippy
        .kernel_flags(toolchain, Abi::Toc)
        .args(["--", "--deny", "warnings"]);
    run(&mut clippy).context("clippy found fault with the kernel's crates")
}

/// The flags that make rustc emit what hooks need, for the kernel's crates and for modules alike.
pub(crate) fn rustc_flags(toolchain: &Toolchain, abi: Abi) -> Vec<OsString> {
    let all = [
        "-Zpatchable-function-entry=1",
        "-Csymbol-mangling-version=v0",
        "-Zmerge-functions=disabled",
        // For backtraces from any instruction, and what says whether a thread's stack can be trusted.
        "-Cforce-unwind-tables=yes",
    ];
    let mut flags: Vec<OsString> = all.iter().chain(abi.rustc_flags()).map(Into::into).collect();
    for (from, to) in remapped(toolchain) {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        flags.push(flag);
    }
    flags
}

/// What this machine's folders are called in panic messages and in DWARF. The workspace is where a debugger runs; the
/// others must not look relative, or DWARF's readers put them below it.
fn remapped(toolchain: &Toolchain) -> Vec<(PathBuf, &'static str)> {
    let library = toolchain.library();
    let real = fs::canonicalize(library).unwrap_or_else(|_| library.to_path_buf());
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let registry = cargo_home.map(|home| (home.join("registry/src"), "/registry"));
    [
        (workspace::root(), "."),
        (library.to_path_buf(), "/library"),
        (real, "/library"),
    ]
    .into_iter()
    .chain(registry)
    .collect()
}

/// The target file, for `--target`.
pub(crate) fn target_file() -> PathBuf {
    workspace::root()
        .join("tools/targets")
        .join(TARGET)
        .with_extension("json")
}

/// What cargo is told for every command over the kernel's crates.
trait KernelFlags {
    fn kernel_flags(&mut self, toolchain: &Toolchain, abi: Abi) -> &mut Self;
}

impl KernelFlags for Command {
    fn kernel_flags(&mut self, toolchain: &Toolchain, abi: Abi) -> &mut Self {
        let flags = rustc_flags(toolchain, abi).join("\u{1f}".as_ref());
        self.current_dir(workspace::root())
            .args([
                "--profile",
                "kernel",
                "-Zjson-target-spec",
                BUILD_STD,
                BUILD_STD_FEATURES,
            ])
            // Private functions get a calling convention of LLVM's own otherwise, which no replacement could follow.
            .args([
                "-Zprofile-rustflags",
                "--config",
                r#"profile.kernel.package.kernel.rustflags=["-Clink-dead-code=yes"]"#,
            ])
            .arg("--target")
            .arg(target_file())
            .arg("--target-dir")
            .arg(workspace::output(abi).join("cargo"))
            .env("CARGO_ENCODED_RUSTFLAGS", flags)
    }
}

/// Links until the symbol table in the image is the image's own. Returns the image and its build id.
fn link(abi: Abi, library: &Path) -> Result<(PathBuf, String)> {
    const PASSES: usize = 4;
    let image = workspace::image(abi);
    // We are a source ourselves: the table is ours.
    let xtask = env::current_exe().context("cannot find our own program")?;
    let [whole, cases] = &linker_scripts();
    if newer(&image, &[library, whole, cases, &xtask])? {
        return Ok((image.clone(), kallsyms::from_image(&image, None)?.build_id));
    }
    let object = workspace::output(abi).join("kallsyms.o");
    let attempt = workspace::output(abi).join("tocsin.link");
    // The relocations change nothing in what is loaded.
    link_once(library, &["--emit-relocs".as_ref()], "sha1", &attempt)?;
    cases::are_not_needed(&attempt)?;
    let mut table = kallsyms::from_image(&attempt, None)?;
    let build_id = table.build_id.clone();
    for _ in 1..PASSES {
        fs::write(&object, kallsyms::object(&table.blob)?)
            .with_context(|| format!("cannot write {}", object.display()))?;
        link_once(library, &[object.as_ref()], &format!("0x{build_id}"), &attempt)?;
        let again = kallsyms::from_image(&attempt, Some(&build_id))?;
        if again.blob == table.blob {
            fs::rename(&attempt, &image).with_context(|| format!("cannot write {}", image.display()))?;
            return Ok((image, build_id));
        }
        table = again;
    }
    bail!(
        "after {PASSES} links the symbol table still moves what it describes: is .kallsyms last in boot/tocsin.ld?"
    )
}

/// Whether `product` is there and newer than each of its sources.
fn newer(product: &Path, sources: &[&Path]) -> Result<bool> {
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
    let Ok(made) = changed(product) else {
        return Ok(false);
    };
    for source in sources {
        if changed(source).with_context(|| format!("cannot read {}", source.display()))? >= made {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where everything lies, and what is put there before that takes what is left.
fn linker_scripts() -> [PathBuf; 2] {
    ["boot/tocsin.ld", "boot/cases.ld"].map(|path| workspace::root().join(path))
}

fn link_once(library: &Path, more: &[&OsStr], build_id: &str, image: &Path) -> Result<()> {
    let mut linker = cross("ld")?;
    let [whole, cases] = linker_scripts();
    linker
        // A script that inserts is added to the default one, which would be the linker's own.
        .arg("--default-script")
        .arg(whole)
        .arg("--script")
        .arg(cases)
        .arg(format!("--build-id={build_id}"))
        .args([
            "--no-dynamic-linker",
            "--no-warn-rwx-segments",
            // The sorted index of the unwind tables.
            "--eh-frame-hdr",
            "--fatal-warnings",
            "-o",
        ])
        .arg(image)
        // Whole, so that a module finds the functions that the kernel itself never calls: what is visible to everybody stays,
        // called or not. Not what is there because rustc was told to keep dead code, copies of generic and inlined
        // functions mostly, which nobody calls and no module can name: those are hidden.
        .args(["--gc-sections", "--gc-keep-exported"])
        .arg("--whole-archive")
        .arg(library)
        .arg("--no-whole-archive")
        .args(more);
    run(&mut linker).context("the kernel does not link")
}
