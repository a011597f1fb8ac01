//! The kernel's own cases, on every machine that the kernel is for: one test each.

use end_to_end::run;

/// Boots, and wants every case as expected.
#[track_caller]
fn passes(options: &[&str]) {
    let ended = run(options);
    ended.expect(0, &[]);
    assert!(
        ended.output.contains("\nPASSED: "),
        "there is no verdict:\n{}",
        ended.output
    );
}

#[test]
fn power8() {
    passes(&["--cpu", "power8"]);
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

#[test]
fn power9_by_instructions() {
    passes(&["--cpu", "power9", "--icount"]);
}

#[test]
fn power9_with_four_processors() {
    passes(&["--cpu", "power9", "--smp", "4"]);
}
