//! The loop: a line, its commands, the next line.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use kernel_core::shell::{Editor, Event, Frame, INTERRUPT, When, parse};

use super::Peer;
use super::completion::complete;
use super::context::{Context, MISUSE, SUCCESS};
use super::input::Input;
use super::job;
use crate::{logging, print, println};

/// What a person sees in front of a line.
const PROMPT: &str = "tocsin# ";
/// Longest line that a program may send, in bytes.
const PROGRAM_LINE: usize = 64 << 10;
/// Ctrl-D.
const END_OF_INPUT: u8 = 4;

/// The shell.
pub(super) struct Session {
    peer: Peer,
    input: Input,
    /// Of the last command.
    status: i32,
    folder: String,
    history: Vec<String>,
}

/// Prints on the console, at once.
struct Screen;

impl Write for Screen {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        print!("{text}");
        Ok(())
    }
}

impl Session {
    pub(super) fn new(peer: Peer) -> Self {
        Session {
            peer,
            input: Input::of(peer),
            status: SUCCESS,
            folder: String::from("/"),
            history: Vec::new(),
        }
    }

    /// Executes lines until somebody ends the shell; answers its status.
    pub(super) fn run(mut self) -> u8 {
        match self.peer {
            Peer::Person => self.talk(),
            Peer::Program => self.serve(),
            // It has no line of its own.
            Peer::Debugger => 0,
        }
    }

    fn talk(&mut self) -> u8 {
        println!("This is Tocsin's shell. 'help' says what there is, 'exit' ends it, and the machine.");
        let mut editor = Editor::new(PROMPT);
        loop {
            editor.start(&mut Screen);
            let mut printed = logging::printed();
            logging::set_line_open(true);
            let line = loop {
                let byte = self.input.next(&mut || {
                    if printed != logging::printed() {
                        printed = logging::printed();
                        editor.redraw(&mut Screen);
                    }
                });
                let folder = self.folder.as_str();
                match editor.feed(byte, &mut |before| complete(before, folder), &mut Screen) {
                    Event::None => {}
                    Event::Line(line) => break line,
                    Event::Interrupted => {
                        self.status = 130;
                        break String::new();
                    }
                    Event::EndOfInput => return 0,
                }
            };
            logging::set_line_open(false);
            self.history = editor.history();
            if let Some(status) = self.execute(&line) {
                return status;
            }
        }
    }

    fn serve(&mut self) -> u8 {
        println!("{}", Frame::Ready);
        loop {
            let Some(line) = self.receive() else { return 0 };
            let exit = self.execute(&line);
            println!("{}", Frame::End(self.status));
            if let Some(status) = exit {
                return status;
            }
        }
    }

    /// A line as a program sends it; `None`: there are no more.
    fn receive(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            match self.input.next(&mut || {}) {
                b'\n' => return Some(String::from_utf8_lossy(&bytes).into_owned()),
                INTERRUPT => bytes.clear(),
                END_OF_INPUT if bytes.is_empty() => return None,
                byte if bytes.len() < PROGRAM_LINE => bytes.push(byte),
                _ => {}
            }
        }
    }

    /// Executes a line; the status with which the shell shall end, if it shall.
    pub(super) fn execute(&mut self, line: &str) -> Option<u8> {
        let commands = match parse(line, self.status) {
            Ok(commands) => commands,
            Err(error) => {
                let mut context = Context::new(self.peer);
                context.complain(format_args!("sh: {error}"));
                // There is no file that could refuse it.
                let _ = context.streams.finish();
                self.status = MISUSE;
                return None;
            }
        };
        if commands.is_empty() && self.peer == Peer::Program {
            // There is nothing that could have failed.
            self.status = SUCCESS;
        }
        for command in &commands {
            let is_due = match command.when {
                When::Always => true,
                When::AfterSuccess => self.status == SUCCESS,
                When::AfterFailure => self.status != SUCCESS,
            };
            if !is_due {
                continue;
            }
            let mut context = Context::new(self.peer);
            context.folder.clone_from(&self.folder);
            if command.words[0].text == "history" {
                context.history.clone_from(&self.history);
            }
            let ended = job::run(command, context, &mut self.input);
            self.status = ended.status;
            if let Some(context) = ended.context {
                self.folder = context.folder;
                if context.exit.is_some() {
                    return context.exit;
                }
            }
            if super::input::is_interrupted() {
                super::input::set_interrupted(false);
                break;
            }
        }
        None
    }
}
