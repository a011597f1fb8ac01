//! The set-up: what it finds missing, whom it asks, and what it does about it.

use end_to_end::{Ended, finish, root};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

/// Runs the set-up on a machine that has nothing but a shell and these `fakes`.
fn bare(fakes: &[&str], arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = folder.path();
    for (name, target) in [
        ("bash", "/bin/bash"),
        ("env", "/usr/bin/env"),
        ("id", "/usr/bin/id"),
    ] {
        if !fakes.contains(&name) {
            symlink(target, home.join(name)).expect("a link");
        }
    }
    for fake in fakes {
        symlink(
            root()
                .canonicalize()
                .expect("the workspace")
                .join("tests/fakes")
                .join(fake),
            home.join(fake),
        )
        .expect("a link");
    }
    let mut setup = Command::new("/bin/bash");
    setup
        .arg(root().join("tools/setup"))
        .args(arguments)
        .stdin(Stdio::null());
    // Debian's Rust is found by its place, wherever PATH leads: a toolchain that is set is not asked for.
    setup
        .env_clear()
        .env("HOME", home)
        .env("PATH", home)
        .env("TOCSIN_TOOLCHAIN", "set");
    finish(setup.envs(environment.iter().copied()))
}

#[test]
fn on_this_machine_nothing_is_missing() {
    let ended = finish(Command::new(root().join("tools/setup")).arg("--check"));
    ended.expect(0, &[]);
    assert_eq!(ended.output, "Nothing is missing.\n");
}

#[test]
fn wrong_arguments_are_refused() {
    bare(&[], &["--what"], &[]).expect(2, &["unknown argument '--what'", "Usage"]);
}

#[test]
fn without_apt_the_packages_are_named() {
    for arguments in [&[][..], &["--yes"], &["--check"]] {
        let words = [
            "Missing:",
            "QEMU",
            "There is no apt-get here",
            "qemu-system-ppc",
            "gcc-powerpc64le-linux-gnu",
        ];
        bare(&[], arguments, &[]).expect(1, &words);
    }
}

#[test]
fn nobody_to_ask_means_no_installation() {
    let ended = bare(&["apt-get"], &[], &[]);
    ended.expect(
        1,
        &[
            "Nobody is at the terminal",
            "apt-get update && apt-get install --no-install-recommends",
            " qemu-system-ppc",
        ],
    );
    assert!(!ended.errors.contains("apt-get was called"), "{}", ended.errors);
}

#[test]
fn a_check_installs_nothing() {
    for arguments in [&["--check"][..], &["--check", "--yes"], &["--yes", "--check"]] {
        let ended = bare(&["apt-get"], arguments, &[("CI", "true")]);
        ended.expect(1, &["This installs it", "apt-get install"]);
        assert!(!ended.errors.contains("apt-get was called"), "{}", ended.errors);
    }
}

#[test]
fn with_leave_it_installs_and_looks_again() {
    for (arguments, environment) in [(&["--yes"][..], &[][..]), (&[], &[("CI", "true")])] {
        let ended = bare(&["apt-get"], arguments, environment);
        let words = [
            "apt-get was called: update",
            "apt-get was called: install -y",
            "gdb-multiarch",
            "did not bring all of it",
        ];
        ended.expect(1, &words);
    }
}

#[test]
fn without_rights_it_says_so() {
    let ended = bare(&["apt-get", "id"], &["--yes"], &[]);
    ended.expect(
        1,
        &[
            "root's rights",
            "no sudo",
            "apt-get install --no-install-recommends",
        ],
    );
    assert!(!ended.errors.contains("apt-get was called"), "{}", ended.errors);
}
