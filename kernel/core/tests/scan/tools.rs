//! The compilers, called on files in a folder of their own. One that is missing is a failure, never a skip.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What cargo and rustc are told for everything in the kernel, as `cargo xtask build` does it; without the remapping of paths.
const FLAGS: [&str; 3] = [
    "-Zpatchable-function-entry=1",
    "-Csymbol-mangling-version=v0",
    "-Zmerge-functions=disabled",
];
const TARGET: &str = "tools/targets/powerpc64le-tocsin.json";

/// The workspace.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A fresh folder that goes with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("scan-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder under the target folder");
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind hurts nobody.
        _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a command and gives what it wrote to its standard output.
fn run(command: &mut Command) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{name} cannot be run ({error}); `cargo xtask setup` installs it"),
    };
    assert!(
        output.status.success(),
        "{name} failed:\n{}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn cross(tool: &str) -> Command {
    Command::new(format!("powerpc64le-linux-gnu-{tool}"))
}

/// Links an object where addresses are small, and gives the image.
fn link(object: &Path) -> Vec<u8> {
    let image = object.with_extension("elf");
    let flags = [
        "-Ttext=0x10000",
        "--entry=0",
        "--unresolved-symbols=ignore-all",
        "-o",
    ];
    run(cross("ld").args(flags).arg(&image).arg(object));
    fs::read(image).expect("the image")
}

/// The image of `fixtures/functions.c` with debug information; `options` say at which level of optimisation.
pub(crate) fn gcc(options: &[&str]) -> Vec<u8> {
    let folder = Folder::new();
    let (source, object) = (folder.file("functions.c"), folder.file("functions.o"));
    fs::write(&source, include_str!("fixtures/functions.c")).expect("a source file");
    let flags = [
        "-c",
        "-ffreestanding",
        "-fno-pic",
        "-fno-stack-protector",
        "-gdwarf-4",
        "-gno-variable-location-views",
        "-fno-asynchronous-unwind-tables",
    ];
    let machine = ["-msoft-float", "-mcpu=power8", "-mcmodel=medium"];
    run(cross("gcc")
        .args(flags)
        .args(machine)
        .args(options)
        .arg("-o")
        .arg(&object)
        .arg(&source));
    link(&object)
}

/// What objdump says of some of an image's debug information.
pub(crate) fn dwarf<const N: usize>(image: &[u8], tables: [&str; N]) -> [String; N] {
    let folder = Folder::new();
    let path = folder.file("image");
    fs::write(&path, image).expect("a file");
    tables.map(|table| run(cross("objdump").arg(format!("--dwarf={table}")).arg(&path)))
}

/// The image of some assembly.
pub(crate) fn assembled(text: &str) -> Vec<u8> {
    let folder = Folder::new();
    let (source, object) = (folder.file("code.s"), folder.file("code.o"));
    fs::write(&source, text).expect("a source file");
    run(cross("as")
        .args(["-mpower10", "-a64", "-o"])
        .arg(&object)
        .arg(&source));
    link(&object)
}

/// The image of `fixtures/functions.rs` at one level of optimisation, with debug information.
pub(crate) fn rustc(level: u32) -> Vec<u8> {
    let folder = Folder::new();
    let object = folder.file("functions.o");
    let library = &kernel().library;
    let find = |name: &str| {
        let mut files = library
            .iter()
            .filter(|file| file.extension() == Some(OsStr::new("rmeta")));
        let found = files.find(|file| {
            file.file_name()
                .is_some_and(|file| file.to_string_lossy().starts_with(name))
        });
        found.unwrap_or_else(|| panic!("cargo built no {name}")).display()
    };
    let core = library[0].parent().expect("a folder");
    run(toolchain("rustc")
        .args([
            "--edition=2024",
            "--crate-type=lib",
            "--emit=obj",
            "--target",
            TARGET,
        ])
        .args([
            "-Zunstable-options",
            "-Ccodegen-units=1",
            "-Clink-dead-code=yes",
            "-Cdebuginfo=2",
        ])
        .args([
            "-Cdebug-assertions=no",
            "-Coverflow-checks=no",
            &format!("-Copt-level={level}"),
        ])
        .args(FLAGS)
        .arg(format!("--extern=noprelude:core={}", find("libcore-")))
        .arg(format!(
            "--extern=noprelude:compiler_builtins={}",
            find("libcompiler_builtins-")
        ))
        .arg("-L")
        .arg(format!("dependency={}", core.display()))
        .arg("-o")
        .arg(&object)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/scan/fixtures/functions.rs"
        )));
    link(&object)
}

/// The kernel, built with all debug information.
pub(crate) struct Kernel {
    /// The linked image, with no symbol table of its own.
    pub(crate) image: Vec<u8>,
    /// What cargo built of the library.
    library: Vec<PathBuf>,
}

/// Builds the kernel, once for each run of the tests; cargo builds what has changed since the last.
pub(crate) fn kernel() -> &'static Kernel {
    static KERNEL: OnceLock<Kernel> = OnceLock::new();
    KERNEL.get_or_init(|| {
        let folder = Folder::new();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scan-kernel");
        let messages = run(toolchain("cargo")
            .env("RUSTC", toolchain("rustc").get_program())
            .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
            .env("CARGO_PROFILE_KERNEL_DEBUG", "full")
            .args([
                "build",
                "--package=boot",
                "--profile=kernel",
                "--message-format=json",
                "-Zjson-target-spec",
            ])
            .args([
                "-Zbuild-std=core,alloc,compiler_builtins",
                "-Zbuild-std-features=compiler-builtins-mem",
            ])
            .args(["-Zprofile-rustflags", "--config"])
            .arg(r#"profile.kernel.package.kernel.rustflags=["-Clink-dead-code=yes"]"#)
            .args(["--target", TARGET, "--target-dir"])
            .arg(&target));
        // The names of files are the only strings in cargo's report with these endings.
        let files = messages
            .split('"')
            .filter(|text| text.ends_with(".rmeta") || text.ends_with(".a"));
        let files: Vec<PathBuf> = files.map(PathBuf::from).collect();
        let boot = files
            .iter()
            .rfind(|file| file.ends_with("libboot.a"))
            .expect("cargo built libboot.a");
        let path = folder.file("tocsin");
        run(cross("ld")
            .args([
                "--script",
                "boot/tocsin.ld",
                // The cases' code with all other.
                "--defsym=__cases_start=__text_end",
                "--defsym=__cases_end=__text_end",
                "--no-dynamic-linker",
                "--no-warn-rwx-segments",
                "-o",
            ])
            .arg(&path)
            .arg("--whole-archive")
            .arg(boot)
            .arg("--no-whole-archive")
            .current_dir(root()));
        let image = fs::read(&path).expect("the image");
        Kernel {
            image,
            library: files,
        }
    })
}

/// `cargo` or `rustc` of the first toolchain that can build the kernel, as `cargo xtask` chooses it: the one that
/// `TOCSIN_TOOLCHAIN` names by its folder, the one on the path, the distribution's.
fn toolchain(program: &str) -> Command {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let wish = env::var_os("TOCSIN_TOOLCHAIN").map(PathBuf::from);
        let active = sysroot(Path::new("rustc"));
        let mut candidates = wish.into_iter().chain(active).chain([PathBuf::from("/usr")]);
        let found = candidates.find(|folder| {
            let rustc = folder.join("bin/rustc");
            let library =
                sysroot(&rustc).map(|root| root.join("lib/rustlib/src/rust/library/core/src/lib.rs"));
            let version = Command::new(&rustc).arg("--version").output();
            let version = version.map_or_else(|_| String::new(), |output| text(&output.stdout));
            let minor = version
                .split('.')
                .nth(1)
                .and_then(|minor| minor.parse::<u32>().ok());
            let target = ["-Zunstable-options", "--print=cfg", "--target", TARGET];
            let cfg = Command::new(&rustc)
                .args(target)
                .env("RUSTC_BOOTSTRAP", "1")
                .current_dir(root())
                .output();
            let takes_target = cfg.is_ok_and(|output| output.status.success());
            minor >= Some(96) && library.is_some_and(|file| file.exists()) && takes_target
        });
        found.expect("a toolchain that builds the kernel; `cargo xtask setup` installs one")
    });
    let mut command = Command::new(folder.join("bin").join(program));
    // What the cargo that runs the tests left there is about another toolchain.
    for (name, _) in env::vars() {
        if (name.starts_with("CARGO") && name != "CARGO_HOME")
            || (name.starts_with("RUST") && name != "RUSTUP_HOME")
        {
            command.env_remove(name);
        }
    }
    command.env("RUSTC_BOOTSTRAP", "1").current_dir(root());
    command
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(text(&output.stdout).trim()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
