//! `cargo xtask linux-selftests` without Linux: that it says so when its source is not to be had, and that a wrong log is noticed,
//! with modules and scripts of our own. With Linux's, where they can be fetched, CI runs it.

use end_to_end::{finish, root, xtask};
use std::fs;

#[test]
fn without_linux_nothing_is_tested_and_nothing_passes() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = finish(xtask().arg("linux-selftests").env("TOCSIN_LINUX", folder.path()));
    assert_eq!(ended.status, Some(77), "{}{}", ended.output, ended.errors);
    assert!(
        ended.errors.contains("NOT RUN: Linux's source is not to be had"),
        "{}",
        ended.errors
    );
    assert!(!ended.output.contains("PASSED"), "{}", ended.output);
}

/// As Linux's scripts are written: of the log, the lines with `livepatch:` are compared. The second scenario expects a line that
/// does not come; the third is not reached.
const SCRIPT: &str = r#"#!/bin/bash
. $(dirname $0)/functions.sh

setup_config

start_test "as expected"

load_mod klp_target
load_lp klp_patch
disable_lp klp_patch
unload_lp klp_patch
unload_mod klp_target

check_result "livepatch: enabling patch 'klp_patch'
livepatch: 'klp_patch': initializing patching transition
livepatch: 'klp_patch': starting patching transition
livepatch: 'klp_patch': completing patching transition
livepatch: 'klp_patch': patching complete
livepatch: 'klp_patch': initializing unpatching transition
livepatch: 'klp_patch': starting unpatching transition
livepatch: 'klp_patch': completing unpatching transition
livepatch: 'klp_patch': unpatching complete"

start_test "otherwise"
echo "livepatch: one" > /dev/kmsg
check_result "livepatch: two"

start_test "not reached"
check_result ""

exit 0
"#;

#[test]
fn a_log_that_is_not_as_expected_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let part = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).expect("a folder");
        path
    };
    let modules = part("lib/livepatch");
    part("samples/livepatch");
    for name in ["klp_target.c", "klp_patch.c"] {
        fs::copy(root().join("tests/modules").join(name), modules.join(name)).expect("a copy");
    }
    let scripts = part("tools/testing/selftests/livepatch");
    for name in ["callbacks", "shadow-vars", "state", "ftrace", "sysfs"] {
        fs::write(scripts.join(format!("test-{name}.sh")), "exit 0\n").expect("a script");
    }
    fs::write(scripts.join("test-livepatch.sh"), SCRIPT).expect("a script");
    let ended = finish(xtask().arg("linux-selftests").env("TOCSIN_LINUX", folder.path()));
    assert_eq!(ended.status, Some(8), "{}{}", ended.output, ended.errors);
    for line in [
        "TEST: as expected ... ok",
        "TEST: otherwise ... not ok",
        "-livepatch: two",
        "+livepatch: one",
        "FAILED: 1 of 3 scenarios passed",
    ] {
        assert!(
            ended.output.lines().any(|found| found == line),
            "no line '{line}':\n{}{}",
            ended.output,
            ended.errors
        );
    }
}
