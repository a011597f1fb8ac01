//! Machines with several processors: which of them the kernel uses, and what a reset of all of them shows.

use end_to_end::{Ended, finish, root, run, xtask};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

/// The cases that interrupt every processor, and see who is there.
const CASES: [&str; 2] = ["--case", "cpu::*"];

/// Boots, and wants the guest to say so many processors of so many.
#[track_caller]
fn uses(options: &[&str], used: usize, there: usize) -> Ended {
    let ended = run(&[&CASES, options].concat());
    ended.expect(0, &[]);
    let line = format!("cpu: {used} of {there} CPUs are online");
    assert!(
        ended.output.contains(&line),
        "{line:?} is not in:\n{}",
        ended.output
    );
    // Every case has been through with each of them.
    let interrupts = ended.output.lines().find(|line| line.starts_with("# cpu: "));
    let interrupts = interrupts.unwrap_or_default();
    assert_eq!(interrupts.matches('/').count(), used + 1, "{interrupts:?}");
    ended
}

#[test]
fn all_are_used() {
    uses(&["--smp", "4"], 4, 4);
    uses(&["--smp", "8", "--cpu", "power8"], 8, 8);
    uses(&["--smp", "3", "--firmware", "slof"], 3, 3);
    uses(&["--smp", "4", "--icount"], 4, 4);
    uses(&["--smp", "4", "--append", "entry=fdt"], 4, 4);
}

#[test]
fn all_are_used_without_a_hypervisor() {
    uses(&["--smp", "4", "--machine", "powernv9"], 4, 4);
    uses(&["--smp", "3", "--machine", "powernv10"], 3, 3);
}

#[test]
fn fewer_are_used_if_that_is_asked_for() {
    uses(&["--smp", "4", "--append", "cpus=2"], 2, 4);
    uses(&["--smp", "4", "--append", "cpus=1"], 1, 4);
    uses(&["--smp", "2", "--append", "cpus=8"], 2, 2);
}

#[test]
fn a_number_of_processors_that_is_none() {
    for value in ["0", "9", "many", "-1", ""] {
        let argument = format!("cpus={value}");
        let refusal = format!("boot argument {argument}: it takes a number from 1 to 8");
        run(&["--smp", "2", "--append", &argument]).expect(7, &[&refusal]);
    }
}

/// A guest with a monitor, which is told `command` when the guest has said `moment`.
fn told_by_monitor(options: &[&str], moment: &str, command: &str) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = folder.path().join("monitor");
    let qemu = format!(
        "exec qemu-system-ppc64 \"$@\" -monitor unix:{},server=on,wait=off",
        socket.display()
    );
    let mut command_line = xtask();
    command_line
        .arg("run")
        .args(options)
        .env("TOCSIN_QEMU", root().join("tests/fakes/qemu"))
        .env("FAKE_QEMU", qemu)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command_line.spawn().expect("the front door starts");
    let mut console = BufReader::new(child.stdout.take().expect("its standard output"));
    let mut output = String::new();
    while !output.contains(moment) && console.read_line(&mut output).expect("it is UTF-8") != 0 {}
    if output.contains(moment) {
        let mut monitor = UnixStream::connect(&socket).expect("the monitor listens");
        writeln!(monitor, "{command}").expect("the monitor reads");
        // Until it has done it: the connection's end would end it.
        console.read_to_string(&mut output).expect("it is UTF-8");
    }
    let Ended { status, errors, .. } = finish_child(child);
    Ended {
        status,
        output,
        errors,
    }
}

fn finish_child(mut child: std::process::Child) -> Ended {
    let mut errors = String::new();
    let mut stream = child.stderr.take().expect("its standard error");
    stream.read_to_string(&mut errors).expect("it is UTF-8");
    Ended {
        status: child.wait().expect("it ends").code(),
        output: String::new(),
        errors,
    }
}

/// A reset of the whole machine is reported by each processor, in one piece, and the run goes on.
#[track_caller]
fn a_reset_shows_where_each_is(options: &[&str]) {
    const WAITS: &str = "selftest=reset: waiting for a system reset of every CPU";
    let options = [
        &["--smp", "4", "--append", "selftest=reset", "--timeout", "120"],
        &CASES[..],
        options,
    ];
    let ended = told_by_monitor(&options.concat(), WAITS, "nmi");
    ended.expect(0, &[]);
    let output = &ended.output;
    assert!(
        output.contains("selftest=reset: every CPU has come back"),
        "{output}"
    );
    let reports: Vec<_> = output.split("system reset of CPU ").skip(1).collect();
    let mut numbers: Vec<_> = reports.iter().filter_map(|report| report.get(..1)).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["0", "1", "2", "3"], "{output}");
    for report in reports {
        let mut lines = report.lines().skip(1);
        assert_eq!(lines.next(), Some("Call trace:"), "{output}");
        assert_eq!(
            lines.next(),
            Some("  --- interrupted by vector 0x100"),
            "{output}"
        );
        let frames: Vec<_> = lines.take_while(|line| line.starts_with("  ")).collect();
        let is_exact = |frame: &&str| frame.starts_with("  0x") && !frame.contains("? ");
        assert!(
            frames.iter().all(is_exact),
            "a trace is not exact: {frames:#?}\n{output}"
        );
        let outermost = frames.last().copied().unwrap_or_default();
        assert!(
            outermost.contains("_start+"),
            "a trace ends early: {frames:#?}\n{output}"
        );
    }
}

#[test]
fn a_reset_shows_where_every_processor_is() {
    a_reset_shows_where_each_is(&[]);
    a_reset_shows_where_each_is(&["--cpu", "power8"]);
}

#[test]
fn a_reset_without_a_hypervisor_shows_where_every_processor_is() {
    a_reset_shows_where_each_is(&["--machine", "powernv9"]);
    a_reset_shows_where_each_is(&["--machine", "powernv10"]);
}

#[test]
fn a_panic_with_several_processors() {
    let ended = run(&["--smp", "4", "--append", "selftest=panic"]);
    ended.expect(7, &["FAILED: the guest panicked: selftest=panic"]);
    assert!(
        ended.output.contains("in thread 'boot' on CPU 0"),
        "{}",
        ended.output
    );
    assert!(!ended.output.contains("could not be stopped"), "{}", ended.output);
}

/// The kernel has room for eight; the front door offers no more, so QEMU is told behind its back.
#[test]
fn more_than_can_be_used() {
    let more = "exec qemu-system-ppc64 \"$@\" -smp 9";
    let ended = finish(
        xtask()
            .arg("run")
            .args(["--smp", "1"])
            .args(CASES)
            .env("TOCSIN_QEMU", root().join("tests/fakes/qemu"))
            .env("FAKE_QEMU", more),
    );
    ended.expect(0, &[]);
    for words in [
        "the machine has 9 CPUs; 8 of them are used",
        "8 of 9 CPUs are online",
    ] {
        assert!(ended.output.contains(words), "{words:?}:\n{}", ended.output);
    }
}
