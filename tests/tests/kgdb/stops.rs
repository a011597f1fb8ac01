//! What stops the kernel, and what is seen then.

use std::io::Read as _;
use std::process::Command;

use end_to_end::{DESIGNS, has_gdb};

use crate::{Guest, READY, has};

/// One call under each design is stepped through with the kernel's own steps, and the frames are compared with the truth at
/// every instruction; the case, which looks at what the calls return, passes.
#[test]
fn frames_are_the_truth_at_every_instruction_under_every_design() {
    if !has_gdb() {
        return;
    }
    let case = "livepatch::tests::a_patch_comes_and_goes_under_every_design";
    let guest = Guest::boot(&["--kgdb=wait", "--case", case]);
    // Patched, and afterwards.
    let calls = 2 * DESIGNS.len();
    let said = guest.debug(&format!(
        "-ex 'python CALLS={calls}; VIA=\"kernel::livepatch::tests::call\"' -x tests/gdb/witness.py -ex detach"
    ));
    for design in DESIGNS {
        let begin = format!("witness: {design}: 1 calls, ");
        let line = said.lines().find(|line| line.starts_with(&begin));
        let line = line.unwrap_or_else(|| panic!("no call under {design}:\n{said}"));
        println!("{line}");
        assert!(line.ends_with(" 0 mismatches"), "{said}");
    }
    let (status, output) = guest.talk.listen();
    assert_eq!(status, Some(0), "{output}\n{said}");
}

/// Breakpoints in a module that is not there yet, and on a site, while four CPUs run; the cases pass.
#[test]
fn breakpoints_stop_in_modules_and_on_all_cpus() {
    if !has_gdb() {
        return;
    }
    let guest = Guest::boot(&["--kgdb=wait", "--smp", "4", "--case", "situations::*"]);
    let said = guest.debug(
        "-ex 'set breakpoint pending on' -ex 'break target_plain' -ex 'continue' -ex 'bt' -ex 'info threads' \
         -ex 'finish' -ex 'delete' -ex 'detach'",
    );
    has(
        &said,
        &[
            "hit Breakpoint",
            "target_plain",
            "klp_target.c",
            "kernel::situations::tests::call_in_c",
            "thread_start",
            "Value returned is",
            "on CPU 0)",
            "on CPU 1)",
            "on CPU 2)",
            "on CPU 3)",
            "detached]",
        ],
    );
    let (status, output) = guest.talk.listen();
    assert_eq!(status, Some(0), "{output}\n{said}");
}

/// A breakpoint in a trampoline and one in a return helper stop there; one on a site keeps hooks away, by name: the case that
/// wants the site next fails for it.
#[test]
fn breakpoints_stop_in_trampolines_and_keep_hooks_from_sites() {
    if !has_gdb() {
        return;
    }
    let case = "livepatch::tests::a_patch_comes_and_goes_under_every_design";
    let guest = Guest::boot(&["--kgdb=wait", "--case", case]);
    // The site is the third instruction of a function with a TOC.
    let site = "(long)&'kernel::livepatch::tests::victim' + 8";
    let said = guest.debug(&format!(
        "-ex 'break ftrace_caller' -ex 'continue' -ex 'bt' -ex 'delete' \
         -ex 'break klp_return_helper' -ex 'continue' -ex 'bt' -ex 'delete' \
         -ex \"break *({site})\" -ex 'continue' -ex 'continue'"
    ));
    has(
        &said,
        &[
            "in ftrace_caller ()",
            "in klp_return_helper ()",
            "kernel::livepatch::tests::victim",
            "kernel::livepatch::tests::call",
        ],
    );
    let (status, output) = guest.talk.listen();
    assert_eq!(status, Some(8), "{output}\n{said}");
    has(
        &output,
        &["victim' cannot be hooked: a debugger has a breakpoint on its site"],
    );
}

/// A module in C crashes: the debugger shows where, and the thread then ends as it would have.
#[test]
fn a_crash_in_c_stops_where_it_is() {
    if !has_gdb() {
        return;
    }
    let mut guest = Guest::shell(&["--smp", "2"]);
    let (mut debugger, mut output) = guest.waiting_debugger(&format!(
        "{READY} -ex 'continue' -ex 'bt' -ex 'p $r3' -ex 'continue'"
    ));
    let mut said = String::new();
    // What it does next is to let the kernel go on, without which the shell hears nothing.
    guest.talk.say("modprobe crash\r");
    let process = debugger.id().to_string();
    guest.talk.hear("ended by a fault");
    // The second `continue` is interrupted, and the script's end detaches.
    _ = Command::new("kill").args(["-INT", &process]).status();
    output.read_to_string(&mut said).expect("it is UTF-8");
    debugger.wait().expect("it ends");
    has(
        &said,
        &[
            "received signal SIGSEGV",
            "crash_at",
            "crash_by",
            "crash.c",
            "= 8",
        ],
    );
    guest.talk.hear("null dereference: store to 0x8");
    guest.is_alive("alive");
}

/// A panic stops before it is reported.
#[test]
fn a_panic_stops_before_its_report() {
    if !has_gdb() {
        return;
    }
    let guest = Guest::boot(&["--kgdb=wait", "--smp", "4", "--append", "selftest=panic"]);
    let said = guest.debug("-ex 'continue' -ex 'bt' -ex 'monitor ps' -ex 'detach'");
    has(
        &said,
        &[
            "received signal SIGABRT",
            "kernel::panic::panic",
            "kernel::selftest::run",
            "nothing else may run",
        ],
    );
    let (status, output) = guest.talk.listen();
    assert_eq!(status, Some(7), "{output}\n{said}");
    has(&output, &["kernel panic: selftest=panic"]);
}
