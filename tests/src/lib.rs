//! What the end-to-end tests share: they call the front door's program as a user does, and read what it says.

pub mod debugged;
pub mod image;
pub mod remote;
pub mod talk;
pub mod unwinder;

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

/// The return designs, in the order in which the cases have them.
pub const DESIGNS: [&str; 5] = [
    "none",
    "mini-frame",
    "caller-frame",
    "livepatch-stack",
    "return-stack",
];

/// The workspace's folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `cargo xtask`: the program that `cargo xtask test` names, or built by cargo where a test is run alone.
#[must_use]
pub fn xtask() -> Command {
    let mut command = match env::var_os("TOCSIN_XTASK") {
        Some(program) => Command::new(program),
        None => {
            let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.args(["run", "--quiet", "--package", "xtask", "--"]);
            cargo
        }
    };
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// Whether there is a GDB. A test that needs one and has none says so, past the test runner, which would keep it to itself.
#[must_use]
pub fn has_gdb() -> bool {
    let is_there = Command::new("gdb-multiarch").arg("--version").output().is_ok();
    if !is_there {
        let name = thread::current().name().unwrap_or("a test").to_owned();
        // Nobody would listen to an error either.
        _ = writeln!(
            io::stderr(),
            "SKIPPED: {name}: there is no gdb-multiarch; tools/setup installs it"
        );
    }
    is_there
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// What it wrote to its standard output: for a run the guest's console, and the verdict when that is good.
    pub output: String,
    /// What it wrote to its standard error: the verdict when that is bad.
    pub errors: String,
}

/// Runs a command to its end.
#[must_use]
pub fn finish(command: &mut Command) -> Ended {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the command starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what it prints is UTF-8");
    Ended {
        status: status.code(),
        output: text(stdout),
        errors: text(stderr),
    }
}

/// Boots with these options of the front door.
#[must_use]
pub fn run(options: &[&str]) -> Ended {
    finish(xtask().arg("run").args(options))
}

/// Boots with a shell that runs a script of these lines.
///
/// # Panics
/// There is no room for a temporary file.
#[must_use]
pub fn script(text: &str, options: &[&str]) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("lines");
    fs::write(&file, text).expect("a file");
    finish(xtask().args(["run", "--script"]).arg(file).args(options))
}

/// Boots a stand-in for QEMU that is this piece of shell.
#[must_use]
pub fn run_fake(script: &str, options: &[&str]) -> Ended {
    let fake = root().join("tests/fakes/qemu");
    finish(
        xtask()
            .arg("run")
            .args(options)
            .env("TOCSIN_QEMU", fake)
            .env("FAKE_QEMU", script),
    )
}

/// Builds a module from this source, a path in the workspace, and boots with it.
#[must_use]
pub fn run_module(source: &str) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let built = finish(xtask().args(["module", source, "-o"]).arg(folder.path()));
    built.expect(0, &[]);
    let product = built.output.trim();
    run(&["--case", "selftest::*", "--module", product])
}

impl Ended {
    /// Asserts the exit status, and that the standard error has each of `words`.
    ///
    /// # Panics
    /// It is otherwise; the message has all that was printed.
    #[track_caller]
    pub fn expect(&self, status: i32, words: &[&str]) {
        let Self {
            status: found,
            output,
            errors,
        } = self;
        assert_eq!(*found, Some(status), "\n{output}\n{errors}");
        for word in words {
            assert!(
                errors.contains(word),
                "{word:?} is not in its errors:\n{output}\n{errors}"
            );
        }
    }

    /// The guest's lines: what was printed before the verdict.
    #[must_use]
    pub fn console(&self) -> &str {
        self.output.split("\nPASSED: ").next().unwrap_or_default()
    }
}
