//! A guest that waits for a debugger.

use crate::xtask;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

/// The front door, when it has printed the line for the debugger.
pub struct Waiting {
    /// The front door itself; its standard output has not been read.
    pub run: Child,
    /// The rest of its standard error.
    pub errors: BufReader<ChildStderr>,
    /// The line.
    pub line: String,
}

impl Waiting {
    /// Starts the front door, which has been told to print a line for a debugger.
    ///
    /// # Panics
    /// It ends without one.
    pub fn start(run: &mut Command) -> Waiting {
        let run = run.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut run = run.spawn().expect("the front door starts");
        let mut errors = BufReader::new(run.stderr.take().expect("its standard error"));
        let mut line = String::new();
        while !line.contains("target remote") {
            line.clear();
            let count = errors.read_line(&mut line).expect("it is UTF-8");
            assert_ne!(count, 0, "it ended without a line for the debugger");
        }
        Waiting { run, errors, line }
    }
}

/// Boots a guest for which QEMU waits for a debugger, with a time-out in seconds.
///
/// # Panics
/// It ends without a line for the debugger.
pub fn wait_for_debugger(timeout: u32, options: &[&str]) -> Waiting {
    Waiting::start(
        xtask()
            .args(["run", "--gdb", "--timeout", &timeout.to_string()])
            .args(options),
    )
}
