//! The real kernel where it goes wrong on purpose, is given something, or is looked at: the front door has to notice.

use end_to_end::{finish, run, run_module, xtask};
use std::fs;

#[test]
fn a_guest_that_prints_nothing() {
    run(&["--append", "selftest=silent", "--timeout", "5"]).expect(4, &["the guest printed nothing"]);
}

#[test]
fn a_guest_that_hangs() {
    run(&["--append", "selftest=hang", "--timeout", "5"])
        .expect(5, &["FAILED: the guest hung", "within 5 s"]);
}

#[test]
fn a_guest_that_dies() {
    run(&["--append", "selftest=die"]).expect(6, &["FAILED: the guest died"]);
}

#[test]
fn a_guest_that_panics() {
    let ended = run(&["--append", "selftest=panic"]);
    ended.expect(7, &["FAILED: the guest panicked: "]);
    let line = |words: &[&str]| {
        ended
            .output
            .lines()
            .any(|line| words.iter().all(|word| line.contains(word)))
    };
    assert!(
        line(&["kernel::", "+0x", ".rs:"]),
        "no frame has function, offset, file and line:\n{}",
        ended.output
    );
}

#[test]
fn a_guest_that_panics_while_it_panics() {
    run(&["--append", "selftest=double-panic"]).expect(7, &["FAILED: the guest panicked: "]);
}

#[test]
fn a_guest_that_takes_locks_in_the_wrong_order() {
    let panic = "FAILED: the guest panicked: lock Modules is taken after one that comes later";
    let ended = run(&["--append", "selftest=lock-order"]);
    ended.expect(7, &[panic]);
    // The function that does it may be inlined into the one that chooses.
    assert!(
        ended.output.contains(" kernel::selftest::"),
        "nobody knows who did:\n{}",
        ended.output
    );
}

#[test]
fn a_guest_that_faults() {
    run(&["--append", "selftest=fault"]).expect(7, &["FAILED: the guest panicked: "]);
}

/// What a thread does wrong that nobody can do without has the words that end another thread, and ends the run.
#[test]
fn a_guest_whose_boot_thread_does_what_it_must_not() {
    for (what, cause) in [
        (
            "stack-overflow",
            "stack overflow of thread 'boot': data storage at ",
        ),
        (
            "write-to-text",
            "write to text of function kernel::selftest::fault in thread 'boot': data storage at ",
        ),
        ("jump-to-data", "jump to data at 0x"),
        (
            "null",
            "null dereference: store to 0x8 in thread 'boot': data storage at ",
        ),
        ("outside-ram", "store outside RAM at 0x"),
    ] {
        let ended = run(&["--append", &format!("selftest={what}")]);
        ended.expect(7, &[&format!("FAILED: the guest panicked: {cause}")]);
        // The trace crosses from the emergency stack to the one that overflowed, of which it shows the newest part.
        let caller = match what {
            "stack-overflow" => "arch::trap::overflow_stack+",
            _ => "kernel::selftest::run+",
        };
        let (_, trace) = ended.output.split_once("Call trace:").unwrap_or_default();
        assert!(trace.contains(caller), "there is no trace:\n{}", ended.output);
    }
}

/// A POWER8 runs in real mode, where QEMU before 8.1 ignores such a store: then the front door must hear of it from QEMU.
#[test]
fn a_store_outside_ram_that_the_guest_cannot_notice() {
    let ended = run(&[
        "--cpu",
        "power8",
        "--append",
        "selftest=outside-ram",
        "--case",
        "selftest::*",
    ]);
    if ended
        .output
        .contains("stores outside RAM are lost without a word")
    {
        let words = "the guest stored outside RAM, and only QEMU noticed: Invalid write at addr 0x";
        ended.expect(8, &[words]);
    } else {
        ended.expect(7, &["FAILED: the guest panicked: store outside RAM at 0x"]);
    }
}

#[test]
fn a_case_that_fails() {
    let ended = run(&["--append", "selftest=fail", "--case", "selftest::*"]);
    ended.expect(
        8,
        &[
            "1 of 1 failed:",
            "selftest::fails_when_asked: asked for by selftest=fail",
        ],
    );
    run(&["--case", "selftest::*"]).expect(0, &[]);
}

#[test]
fn a_pattern_chooses_cases() {
    let ended = run(&["--case", "thread::*"]);
    ended.expect(0, &[]);
    let cases = ended.output.lines().filter(|line| line.starts_with("ok "));
    let names: Vec<_> = cases.filter_map(|line| line.split(' ').nth(2)).collect();
    assert!(
        !names.is_empty() && names.iter().all(|name| name.starts_with("thread::")),
        "{names:?}"
    );
}

#[test]
fn a_pattern_that_fits_nothing() {
    run(&["--case", "no::such::case"]).expect(8, &["no case ran: none has a name that matches"]);
}

#[test]
fn the_log_is_what_was_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log");
    let ended = run(&[
        "--case",
        "selftest::*",
        "--keep-log",
        log.to_str().expect("its name is UTF-8"),
    ]);
    ended.expect(0, &[]);
    let kept = fs::read_to_string(&log)
        .expect("the log is there")
        .replace('\r', "");
    assert_eq!(kept.trim_end(), ended.console().trim_end());
}

#[test]
fn the_readmes_modules() {
    for example in ["mine.rs", "mine.c", "patch_in_rust.rs", "patch_in_c.c"] {
        let ended = run_module(&format!("docs/examples/{example}"));
        ended.expect(0, &[]);
        assert!(
            ended.output.contains(" extra::00-"),
            "{example} is not reported:\n{}",
            ended.output
        );
    }
}

#[test]
fn a_module_that_is_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broken = folder.path().join("broken.ko");
    fs::write(&broken, "This is not an object file.\n").expect("a file");
    let path = broken.to_str().expect("its name is UTF-8");
    run(&["--case", "selftest::*", "--module", path]).expect(9, &["did not load", "extra::00-broken"]);
}

#[test]
fn what_does_not_compile_is_no_module() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let module = |name: &str, content: &str| {
        let source = folder.path().join(name);
        fs::write(&source, content).expect("a file");
        finish(xtask().arg("module").arg(&source).arg("-o").arg(folder.path()))
    };
    module("wrong.c", "int x = ;").expect(
        1,
        &["wrong.c:1", "error: expected expression", "does not compile"],
    );
    module("wrong.rs", "#![no_std] fn x( {")
        .expect(1, &["wrong.rs:1", "unclosed delimiter", "does not compile"]);
    let other_signature = r#"
        #![no_std]
        extern "C" fn other(argument: u32) -> u64 { argument.into() }
        pub fn patch() -> kernel::livepatch::KlpPatch {
            kernel::klp_patch! { name: "other", functions: { kernel::situations::b_reads_its_static => other } }
        }"#;
    module("other.rs", other_signature).expect(
        1,
        &[
            "mismatched types",
            "expected `u64`, found `u32`",
            "does not compile",
        ],
    );
    module("notes.txt", "").expect(1, &["notes.txt is neither"]);
    module("0wrong.c", "").expect(1, &["cannot be a module's name"]);
}
