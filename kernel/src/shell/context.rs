//! What a command is given.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use kernel_core::errno::Errno;
use kernel_core::shell::Frame;
use kernel_core::tree::absolute;

use super::Peer;
use super::input::is_interrupted;
use crate::{kgdb, print, println, thread, tree};

/// The status of success, of failure, and of being called wrongly.
pub(super) const SUCCESS: i32 = 0;
pub(super) const FAILURE: i32 = 1;
pub(super) const MISUSE: i32 = 2;

/// Where a stream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To the peer, as output.
    Output,
    /// To the peer, as a complaint.
    Complaints,
    /// To one of the files.
    File(usize),
}

/// A file that gets, at the command's end, what the command has written.
#[derive(Debug)]
struct File {
    path: String,
    text: String,
    /// `>>`: behind what is there.
    append: bool,
}

/// The two streams of a command.
#[derive(Debug)]
pub(super) struct Streams {
    peer: Peer,
    targets: [Target; 2],
    files: Vec<File>,
    /// For a program: lines that have no end yet. For others it is empty.
    open: [String; 2],
}

impl Streams {
    pub(super) fn new(peer: Peer) -> Self {
        Streams {
            peer,
            targets: [Target::Output, Target::Complaints],
            files: Vec::new(),
            open: [String::new(), String::new()],
        }
    }

    /// Sends a stream, 0 or 1, to a file.
    pub(super) fn send_to_file(&mut self, stream: usize, path: &str, append: bool) {
        self.targets[stream] = Target::File(self.files.len());
        self.files.push(File {
            path: path.into(),
            text: String::new(),
            append,
        });
    }

    /// Sends a stream where the other one goes.
    pub(super) fn send_along(&mut self, stream: usize) {
        self.targets[stream] = self.targets[1 - stream];
    }

    fn write(&mut self, stream: usize, text: &str) -> fmt::Result {
        let kind = match self.targets[stream] {
            Target::File(file) => {
                self.files[file].text.push_str(text);
                return Ok(());
            }
            Target::Output => 0,
            Target::Complaints => 1,
        };
        if is_interrupted() && kind == 0 {
            return Err(fmt::Error);
        }
        match self.peer {
            Peer::Person => print!("{text}"),
            Peer::Debugger => kgdb::said(text),
            Peer::Program => {
                for piece in text.split_inclusive('\n') {
                    self.open[kind].push_str(piece);
                    if piece.ends_with('\n') {
                        self.send(kind);
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends an open line to the program.
    fn send(&mut self, kind: usize) {
        let line = core::mem::take(&mut self.open[kind]);
        let (text, ends) = line
            .strip_suffix('\n')
            .map_or((&*line, false), |text| (text, true));
        if text.is_empty() && !ends {
            return;
        }
        println!(
            "{}",
            match kind {
                0 => Frame::Output { text, ends },
                _ => Frame::Complaint { text, ends },
            }
        );
    }

    /// Sends what is not sent yet, and hands the files what is theirs.
    ///
    /// # Errors
    /// A file does not take it.
    pub(super) fn finish(&mut self) -> Result<(), Errno> {
        let mut result = Ok(());
        for file in core::mem::take(&mut self.files) {
            if !file.text.is_empty() {
                let hand = if file.append { tree::append } else { tree::write };
                result = result.and(hand(&file.path, &file.text));
            }
        }
        // What is said from here on goes to the peer.
        self.targets = [Target::Output, Target::Complaints];
        (0..2).for_each(|kind| self.send(kind));
        result
    }
}

/// One of the streams, to be written to.
pub(super) struct Stream<'a> {
    streams: &'a mut Streams,
    number: usize,
}

impl fmt::Write for Stream<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.streams.write(self.number, text)
    }
}

/// What a command is given, and how it ends.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) streams: Streams,
    pub(super) peer: Peer,
    /// The folder from which paths count.
    pub(super) folder: String,
    /// What was typed before, the oldest line first, for who asks.
    pub(super) history: Vec<String>,
    /// The shell shall end, with this status.
    pub(super) exit: Option<u8>,
}

impl Context {
    /// The output.
    pub(super) fn out(&mut self) -> Stream<'_> {
        Stream {
            streams: &mut self.streams,
            number: 0,
        }
    }

    /// Says what is wrong, in one line.
    pub(super) fn complain(&mut self, what: fmt::Arguments<'_>) -> i32 {
        let mut stream = Stream {
            streams: &mut self.streams,
            number: 1,
        };
        // A complaint that nobody takes changes nothing.
        let _ = writeln!(stream, "{what}");
        FAILURE
    }

    /// Says how a command was called wrongly.
    pub(super) fn misuse(&mut self, command: &str, what: fmt::Arguments<'_>) -> i32 {
        self.complain(format_args!("{command}: {what}; see 'help {command}'"));
        MISUSE
    }

    /// What a path means.
    pub(super) fn path(&self, path: &str) -> String {
        absolute(&self.folder, path)
    }

    /// Lets time pass, in ticks of the timebase.
    ///
    /// # Errors
    /// The command has been asked to stop.
    pub(super) fn sleep(&self, ticks: u64) -> Result<(), Errno> {
        /// Ticks after which somebody looks whether to stop: 10 ms.
        const SLICE: u64 = arch::time::TICKS_PER_SECOND / 100;
        let end = arch::time::timebase().saturating_add(ticks);
        loop {
            if is_interrupted() {
                return Err(Errno::Interrupted);
            }
            match end.saturating_sub(arch::time::timebase()) {
                0 => return Ok(()),
                left => thread::sleep(left.min(SLICE)),
            }
        }
    }
}
