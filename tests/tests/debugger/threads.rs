//! Threads that no CPU runs, and modules that come and go.

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
