//! A debugger comes, looks, leaves, and comes again.

use end_to_end::has_gdb;

use crate::{Guest, has};

/// What GDB types to have itself interrupted, as by Ctrl-C, when the guest has run for so many seconds.
fn interrupt_after(seconds: u32) -> String {
    format!(
        "-ex 'python import os, signal, threading; gdb.events.cont.connect(lambda _: \
         threading.Timer({seconds}, lambda: os.kill(os.getpid(), signal.SIGINT)).start())'"
    )
}

/// The kernel waits, is looked at, goes on, and passes.
#[test]
fn a_debugger_comes_looks_and_leaves() {
    if !has_gdb() {
        return;
    }
    let guest = Guest::boot(&["--kgdb=wait", "--case", "selftest::*"]);
    let said = guest.debug(
        "-ex 'info threads' -ex 'info registers pc msr cr' -ex 'x/2gx 8' -ex 'p $r20' -ex 'set $r20 = $r20 + 1' \
         -ex 'p $r20 - 1' -ex 'set $r20 = $r20 - 1' -ex 'print *(int*)&boot_main' -ex 'monitor lsmod' \
         -ex 'monitor nonsense' -ex 'watch *(long*)0x400000' -ex 'stepi' -ex 'detach'",
    );
    has(
        &said,
        &[
            "(boot, asleep)",
            "(idle/0, on CPU 0)",
            "(kgdb, waits)",
            "Cannot access memory at address 0x8",
            "Module                  Size  Used by",
            "nonsense: command not found",
            "detached]",
        ],
    );
    let value = |name| said.lines().find_map(|line| Some(line.split_once(name)?.1));
    assert_eq!(value("$1 = "), value("$2 = "), "r20 and r20 + 1 - 1:\n{said}");
    let (status, output) = guest.talk.listen();
    assert_eq!(status, Some(0), "{output}\n{said}");
    has(&output, &["PASSED: 1 passed"]);
}

/// Ctrl-C, detach, and another debugger, four times, on one CPU and on four; the shell goes on in between.
#[test]
fn ctrl_c_stops_and_another_debugger_may_come() {
    if !has_gdb() {
        return;
    }
    for cpus in ["1", "4"] {
        let mut guest = Guest::shell(&["--smp", cpus]);
        for round in 0..2 {
            let said = guest.debug(&format!(
                "{} -ex 'continue' -ex 'thread apply all bt 1' -ex 'thread 2' -ex 'stepi' -ex 'detach'",
                interrupt_after(2)
            ));
            has(&said, &["received signal SIGINT", "(shell, asleep)", "detached]"]);
            guest.is_alive(&format!("alive-{round}"));
        }
    }
}

/// A debugger that goes without a word, in the middle of a stop, does not keep the next one out.
#[test]
fn a_debugger_that_is_lost_is_replaced() {
    if !has_gdb() {
        return;
    }
    let mut guest = Guest::shell(&[]);
    let said = guest.debug("-ex 'break kernel::thread::scheduler::schedule' -ex 'continue' -ex 'python os = __import__(\"os\"); os._exit(0)'");
    has(&said, &["hit Breakpoint"]);
    let said = guest.debug("-ex 'info threads' -ex 'detach'");
    has(&said, &["(shell, ", "detached]"]);
    guest.is_alive("alive");
}
