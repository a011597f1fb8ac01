//! The shell on the console: for a person at a terminal, or for a program at the other end of the line.
//!
//! What a line means, and how it is typed, is in [`kernel_core::shell`]. Every command runs in a thread of its own, so that
//! the shell can look for Ctrl-C meanwhile, and so that a fault in a module ends only the command.
//!
//! | file | what |
//! |---|---|
//! | `session` | the loop: a line, its commands, the next line |
//! | `job` | one command, from its words to its status |
//! | `context` | what a command is given: streams, folder, time |
//! | `input` | bytes of the console |
//! | `completion` | what Tab offers |
//! | `command` | the table of commands |
//! | `files`, `modules`, `kernel`, `own` | the commands |

mod command;
mod completion;
mod context;
mod files;
mod input;
mod job;
mod kernel;
mod modules;
mod own;
mod session;
mod tests;

#[cfg(doc)]
use crate::kgdb;
use crate::{boot_arguments, power, thread};
use session::Session;

/// Who is at the other end of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A person: lines can be edited, and answers are text.
    Person,
    /// A program: lines come whole, and answers are frames.
    Program,
    /// A debugger, who has lines executed by `monitor`.
    Debugger,
}

/// Whether there shall be a shell, and for whom: the boot argument `shell`, or `shell=script`.
pub(crate) fn wanted() -> Option<Peer> {
    match boot_arguments::get("shell")? {
        "" => Some(Peer::Person),
        "script" => Some(Peer::Program),
        _ => None,
    }
}

/// Warns of a value that stands for nobody.
pub(crate) fn report_unknown() {
    if let (Some(value), None) = (boot_arguments::get("shell"), wanted()) {
        log::warn!(target: "boot", "boot argument 'shell={value}': the value is not script; there is no shell");
    }
}

/// Executes a line for a debugger. What it has to say goes to [`kgdb::said`].
pub(crate) fn execute_for_debugger(line: &str) {
    // Its end is the debugger's affair.
    let _ = Session::new(Peer::Debugger).execute(line);
}

/// Asks the command that runs to stop.
pub(crate) fn interrupt() {
    input::set_interrupted(true);
}

/// Runs the shell until somebody ends it, and with it the machine.
pub(crate) fn run(peer: Peer) -> ! {
    let shell = thread::spawn("shell", move || Session::new(peer).run());
    // The shell's own thread is not sacrificial: a fault in it is a panic.
    power::exit(shell.join().unwrap_or(1))
}
