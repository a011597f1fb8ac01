//! `--gdb`: the line that the front door prints is typed as it stands, and the guest waits for it. What GDB is taught
//! (`tools/gdb`) is tried with a real GDB, by scripts in `tests/gdb` that it runs.

mod crash;
mod frames;
mod session;
mod threads;

use end_to_end::debugged::{Waiting, wait_for_debugger};
use end_to_end::{finish, root, xtask};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a debugged run came out.
struct Debugged {
    /// What the debugger said.
    said: String,
    /// The run's exit status.
    status: Option<i32>,
    /// What the guest printed.
    output: String,
}

/// Boots a guest that waits for a debugger, and types the line that the front door prints with `more` behind it.
fn debug(options: &[&str], more: &str) -> Debugged {
    let Waiting {
        mut run,
        line,
        errors: _errors,
    } = wait_for_debugger(600, options);
    let typed = format!("{} -batch {more}", line.trim());
    let debugger = finish(
        Command::new("sh")
            .args(["-c", &typed])
            .current_dir(root())
            .stdin(Stdio::null()),
    );
    let mut output = String::new();
    run.stdout
        .take()
        .expect("its standard output")
        .read_to_string(&mut output)
        .expect("it is UTF-8");
    let status = run.wait().expect("it ends");
    Debugged {
        said: debugger.output + &debugger.errors,
        status: status.code(),
        output,
    }
}

/// Boots with these options, has GDB run a script of `tests/gdb` with these settings, and answers what it said: its lines
/// that begin with `word`, without it.
#[track_caller]
fn run_script(options: &[&str], settings: &str, script: &str, word: &str) -> Vec<String> {
    let run = debug(
        options,
        &format!("-ex 'python {settings}' -x tests/gdb/{script} -ex kill"),
    );
    let begin = format!("{word}: ");
    let lines = run.said.lines().filter_map(|line| line.strip_prefix(&begin));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    assert!(!lines.is_empty(), "{script} said:\n{}\n{}", run.said, run.output);
    for line in &lines {
        println!("{line}");
    }
    lines
}

/// Builds the ledger and its patch (`tests/gdb`) into a folder, and answers their files, the patch first.
fn ledger(folder: &Path) -> [String; 2] {
    ["ledger_patch", "ledger"].map(|name| {
        let source = format!("tests/gdb/{name}.c");
        let built = finish(xtask().args(["module", &source, "-o"]).arg(folder));
        built.expect(0, &[]);
        built.output.trim().to_owned()
    })
}

#[test]
fn the_printed_line_debugs_the_guest() {
    if !end_to_end::has_gdb() {
        return;
    }
    let run = debug(
        &["--case", "selftest::*"],
        "-ex 'printf \"first %#lx\\n\", $pc' -ex 'break boot_main' -ex continue -ex 'info symbol $pc' -ex detach",
    );
    let has = |text: &str| run.said.lines().any(|line| line.starts_with(text));
    // Before the kernel's first instructions the processor is big-endian, and QEMU's registers with it.
    assert!(has("first 0x100"), "{}", run.said);
    assert!(has("boot_main + "), "it did not stop in boot_main:\n{}", run.said);
    assert_eq!(run.status, Some(0), "{}", run.output);
    assert!(run.output.contains("PASSED: 1 passed"), "{}", run.output);
}
