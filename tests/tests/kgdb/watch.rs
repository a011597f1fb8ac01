//! Memory that is watched.

use std::io::Read as _;
use std::process::Command;

use end_to_end::has_gdb;

use crate::{Guest, READY, has};

/// Whether QEMU has the watchpoint registers of the processor: from 8.2 on.
fn can_watch() -> bool {
    let program = std::env::var_os("TOCSIN_QEMU").unwrap_or_else(|| "qemu-system-ppc64".into());
    let version = Command::new(program).arg("--version").output();
    let version = String::from_utf8_lossy(&version.expect("QEMU is there").stdout).into_owned();
    let number = version.split("version ").nth(1).expect("a version");
    let mut parts = number
        .split(['.', ' '])
        .map_while(|part| part.parse::<u32>().ok());
    (parts.next(), parts.next()) >= (Some(8), Some(2))
}

/// Memory that is watched stops who stores to it: here a parameter of a module in C, which the shell changes. A machine that
/// cannot watch says so.
#[test]
fn memory_is_watched_where_the_machine_can() {
    if !has_gdb() {
        return;
    }
    let mut guest = Guest::shell(&["--smp", "2"]);
    guest.talk.say("modprobe parameters; echo ready\r");
    guest.talk.hear("\nready");
    let (mut debugger, mut output) =
        guest.waiting_debugger(&format!("-ex 'watch an_int' {READY} -ex 'continue' -ex 'bt'"));
    if can_watch() {
        guest
            .talk
            .say("echo 5 > /sys/module/parameters/parameters/an_int\r");
    }
    let mut said = String::new();
    output.read_to_string(&mut said).expect("it is UTF-8");
    let mut errors = debugger.stderr.take().expect("its standard error");
    errors.read_to_string(&mut said).expect("it is UTF-8");
    debugger.wait().expect("it ends");
    if can_watch() {
        has(
            &said,
            &[
                "Hardware watchpoint 1: an_int",
                "Old value = -4",
                "New value = 5",
                "kernel::module::parameters",
            ],
        );
    } else {
        has(&said, &["Could not insert hardware watchpoint"]);
    }
    guest.is_alive("alive");
}
