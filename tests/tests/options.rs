//! The command line: what it offers and what it refuses.

use end_to_end::{finish, root, run, xtask};
use std::process::Command;

/// As the front door has promised them.
const OPTIONS: [&str; 16] = [
    "--machine",
    "--cpu",
    "--abi",
    "--smp",
    "--memory",
    "--firmware",
    "--append",
    "--module",
    "--case",
    "--timeout",
    "--gdb",
    "--icount",
    "--keep-log",
    "--script",
    "--serve",
    "--yes",
];

#[test]
fn help_lists_each_option_and_exit_status() {
    let ended = finish(Command::new(root().join("qemu-run.sh")).arg("--help"));
    ended.expect(0, &[]);
    for option in OPTIONS {
        assert!(
            ended.output.contains(option),
            "{option} is not in:\n{}",
            ended.output
        );
    }
    for status in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "130"] {
        let described = ended
            .output
            .lines()
            .any(|line| line.trim_start().starts_with(&format!("{status}  ")));
        assert!(
            described,
            "exit status {status} is not described in:\n{}",
            ended.output
        );
    }
}

#[test]
fn every_task_has_help() {
    for task in [
        "setup", "build", "run", "guest", "module", "test", "stress", "lint",
    ] {
        let ended = finish(xtask().args([task, "--help"]));
        ended.expect(0, &[]);
        assert!(
            ended.output.contains("Usage: cargo xtask"),
            "{task}:\n{}",
            ended.output
        );
    }
}

#[test]
fn values_that_are_none_are_refused_by_name() {
    for (options, words) in [
        (
            &["--cpu", "power7"][..],
            &["power7", "--cpu", "power8, power9, power10"][..],
        ),
        (&["--firmware", "uefi"], &["uefi", "vof, slof"]),
        (&["--smp", "0"], &["--smp", "0 is not in 1..=8"]),
        (&["--smp", "9"], &["--smp", "9 is not in 1..=8"]),
        (&["--smp", "many"], &["many", "--smp"]),
        (&["--memory", "12"], &["--memory", "128M to 64G"]),
        (&["--memory", "1X"], &["\"X\" is no unit"]),
        (&["--timeout", "0"], &["--timeout"]),
        (&["--timeout", "-3"], &["-3"]),
        (&["--case", ""], &["--case", "at least one character"]),
        (&["--case", "a b"], &["no spaces"]),
        (&["--machine", "g3"], &["g3", "pseries, powernv9, powernv10"]),
        (
            &["--machine", "powernv9", "--cpu", "power10"],
            &["--cpu power10", "has a power9"],
        ),
        (
            &["--machine", "powernv10", "--icount"],
            &["--icount", "--machine powernv10"],
        ),
        (&["--abi", "elfv1"], &["elfv1", "toc, pcrel"]),
        (
            &["--abi", "pcrel"],
            &["--abi pcrel", "power10", "power9 does not have"],
        ),
        (
            &["--abi", "pcrel", "--cpu", "power8"],
            &["--abi pcrel", "power8 does not have"],
        ),
        (&["--no-such-option"], &["--no-such-option"]),
        (&["stray"], &["stray", "shell"]),
        (&["shell", "--case", "a"], &["--case", "runs no cases"]),
        (&["--script", "x", "--serve"], &["--script", "--serve"]),
    ] {
        run(options).expect(2, words);
    }
}

#[test]
fn files_that_are_not_there_are_named() {
    run(&["--module", "no/such.ko"]).expect(1, &["no/such.ko"]);
    run(&["--keep-log", "no/such/folder/log"]).expect(1, &["no/such/folder/log"]);
}

#[test]
fn a_toolchain_that_does_not_fit_says_why() {
    let build = |toolchain: &str| finish(xtask().arg("build").env("TOCSIN_TOOLCHAIN", toolchain));
    build("no-such-toolchain").expect(1, &["TOCSIN_TOOLCHAIN=no-such-toolchain is neither"]);
    build("/etc").expect(1, &["/etc): has no bin/rustc", "1.96"]);
}
