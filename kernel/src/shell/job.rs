//! One command, from its words to its status.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::errno::Errno;
use kernel_core::glob;
use kernel_core::shell::{Command as Parsed, Redirect, Target, Word};
use kernel_core::tree::{absolute, parts};

use super::Peer;
use super::command::{Command, find};
use super::context::{Context, FAILURE, SUCCESS};
use super::input::{Input, is_interrupted, set_interrupted};
use super::own::show_help;
use crate::symbols::Symbolized;
use crate::thread::{self, Builder, Outcome, State};
use crate::{print, println, tree};

/// As every shell has them: no such command; stopped by Ctrl-C; ended by force; ended by a fault.
const NOT_FOUND: i32 = 127;
const STOPPED: i32 = 130;
const FORCED: i32 = 137;
const FAULTED: i32 = 139;

/// What is left when a command is over.
pub(super) struct Ended {
    pub(super) status: i32,
    /// `None` when it was ended by a fault.
    pub(super) context: Option<Context>,
}

/// Runs a command to its end.
pub(super) fn run(parsed: &Parsed, mut context: Context, input: &mut Input) -> Ended {
    let words: Vec<String> = parsed
        .words
        .iter()
        .flat_map(|word| expand(word, &context.folder))
        .collect();
    let result = redirect(&mut context, 0, parsed.output.as_ref())
        .and_then(|()| redirect(&mut context, 1, parsed.errors.as_ref()));
    let name = words.first().map_or("", String::as_str);
    let command = match (result, find(name)) {
        (Err(what), _) => return refused(context, FAILURE, &what),
        (_, None) => return refused(context, NOT_FOUND, &format!("{name}: command not found")),
        (_, Some(command)) => command,
    };
    set_interrupted(false);
    let peer = context.peer;
    let arguments = words[1..].to_vec();
    let job = Builder::new(command.name)
        .sacrificial()
        .spawn(move || work(command, context, &arguments));
    wait(job.thread(), peer, input);
    match job.join() {
        Ok(ended) => ended,
        Err(outcome) => {
            let mut context = Context::new(peer);
            let name = command.name;
            let status = match outcome {
                Outcome::OutOfTime { nip } => {
                    // First the name, then the console: both have locks.
                    let place = Symbolized(nip).to_string();
                    context.complain(format_args!("sh: {name}: ended by force, at {place}"));
                    FORCED
                }
                other => {
                    // As above.
                    let what = other.to_string();
                    context.complain(format_args!("sh: {name}: ended by a fault: {what}"));
                    FAULTED
                }
            };
            // There is no file that could refuse it.
            let _ = context.streams.finish();
            Ended {
                status,
                context: None,
            }
        }
    }
}

fn refused(mut context: Context, status: i32, what: &str) -> Ended {
    context.complain(format_args!("sh: {what}"));
    let _ = context.streams.finish();
    Ended {
        status,
        context: Some(context),
    }
}

/// The command's own thread.
fn work(command: &'static Command, mut context: Context, words: &[String]) -> Ended {
    let result = match words {
        [word] if word == "--help" => show_help(command, &mut context.out()).map(|()| SUCCESS),
        _ => (command.run)(&mut context, words),
    };
    let mut status = match result {
        Ok(status) => status,
        Err(Errno::Interrupted) => STOPPED,
        Err(error) => context.complain(format_args!("{}: {}", command.name, error.text())),
    };
    if let Err(error) = context.streams.finish() {
        context.complain(format_args!(
            "sh: {}: write error: {}",
            command.name,
            error.text()
        ));
        let _ = context.streams.finish();
        status = FAILURE;
    }
    if is_interrupted() {
        status = STOPPED;
    }
    Ended {
        status,
        context: Some(context),
    }
}

/// Waits for a job, and asks it to stop when Ctrl-C comes. One that does not is ended by the next one: what it has begun stays
/// as it is.
fn wait(job: &thread::Thread, peer: Peer, input: &mut Input) {
    /// Turns in which most commands are over.
    const EAGER: usize = 20;
    /// Ticks of the timebase: 2 ms.
    const PATIENCE: u64 = arch::time::TICKS_PER_SECOND / 500;
    /// Turns after which a person is told what else there is.
    const LONG: usize = 500;
    let (mut turns, mut asked) = (0, None);
    while job.state() != State::Ended {
        if input.look_for_interrupt() {
            if peer == Peer::Person {
                print!("^C\n");
            }
            if asked.is_some() {
                job.expire();
            }
            set_interrupted(true);
            asked = Some(turns);
        }
        turns += 1;
        if peer == Peer::Person && asked.is_some_and(|asked| turns == asked + LONG) {
            println!(
                "It does not stop. Ctrl-C once more ends it by force; what it has begun stays as it is."
            );
        }
        if turns < EAGER {
            thread::yield_now();
        } else {
            thread::sleep(PATIENCE);
        }
    }
}

/// Sends a stream where the line says.
fn redirect(context: &mut Context, stream: usize, redirect: Option<&Redirect>) -> Result<(), String> {
    let Some(Redirect { target, append }) = redirect else {
        return Ok(());
    };
    match target {
        Target::OtherStream => context.streams.send_along(stream),
        Target::File(word) => {
            let names = expand(word, &context.folder);
            let [name] = names.as_slice() else {
                return Err(format!("{}: ambiguous redirect", word.text));
            };
            let path = context.path(name);
            tree::check_writable(&path).map_err(|error| format!("{name}: {}", error.text()))?;
            context.streams.send_to_file(stream, &path, *append);
        }
    }
    Ok(())
}

/// What a word stands for: itself, or the paths that fit where it is a pattern and there are any.
fn expand(word: &Word, folder: &str) -> Vec<String> {
    let itself = Vec::from([word.text.clone()]);
    if !word.is_pattern {
        return itself;
    }
    let start = if word.text.starts_with('/') { "/" } else { "" };
    let mut found = Vec::from([start.to_string()]);
    for part in parts(&word.text) {
        let mut next = Vec::new();
        for shown in &found {
            let names = tree::list(&absolute(folder, shown)).unwrap_or_default();
            let mut add = |name: &str| {
                let slash = if shown.is_empty() || shown.ends_with('/') {
                    ""
                } else {
                    "/"
                };
                next.push([shown, slash, name].concat());
            };
            if part == "." || part == ".." {
                add(part);
            }
            names
                .iter()
                .filter(|(name, _)| glob::matches(part, name))
                .for_each(|(name, _)| add(name));
        }
        found = next;
    }
    if found.is_empty() { itself } else { found }
}

impl Context {
    /// The context of a line's first command.
    pub(super) fn new(peer: Peer) -> Self {
        Context {
            streams: super::context::Streams::new(peer),
            peer,
            folder: String::from("/"),
            history: Vec::new(),
            exit: None,
        }
    }
}
