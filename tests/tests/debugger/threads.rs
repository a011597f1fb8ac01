//! Threads that no CPU runs, and modules that come and go.

use std::fs;

use super::run_script;

#[test]
fn who_sleeps_in_c_is_traced_and_modules_symbols_come_and_go() {
    if !end_to_end::has_gdb() {
        return;
    }
    let case = "situations::tests::a_module_that_a_sleeping_c_returns_to_stays";
    let lines = run_script(&["--case", case], "DESIGNS=5", "asleep.py", "asleep");
    let designs = "none, mini-frame, caller-frame, livepatch-stack, return-stack; ";
    assert!(lines[0].starts_with(designs), "{lines:#?}");
}

#[test]
fn a_transition_that_waits_says_for_whom() {
    if !end_to_end::has_gdb() {
        return;
    }
    let case = "livepatch::busy_tests::who_is_busy_in_the_way_moves_when_it_has_left";
    let lines = run_script(&["--case", case], "pass", "stalled.py", "stalled");
    assert!(
        lines[0].starts_with("waits for thread 'busy inside' ("),
        "{lines:#?}"
    );
}

#[test]
fn who_was_interrupted_in_c_is_traced_through_the_exception() {
    if !end_to_end::has_gdb() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script");
    fs::write(&script, "modprobe endless\n").expect("it can be written");
    let script = script.to_str().expect("it is UTF-8");
    let lines = run_script(
        &["shell", "--script", script],
        "pass",
        "interrupted_c.py",
        "interrupted",
    );
    assert!(
        lines[0].starts_with("endless_init, from the handler and from thread "),
        "{lines:#?}"
    );
}
