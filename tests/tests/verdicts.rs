//! What the front door makes of a machine that misbehaves, with a stand-in for QEMU.

use end_to_end::{finish, run_fake, xtask};
use std::fs;

const GOOD: &str =
    r"printf 'KTAP version 1\n1..1\nok 1 a::b\n# Totals: pass:1 fail:0 skip:0\nEXIT: STATUS=0\n'";

#[test]
fn a_good_report_is_good() {
    let ended = run_fake(GOOD, &[]);
    ended.expect(0, &[]);
    assert!(
        ended.output.contains("PASSED: 1 passed, 0 failed, 0 skipped"),
        "{}",
        ended.output
    );
}

#[test]
fn qemu_is_missing() {
    let ended = finish(xtask().arg("run").env("TOCSIN_QEMU", "no-such-qemu"));
    ended.expect(3, &["FAILED: QEMU did not start", "no-such-qemu", "tools/setup"]);
}

#[test]
fn qemu_does_not_start() {
    run_fake("echo 'no such machine' >&2; exit 1", &[])
        .expect(3, &["FAILED: QEMU did not start", "no such machine"]);
}

#[test]
fn the_guest_prints_nothing() {
    run_fake("exit 0", &[]).expect(4, &["FAILED: the guest printed nothing"]);
    run_fake("sleep 600", &["--timeout", "1"]).expect(4, &["the guest printed nothing within 1 s"]);
}

#[test]
fn the_guest_hangs() {
    let script = r"printf 'KTAP version 1\n1..3\nok 1 a::b\nstrange noise'; sleep 600";
    run_fake(script, &["--timeout", "1"]).expect(
        5,
        &[
            "FAILED: the guest hung: it did not end within 1 s",
            "in case 2 of 3",
            "a::b",
            "  | strange noise",
        ],
    );
}

#[test]
fn the_guest_hangs_behind_a_wrapper() {
    // What the wrapper started holds the console open, and must not outlive the run.
    run_fake("echo Tocsin; sleep 600 & wait", &["--timeout", "1"])
        .expect(5, &["the guest hung", "  | Tocsin"]);
}

#[test]
fn the_machine_stays_on() {
    run_fake(&format!("{GOOD}; sleep 600"), &[]).expect(5, &["did not power the machine off"]);
}

#[test]
fn the_guest_dies() {
    let ended = run_fake(
        r"printf '1..2\nok 1 a::b\n'; echo 'qemu: fatal' >&2; exit 134",
        &[],
    );
    ended.expect(
        6,
        &[
            "FAILED: the guest died",
            "134",
            "in case 2 of 2",
            "QEMU says: qemu: fatal",
        ],
    );
}

#[test]
fn the_guest_panics() {
    let ended = run_fake(
        r"printf '[    0.1] kernel panic: no memory\nEXIT: STATUS=1\n'; exit 1",
        &[],
    );
    ended.expect(7, &["FAILED: the guest panicked: no memory"]);
}

#[test]
fn a_case_fails() {
    let script = GOOD
        .replace("ok 1 a::b", "not ok 1 a::b\\n# read 7 instead of 5")
        .replace("pass:1 fail:0", "pass:0 fail:1");
    run_fake(&script, &[]).expect(8, &["1 of 1 failed", "a::b: read 7 instead of 5"]);
}

#[test]
fn a_case_is_missing() {
    run_fake(&GOOD.replace("1..1", "1..2"), &[]).expect(8, &["2 cases were announced but 1 reported"]);
    run_fake(&GOOD.replace("pass:1", "pass:2"), &[]).expect(8, &["the guest counted 2 passed"]);
}

#[test]
fn a_module_fails() {
    let script = GOOD.replace("ok 1 a::b", "not ok 1 extra::00-x\\n# not an ELF file");
    run_fake(&script, &[]).expect(
        9,
        &[
            "a module given with --module did not load",
            "extra::00-x: not an ELF file",
        ],
    );
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let noisy = GOOD.replace("KTAP version 1", r"\033[2J\tred\007\nKTAP version 1");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log");
    let ended = run_fake(&noisy, &["--keep-log", log.to_str().expect("its name is UTF-8")]);
    ended.expect(0, &[]);
    assert!(
        ended.output.contains("\\u{1b}[2J\tred\\u{7}\n"),
        "{}",
        ended.output
    );
    assert!(!ended.output.contains('\u{1b}'), "{}", ended.output);
    assert!(
        fs::read(&log)
            .expect("the log is there")
            .starts_with(b"\x1b[2J\tred\x07\n"),
        "the log is not byte for byte"
    );
}

#[test]
fn qemu_gets_what_the_options_say() {
    let script = format!("echo \"arguments: $*\"; {GOOD}");
    let arguments = |options: &[&str]| run_fake(&script, options).output;
    let plain = arguments(&[]);
    assert!(
        plain.contains("-M pseries,x-vof=on,") && plain.contains("-cpu power9 -smp 1 -m 512"),
        "{plain}"
    );
    let options = [
        "--cpu",
        "power8",
        "--smp",
        "4",
        "--memory",
        "1G",
        "--firmware",
        "slof",
        "--icount",
    ];
    let other = arguments(
        &[
            &options[..],
            &["--case", "a::*", "--append", "log=debug klp.unsafe"],
        ]
        .concat(),
    );
    for part in [
        "-M pseries,cap-",
        "-cpu power8 -d guest_errors",
        "-smp 4 -m 1024",
        "-icount shift=",
        "case=a::* icount=3 log=debug klp.unsafe",
    ] {
        assert!(other.contains(part), "{part:?} is not in {other}");
    }
}
