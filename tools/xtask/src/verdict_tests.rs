use super::{End, Kind, Verdict};
use crate::report::Report;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

const GOOD: &str =
    "KTAP version 1\n1..2\nok 1 a::b\nok 2 a::c\n# Totals: pass:2 fail:0 skip:0\nEXIT: STATUS=0";

fn ended(code: i32, complaints: &str) -> End {
    End::Ended {
        status: ExitStatus::from_raw(code << 8),
        complaints: complaints.into(),
    }
}

fn timed_out() -> End {
    End::TimedOut {
        limit: Duration::from_secs(7),
        complaints: String::new(),
    }
}

fn verdict(console: &str, end: &End) -> Verdict {
    let mut report = Report::default();
    console.lines().for_each(|line| report.line(line));
    Verdict::of(&report, end)
}

/// Asserts the kind, and that the message has these words.
fn check(console: &str, end: &End, kind: Kind, words: &str) {
    let verdict = verdict(console, end);
    assert_eq!(verdict.kind, kind, "{}", verdict.message);
    assert!(
        verdict.message.contains(words),
        "{words:?} is not in {:?}",
        verdict.message
    );
}

#[test]
fn all_as_expected() {
    check(GOOD, &ended(0, ""), Kind::Passed, "2 passed, 0 failed, 0 skipped");
    let noisy = format!("SLOF ****\n{}", GOOD.replace("ok 2", "livepatch: enabling\nok 2"));
    check(&noisy, &ended(0, "warning"), Kind::Passed, "2 passed");
}

#[test]
fn a_store_that_the_guest_cannot_notice_is_qemus_to_tell() {
    let complaint =
        "Invalid read at addr 0x10, size 8\nInvalid write at addr 0x21000000, size 8, region '(null)'";
    check(GOOD, &ended(0, complaint), Kind::Passed, "2 passed");
    let blind = format!(
        "[    0.000001] memory: {}\n{GOOD}",
        kernel_core::ktap::LOST_STORES
    );
    check(
        &blind,
        &ended(0, "Invalid read at addr 0x10"),
        Kind::Passed,
        "2 passed",
    );
    check(
        &blind,
        &ended(0, complaint),
        Kind::CasesFailed,
        "outside RAM, and only QEMU noticed: Invalid write at addr 0x21000000",
    );
}

#[test]
fn a_skip_is_not_a_pass() {
    let skipped = GOOD.replace("ok 2 a::c", "ok 2 a::c # SKIP power10 only");
    check(&skipped, &ended(0, ""), Kind::CasesFailed, "counted 2 passed");
    let honest = skipped.replace("pass:2 fail:0 skip:0", "pass:1 fail:0 skip:1");
    check(
        &honest,
        &ended(0, ""),
        Kind::Passed,
        "1 passed, 0 failed, 1 skipped",
    );
}

#[test]
fn nothing_started() {
    check(
        "",
        &End::NotStarted("there is no qemu".into()),
        Kind::NotStarted,
        "there is no qemu",
    );
    check("", &ended(1, "no such CPU"), Kind::NotStarted, "no such CPU");
}

#[test]
fn nothing_printed() {
    check("", &ended(0, ""), Kind::Silent, "printed nothing");
    check("\n  \n", &timed_out(), Kind::Silent, "nothing within 7 s");
}

#[test]
fn hung() {
    check("Tocsin", &timed_out(), Kind::Hung, "no case had begun");
    check("1..5", &timed_out(), Kind::Hung, "in the first of 5 cases");
    check(
        "1..5\nok 1 a\nok 2 b\nnoise",
        &timed_out(),
        Kind::Hung,
        "in case 3 of 5, the last one to end was b",
    );
    check(GOOD, &End::Lingered, Kind::Hung, "did not power the machine off");
}

#[test]
fn died() {
    check("1..2\nok 1 a", &ended(0, ""), Kind::Died, "in case 2 of 2");
    check("Tocsin", &ended(134, "abort"), Kind::Died, "QEMU says: abort");
    check(GOOD, &ended(1, ""), Kind::Died, "failed afterwards");
}

#[test]
fn panicked() {
    let console = "1..2\nok 1 a\nkernel panic: no memory\nkernel panic: again\nEXIT: STATUS=1";
    check(console, &ended(1, "OS terminated"), Kind::Panicked, "no memory");
    check("kernel panic: early", &timed_out(), Kind::Panicked, "early");
}

#[test]
fn cases_failed() {
    let one = GOOD
        .replace("ok 2 a::c", "not ok 2 a::c\n# read 3\n# and more")
        .replace("pass:2 fail:0", "pass:1 fail:1");
    check(
        &one.replace("STATUS=0", "STATUS=1"),
        &ended(0, ""),
        Kind::CasesFailed,
        "a::c: read 3",
    );
    check(&one, &ended(0, ""), Kind::CasesFailed, "1 of 2 failed");
}

#[test]
fn a_module_did_not_load() {
    let console = GOOD.replace("ok 2 a::c", "not ok 2 extra::00-x\n# unresolved symbol y");
    check(&console, &ended(0, ""), Kind::ModuleFailed, "unresolved symbol y");
}

#[test]
fn a_report_that_does_not_add_up() {
    for (from, to, words) in [
        ("1..2", "1..3", "3 cases were announced but 2 reported"),
        ("1..2", "", "without having announced"),
        ("1..2", "1..2\n1..2", "a second plan"),
        ("ok 2 a::c", "ok 3 a::c", "has the number 3"),
        ("ok 2 a::c", "ok 2 a::b", "a::b for the second time"),
        ("pass:2", "pass:3", "counted 3 passed"),
        ("# Totals: pass:2 fail:0 skip:0", "", "without its totals"),
        ("STATUS=0", "STATUS=1", "reports status 1"),
    ] {
        let console = GOOD.replace(from, to);
        assert_ne!(console, GOOD);
        check(&console, &ended(0, ""), Kind::CasesFailed, words);
    }
    let none = "KTAP version 1\n1..0\n# Totals: pass:0 fail:0 skip:0\nEXIT: STATUS=1";
    check(none, &ended(0, ""), Kind::CasesFailed, "no case ran");
    check(
        &none.replace("STATUS=1", "STATUS=0"),
        &ended(0, ""),
        Kind::CasesFailed,
        "no case ran",
    );
}
