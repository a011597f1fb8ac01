//! `--gdb`: the line that the front door prints is typed as it stands, and the guest waits for it. What GDB is taught
//! (`tools/gdb`) is tried with a real GDB.

use end_to_end::{finish, root, xtask};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

/// The return designs, in the order in which the case has them.
const DESIGNS: [&str; 5] = [
    "none",
    "mini-frame",
    "caller-frame",
    "livepatch-stack",
    "return-stack",
];

/// Boots a guest that waits for a debugger, types the line that the front door prints with `more` behind it, and answers what
/// the debugger said, how the run ended, and what the guest printed.
fn debug(options: &[&str], more: &str) -> (String, Option<i32>, String) {
    let mut run = xtask();
    run.args(["run", "--gdb", "--timeout", "600"])
        .args(options)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut run = run.spawn().expect("the front door starts");
    let mut errors = BufReader::new(run.stderr.take().expect("its standard error"));
    let mut line = String::new();
    while !line.contains("target remote") {
        line.clear();
        assert_ne!(
            errors.read_line(&mut line).expect("it is UTF-8"),
            0,
            "it ended without a line for the debugger"
        );
    }
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
    (debugger.output + &debugger.errors, status.code(), output)
}

#[test]
fn the_printed_line_debugs_the_guest() {
    let (said, status, output) = debug(
        &["--case", "selftest::*"],
        "-ex 'break boot_main' -ex continue -ex 'info symbol $pc' -ex detach",
    );
    assert_eq!(status, Some(0), "{output}\n{said}");
    assert!(
        said.lines().any(|line| line.starts_with("boot_main + ")),
        "it did not stop in boot_main:\n{said}"
    );
    assert!(output.contains("PASSED: 1 passed"), "{output}");
}

/// Before the kernel's first instructions the processor is big-endian, and QEMU's registers with it.
#[test]
fn the_first_instruction_has_its_right_address() {
    let (said, _, _) = debug(
        &["--case", "selftest::*"],
        "-ex 'printf \"first %#lx\\n\", $pc' -ex kill",
    );
    assert!(said.lines().any(|line| line == "first 0x100"), "{said}");
}

/// One call under each design is stepped through, and the frames are compared with the truth at every instruction.
#[test]
fn frames_are_the_truth_at_every_instruction_under_every_design() {
    let case = "livepatch::tests::a_patch_comes_and_goes_under_every_design";
    let more = format!(
        "-ex 'python CALLS={}' -x tests/gdb/witness.py -ex kill",
        // Patched, and afterwards.
        2 * DESIGNS.len()
    );
    let (said, _, _) = debug(&["--case", case], &more);
    for design in DESIGNS {
        let begin = format!("witness: {design}: 1 calls, ");
        let line = said.lines().find(|line| line.starts_with(&begin));
        let line = line.unwrap_or_else(|| panic!("no call under {design}:\n{said}"));
        println!("{line}");
        assert!(line.ends_with(" 0 mismatches"), "{said}");
    }
}

/// A module's function is known by name before the module is there, and its symbols are when it comes.
#[test]
fn a_breakpoint_waits_for_its_module() {
    let (said, _, _) = debug(
        &["--case", "situations::*"],
        "-ex 'set breakpoint pending on' -ex 'break target_plain' -ex continue -ex 'tocsin modules' -ex bt -ex kill",
    );
    assert!(
        said.contains("target_plain") && said.contains("klp_target.c"),
        "{said}"
    );
    assert!(said.contains("klp_target.ko"), "{said}");
}

/// Every command answers from a guest that has crashed.
#[test]
fn a_crashed_guest_answers() {
    let (said, _, _) = debug(
        &["--append", "selftest=panic"],
        "-ex 'break kernel::panic::panic' -ex continue -ex 'tocsin log' -ex 'tocsin threads bt' \
         -ex 'klp status' -ex 'klp frames' -ex 'tocsin sites' -ex bt -ex kill",
    );
    for part in ["thread_start", "no patch is enabled", " records", " sites"] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}
