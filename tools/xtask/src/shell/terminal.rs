//! The terminal's raw mode, and its keys to the guest.

use crate::interrupt;
use nix::sys::termios::{self, SetArg, Termios};
use std::io::{self, IsTerminal as _, Read as _, Write};
use std::process::ChildStdin;

/// Ctrl-]: ends everything, also when the guest does not listen.
const LEAVE: u8 = 0x1d;
/// Ctrl-D, which tells the guest that there is no more.
const END_OF_INPUT: u8 = 4;

/// The terminal gives every key at once and shows none. It is as it was before when this is dropped.
#[derive(Debug)]
pub(super) struct Raw(Termios);

impl Raw {
    /// `None` where our standard input is no terminal.
    pub(super) fn enter() -> Option<Self> {
        let stdin = io::stdin();
        let before = stdin
            .is_terminal()
            .then(|| termios::tcgetattr(&stdin).ok())
            .flatten()?;
        let mut raw = before.clone();
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(&stdin, SetArg::TCSADRAIN, &raw).ok()?;
        eprint!("Ctrl-] leaves the machine.\r\n");
        Some(Raw(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        _ = termios::tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.0);
    }
}

/// Our standard output.
#[derive(Debug)]
pub(super) struct Screen {
    /// The guest ends lines with `\n` alone, and a raw terminal wants more.
    adds_returns: bool,
}

impl Screen {
    pub(super) fn new(adds_returns: bool) -> Self {
        Screen { adds_returns }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut out = io::stdout().lock();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(text) if self.adds_returns => {
                    out.write_all(text)?;
                    out.write_all(b"\r\n")?;
                }
                _ => out.write_all(line)?,
            }
        }
        out.flush()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// Sends our standard input to the guest until either ends.
pub(super) fn forward(mut guest: ChildStdin) {
    let mut stdin = io::stdin().lock();
    let is_terminal = stdin.is_terminal();
    let mut buffer = [0; 1024];
    let mut last = b'\n';
    // An error is an end as well.
    while let Ok(count @ 1..) = stdin.read(&mut buffer) {
        let bytes = &buffer[..count];
        if is_terminal && bytes.contains(&LEAVE) {
            interrupt::leave();
            return;
        }
        if guest.write_all(bytes).and_then(|()| guest.flush()).is_err() {
            return;
        }
        last = bytes[count - 1];
    }
    let end: &[u8] = if last == b'\n' {
        &[END_OF_INPUT]
    } else {
        &[b'\n', END_OF_INPUT]
    };
    // A guest that has ended wants no end.
    _ = guest.write_all(end);
    _ = guest.flush();
    // QEMU must not see the end of its input before the guest has.
    loop {
        std::thread::park();
    }
}
