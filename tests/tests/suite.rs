//! The kernel's own cases, on every machine that the kernel is for: one test each.

use end_to_end::{Ended, run};

/// Seconds for a run: with several processors on a host that has few it takes minutes.
const PATIENCE: [&str; 2] = ["--timeout", "900"];

/// Boots, and wants every case that is run as expected.
#[track_caller]
fn passes_what_it_can(options: &[&str]) -> Ended {
    let ended = run(&[options, &PATIENCE].concat());
    ended.expect(0, &[]);
    assert!(
        ended.output.contains("\nPASSED: "),
        "there is no verdict:\n{}",
        ended.output
    );
    ended
}

/// Boots, and wants every case as expected, and memory protected.
#[track_caller]
fn passes(options: &[&str]) -> Ended {
    let ended = passes_what_it_can(options);
    assert!(
        ended.output.contains(" 0 failed, 0 skipped"),
        "not every case was run:\n{}",
        ended.output
    );
    assert!(
        ended.output.contains("memory: protected: ") && ended.output.contains(", 0 W+X, "),
        "memory is not protected:\n{}",
        ended.output
    );
    ended
}

/// Without page tables that the kernel knows it says what it cannot do, and skips what is about that, and nothing else.
#[test]
fn power8() {
    const RUN: [&str; 3] = [
        "exceptions::tests::a_jump_to_what_is_no_code_is_named",
        "memory::tests::no_frame_of_the_kernel_is_larger_than_the_guard_below_a_stack",
        "memory::tests::an_address_is_said_to_be_somebodys",
    ];
    const PROTECTED: [&str; 3] = [
        "exceptions::tests::",
        "memory::tests::",
        "kgdb::tests::memory_that_is_protected_is_an_answer",
    ];
    let ended = passes_what_it_can(&["--cpu", "power8"]);
    let missing = "memory: memory is not protected: this processor has no radix tables. Text can be written";
    assert!(
        ended.output.contains(missing),
        "the log does not say so:\n{}",
        ended.output
    );
    // What this machine does with addresses outside RAM depends on QEMU's version: the log says which it is.
    let is_silent = ended
        .output
        .contains("stores outside RAM are lost without a word");
    for line in ended.output.lines().filter(|line| line.starts_with("ok ")) {
        let (name, skipped) = match line.split_once(" # SKIP ") {
            Some((name, reason)) => (name, Some(reason)),
            None => (line, None),
        };
        let name = name.split(' ').nth(2).unwrap_or_default();
        let wanted = match name {
            "exceptions::tests::a_store_outside_ram_is_named" => {
                is_silent.then_some("this machine does not report real addresses outside RAM")
            }
            _ if RUN.contains(&name) => None,
            _ if PROTECTED.iter().any(|start| name.starts_with(start)) => {
                Some("memory is not protected on this machine")
            }
            _ => None,
        };
        assert_eq!(skipped, wanted, "{line}");
    }
}

#[test]
fn power9() {
    passes(&["--cpu", "power9"]);
}

#[test]
fn power10() {
    passes(&["--cpu", "power10"]);
}

#[test]
fn powernv9() {
    passes(&["--machine", "powernv9"]);
}

#[test]
fn powernv10() {
    passes(&["--machine", "powernv10"]);
}

#[test]
fn power10_without_a_toc() {
    passes(&["--cpu", "power10", "--abi", "pcrel"]);
}

#[test]
fn power9_under_slof() {
    passes(&["--cpu", "power9", "--firmware", "slof"]);
}

/// Every word is the same the second time.
#[test]
fn power9_by_instructions() {
    let once = || passes(&["--cpu", "power9", "--icount"]).output;
    assert_eq!(once(), once());
}

#[test]
fn power9_with_two_processors() {
    passes(&["--cpu", "power9", "--smp", "2"]);
}

#[test]
fn power9_with_four_processors() {
    passes(&["--cpu", "power9", "--smp", "4"]);
}

/// More than most hosts have: whoever waits for another processor waits until the host lets that one run. So only what has
/// to do with other processors is run.
#[test]
fn power10_with_eight_processors() {
    for cases in [
        "ftrace::*",
        "livepatch::*",
        "module::tests::life::*",
        "sync::*",
        "thread::*",
    ] {
        passes(&["--cpu", "power10", "--smp", "8", "--case", cases]);
    }
}

#[test]
fn power8_with_three_processors() {
    passes_what_it_can(&["--cpu", "power8", "--smp", "3"]);
}

#[test]
fn power10_without_a_hypervisor_with_four_processors() {
    passes(&["--machine", "powernv10", "--smp", "4"]);
}
