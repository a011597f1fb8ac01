//! `--gdb`: the line that the front door prints is typed as it stands, and the guest waits for it.

use end_to_end::{finish, root, xtask};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

#[test]
fn the_printed_line_debugs_the_guest() {
    let mut run = xtask();
    run.args(["run", "--gdb", "--timeout", "120", "--case", "selftest::*"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut run = run.spawn().expect("the front door starts");
    let mut errors = BufReader::new(run.stderr.take().expect("its standard error"));
    let mut line = String::new();
    while !line.contains("target remote") {
        line.clear();
        assert_ne!(
            errors.read_line(&mut line).expect("it is UTF-8"),
            0,
            "it ended without a line for the debugger"
        );
    }

    let typed = format!(
        "{} -batch -ex 'break boot_main' -ex continue -ex 'info symbol $pc' -ex detach",
        line.trim()
    );
    let debugger = finish(
        Command::new("sh")
            .args(["-c", &typed])
            .current_dir(root())
            .stdin(Stdio::null()),
    );
    let mut output = String::new();
    run.stdout
        .take()
        .expect("its standard output")
        .read_to_string(&mut output)
        .expect("it is UTF-8");
    let status = run.wait().expect("it ends");
    assert!(status.success(), "{status}\n{output}\n{debugger:?}");

    assert!(
        debugger
            .output
            .lines()
            .any(|line| line.starts_with("boot_main + ")),
        "it did not stop in boot_main:\n{debugger:?}"
    );
    assert!(output.contains("PASSED: 1 passed"), "{output}");
}
