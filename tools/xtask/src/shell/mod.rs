//! The guest's shell, from the host: for a person at the terminal, for a script, or for programs that send lines one by one.
//!
//! | file | what |
//! |---|---|
//! | `terminal` | the terminal's raw mode, and its keys to the guest |
//! | `lines` | lines to the guest, and the frames that answer them |
//! | `script` | `--script`: a file of lines |
//! | `serve` | `--serve`: lines from a Unix socket |
//! | `guest` | `cargo xtask guest`: the other end of that socket |

mod guest;
mod lines;
mod script;
mod serve;
mod terminal;

pub(crate) use guest::{Arguments as GuestArguments, guest};
pub(crate) use lines::Answer;
pub(crate) use serve::default_socket;

use crate::console::Console;
use crate::machine::Machine;
use crate::qemu::{self, Input};
use crate::report::Report;
use crate::verdict::{End, Verdict};
use anyhow::Result;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

/// Who talks to the shell.
#[derive(Debug)]
pub(crate) enum Peer {
    /// The person at the terminal, or what is at our standard input in its place.
    Person,
    /// The lines of this file.
    Script(PathBuf),
    /// Whoever connects to this socket.
    Socket(PathBuf),
}

impl Peer {
    /// What the kernel is told of it.
    pub(crate) fn boot_argument(&self) -> &'static str {
        match self {
            Peer::Person => "shell",
            Peer::Script(_) | Peer::Socket(_) => "shell=script",
        }
    }
}

/// Boots into the shell, and ends with its status.
///
/// # Errors
/// Nothing could be booted.
pub(crate) fn run(
    machine: &Machine,
    limit: Option<Duration>,
    log: Option<&mut File>,
    peer: &Peer,
) -> Result<ExitCode> {
    match peer {
        Peer::Person => {
            let raw = terminal::Raw::enter();
            let mut screen = terminal::Screen::new(raw.is_some());
            let mut console = Console::raw(&mut screen, log);
            let end = boot(machine, limit, &mut console, Box::new(terminal::forward));
            let report = console.finish()?;
            drop(raw);
            Ok(closing(&report, &end))
        }
        Peer::Script(path) => {
            let script = script::read(path)?;
            let (sender, answers) = mpsc::channel();
            let (result_sender, result) = mpsc::channel();
            let mut screen = io::stderr();
            let mut console = Console::new(&mut screen, log).with_answers(sender);
            let work = move |input| {
                // Who does not wait for the result any more has an end of its own.
                _ = result_sender.send(script::run(&script, input, &answers));
            };
            let end = boot(machine, limit, &mut console, Box::new(work));
            let report = console.finish()?;
            // It comes at once: nothing answers the script any more.
            match result.recv_timeout(Duration::from_secs(5)) {
                Ok(Err(failure)) if report.panic.is_none() => {
                    eprintln!("FAILED: {failure}");
                    Ok(ExitCode::FAILURE)
                }
                _ => Ok(closing(&report, &end)),
            }
        }
        Peer::Socket(path) => {
            let listener = serve::Listener::bind(path)?;
            let (sender, answers) = mpsc::channel();
            let mut screen = io::stdout();
            let mut console = Console::new(&mut screen, log).with_answers(sender);
            let socket = listener.socket()?;
            let work = move |input| serve::run(&socket, input, &answers);
            let end = boot(machine, limit, &mut console, Box::new(work));
            Ok(closing(&console.finish()?, &end))
        }
    }
}

fn boot(machine: &Machine, limit: Option<Duration>, console: &mut Console<'_>, input: Input) -> End {
    qemu::boot(machine, limit, console, Some(input))
        .unwrap_or_else(|qemu::StartError(reason)| End::NotStarted(reason))
}

/// The shell's own status, or what kept it from having one.
fn closing(report: &Report, end: &End) -> ExitCode {
    match Verdict::of_shell(report, end) {
        Ok(status) => ExitCode::from(status),
        Err(verdict) => {
            verdict.print();
            verdict.exit_code()
        }
    }
}
