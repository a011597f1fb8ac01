//! The cross tools, called on files in a directory of their own. A tool that is missing is a failure, never a skip.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What gcc is told for modules.
pub(crate) const C_FLAGS: &[&str] = &[
    "-O2",
    "-ffreestanding",
    "-fno-pic",
    "-fno-stack-protector",
    "-fno-common",
    "-msoft-float",
    "-mcpu=power8",
    "-mcmodel=medium",
    "-pg",
    "-mprofile-kernel",
];

/// A fresh directory that belongs to the caller.
pub(crate) fn directory() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("module-{}-{number}", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&path).expect("a directory under the target directory");
    path
}

/// Runs one tool and gives its standard output.
pub(crate) fn run(tool: &str, arguments: &[&str]) -> String {
    let tool = format!("powerpc64le-linux-gnu-{tool}");
    let output = match Command::new(&tool).args(arguments).output() {
        Ok(output) => output,
        Err(error) => panic!("{tool} cannot be run ({error}); `cargo xtask setup` installs it"),
    };
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?} failed:\n{text}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn object(tool: &str, extension: &str, source: &str, arguments: &[&str]) -> Vec<u8> {
    let directory = directory();
    let (input, output) = (
        directory.join(format!("module.{extension}")),
        directory.join("module.o"),
    );
    std::fs::write(&input, source).expect("a source file");
    let [input, output] = [&input, &output].map(|path| path.to_str().expect("a path in UTF-8"));
    let mut all = arguments.to_vec();
    all.extend(["-o", output, input]);
    run(tool, &all);
    let bytes = std::fs::read(output).expect("the object");
    std::fs::remove_dir_all(directory).expect("the directory can go");
    bytes
}

/// Compiles C with the flags for modules, then `flags`.
pub(crate) fn c(source: &str, flags: &[&str]) -> Vec<u8> {
    let arguments: Vec<&str> = ["-c"].iter().chain(C_FLAGS).chain(flags).copied().collect();
    object("gcc", "c", source, &arguments)
}

/// Assembles a module; `.modinfo` is put in front.
pub(crate) fn assembly(source: &str) -> Vec<u8> {
    let info =
        ".abiversion 2\n.section .modinfo,\"a\"\n.asciz \"name=assembly\"\n.asciz \"license=GPL\"\n.text\n";
    object("as", "s", &format!("{info}{source}\n"), &["-mpower10", "-a64"])
}

/// The object of `objects/calls.c` in one code model.
pub(crate) fn calls(model: &str) -> Vec<u8> {
    c(include_str!("objects/calls.c"), &[&format!("-mcmodel={model}")])
}

/// What rustc made of `objects/callee.rs`; the file's head says how.
pub(crate) fn rust() -> Vec<u8> {
    let info = ".section .modinfo,\"a\"\n.asciz \"name=callee\"\n.asciz \"license=GPL\"\n";
    object(
        "as",
        "s",
        &format!("{}{info}", include_str!("objects/callee.s")),
        &["-mpower8", "-a64"],
    )
}
