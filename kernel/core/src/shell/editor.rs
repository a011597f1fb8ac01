//! Keys to lines. The line, the cursor in it and the way through the history are the crate `ushell`'s; what it does not know
//! is put together here from the keys that it does know.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt::Write;

use heapless::String as Limited;
use ushell::autocomplete::Autocomplete;
use ushell::{ShellError, UShell};

use super::history::Past;
use super::keys::{Key, Keys};

/// Longest line that can be typed, in bytes.
pub const LINE_LIMIT: usize = 512;

const BELL: u8 = 7;
/// Keys as the crate wants them.
const LEFT: &[u8] = b"\x1b[D";
const RIGHT: &[u8] = b"\x1b[C";
const UP: &[u8] = b"\x1b[A";
const DOWN: &[u8] = b"\x1b[B";
const BACKSPACE: &[u8] = b"\x08";
const TAB: &[u8] = b"\t";
const ENTER: &[u8] = b"\r";
/// To the line's beginning, and nothing behind it.
const EMPTY_LINE: &str = "\r\x1b[K";
const EMPTY_SCREEN: &str = "\x1b[H\x1b[2J";

/// What a byte has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The line goes on.
    None,
    /// It was entered.
    Line(String),
    /// Ctrl-C: it was given up.
    Interrupted,
    /// Ctrl-D in an empty line.
    EndOfInput,
}

/// The crate's terminal: keys wait in it, and what it shows is collected.
#[derive(Debug, Default)]
struct Terminal {
    keys: VecDeque<u8>,
    shown: Vec<u8>,
}

impl ushell::Read<u8> for Terminal {
    type Error = core::convert::Infallible;

    fn read(&mut self) -> nb::Result<u8, Self::Error> {
        self.keys.pop_front().ok_or(nb::Error::WouldBlock)
    }
}

impl ushell::Write<u8> for Terminal {
    type Error = core::convert::Infallible;

    fn write(&mut self, byte: u8) -> nb::Result<(), Self::Error> {
        self.shown.push(byte);
        Ok(())
    }

    fn flush(&mut self) -> nb::Result<(), Self::Error> {
        Ok(())
    }
}

/// Completes nothing, but notes the line up to the cursor, which the crate tells nobody else.
#[derive(Debug, Default)]
struct Probe(RefCell<String>);

impl Autocomplete<LINE_LIMIT> for Probe {
    fn suggest(&self, prefix: &str) -> Option<Limited<LINE_LIMIT>> {
        *self.0.borrow_mut() = prefix.into();
        None
    }
}

/// A line editor: bytes of a terminal in, lines out.
pub struct Editor {
    inner: UShell<Terminal, Probe, Past, LINE_LIMIT>,
    keys: Keys,
    prompt: &'static str,
}

impl core::fmt::Debug for Editor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Editor").finish_non_exhaustive()
    }
}

impl Editor {
    /// An editor that shows this in front of every line.
    #[must_use]
    pub fn new(prompt: &'static str) -> Self {
        Editor {
            inner: UShell::new(Terminal::default(), Probe::default(), Past::default()),
            keys: Keys::default(),
            prompt,
        }
    }

    /// Shows an empty line.
    pub fn start(&mut self, out: &mut dyn Write) {
        self.inner.reset();
        show(out, self.prompt);
    }

    /// The lines that were entered, the oldest first.
    pub fn history(&mut self) -> Vec<String> {
        self.inner.get_history_mut().lines().map(String::from).collect()
    }

    /// Takes a byte. `complete` answers, for a line up to the cursor, the words that may stand in place of its last one.
    pub fn feed(
        &mut self,
        byte: u8,
        complete: &mut dyn FnMut(&str) -> Vec<String>,
        out: &mut dyn Write,
    ) -> Event {
        let Some(key) = self.keys.take(byte) else {
            return Event::None;
        };
        match key {
            Key::Character(byte) => self.show(&[byte], out),
            Key::Backspace => self.show(BACKSPACE, out),
            Key::Left | Key::Control(b'B') => self.show(LEFT, out),
            Key::Right | Key::Control(b'F') => self.show(RIGHT, out),
            Key::Home | Key::Control(b'A') => while self.show_unless_stuck(LEFT, out) {},
            Key::End | Key::Control(b'E') => while self.show_unless_stuck(RIGHT, out) {},
            Key::Up | Key::Control(b'P') => {
                while self.show_unless_stuck(RIGHT, out) {}
                self.show(UP, out);
            }
            Key::Down | Key::Control(b'N') => {
                while self.show_unless_stuck(RIGHT, out) {}
                self.show(DOWN, out);
            }
            Key::Tab => self.complete(complete, out),
            Key::Enter => return self.enter(out),
            Key::Control(b'C') => {
                show(out, "^C\n");
                self.inner.reset();
                return Event::Interrupted;
            }
            Key::Control(b'D') if self.look().0.is_empty() => {
                show(out, "\n");
                return Event::EndOfInput;
            }
            Key::Delete | Key::Control(b'D') => {
                if self.show_unless_stuck(RIGHT, out) {
                    self.show(BACKSPACE, out);
                }
            }
            Key::Control(letter @ (b'K' | b'U' | b'W')) => self.cut(letter, out),
            Key::Control(b'L') => {
                show(out, EMPTY_SCREEN);
                self.redraw(out);
            }
            Key::Control(_) | Key::Unknown => show(out, "\x07"),
        }
        Event::None
    }

    fn enter(&mut self, out: &mut dyn Write) -> Event {
        let (line, _) = self.look();
        self.press(ENTER);
        self.inner.reset();
        show(out, "\n");
        Event::Line(line)
    }

    /// Ctrl-K: what is behind the cursor; Ctrl-U: what is before it; Ctrl-W: the word before it.
    fn cut(&mut self, letter: u8, out: &mut dyn Write) {
        let (line, cursor) = self.look();
        let (before, behind) = line.split_at(cursor);
        let kept = match letter {
            b'K' => before,
            b'U' => "",
            _ => {
                let end = before.trim_end_matches(' ');
                &end[..end.rfind(' ').map_or(0, |space| space + 1)]
            }
        };
        let behind = if letter == b'K' { "" } else { behind };
        while !self.press(RIGHT) {}
        while !self.press(BACKSPACE) {}
        for byte in kept.bytes().chain(behind.bytes()) {
            self.press(&[byte]);
        }
        for _ in 0..behind.len() {
            self.press(LEFT);
        }
        self.redraw(out);
    }

    fn complete(&mut self, complete: &mut dyn FnMut(&str) -> Vec<String>, out: &mut dyn Write) {
        let (line, cursor) = self.look();
        let before = &line[..cursor];
        let word = &before[before.rfind([' ', '>', ';', '&', '|']).map_or(0, |at| at + 1)..];
        let mut candidates = complete(before);
        candidates.retain(|candidate| candidate.starts_with(word) && candidate.is_ascii());
        let Some(first) = candidates.first() else {
            return show(out, "\x07");
        };
        let common = candidates.iter().fold(first.len(), |length, candidate| {
            common_length(&first[..length], candidate)
        });
        let is_only = candidates.len() == 1;
        // A folder's name may go on.
        let space = if is_only && !first.ends_with('/') { " " } else { "" };
        let more = [&first[word.len()..common], space].concat();
        if !more.is_empty() {
            more.bytes().for_each(|byte| self.show(&[byte], out));
        } else if !is_only {
            show(out, "\n");
            for candidate in &candidates {
                let stem = candidate.trim_end_matches('/');
                let name = &candidate[stem.rfind('/').map_or(0, |slash| slash + 1)..];
                show(out, name);
                show(out, "  ");
            }
            show(out, "\n");
            self.redraw(out);
        }
    }

    /// Shows the line anew, with the cursor where it is: for who has put something else in its place.
    pub fn redraw(&mut self, out: &mut dyn Write) {
        let (line, cursor) = self.look();
        show(out, EMPTY_LINE);
        show(out, self.prompt);
        show(out, &line);
        if line.len() > cursor {
            // Whoever shows it has no errors of its own.
            let _ = write!(out, "\x1b[{}D", line.len() - cursor);
        }
    }

    /// The line and the cursor's place in it, without showing anything.
    fn look(&mut self) -> (String, usize) {
        let mut behind = 0;
        while !self.press(RIGHT) {
            behind += 1;
        }
        self.press(TAB);
        for _ in 0..behind {
            self.press(LEFT);
        }
        let line = self.inner_prefix();
        let cursor = line.len().saturating_sub(behind);
        (line, cursor)
    }

    fn inner_prefix(&mut self) -> String {
        self.inner.get_autocomplete_mut().0.take()
    }

    /// Presses a key; whether there was nothing that it could do.
    fn press(&mut self, key: &[u8]) -> bool {
        let terminal = self.inner.get_serial_mut();
        terminal.shown.clear();
        terminal.keys.extend(key);
        loop {
            match self.inner.poll() {
                Ok(_) => {}
                Err(ShellError::WouldBlock) => break,
                // What is typed is printable, so there is no other; an editor without a line is a way out.
                Err(_) => {
                    self.inner.reset();
                    self.inner.get_serial_mut().keys.clear();
                }
            }
        }
        let terminal = self.inner.get_serial_mut();
        terminal.shown.contains(&BELL)
    }

    /// Presses a key and shows what comes of it.
    fn show(&mut self, key: &[u8], out: &mut dyn Write) {
        self.press(key);
        let shown = &self.inner.get_serial_mut().shown;
        show(out, core::str::from_utf8(shown).unwrap_or_default());
    }

    /// The same, but nothing is shown where there was nothing to do; answers whether there was.
    fn show_unless_stuck(&mut self, key: &[u8], out: &mut dyn Write) -> bool {
        let is_stuck = self.press(key);
        if !is_stuck {
            let shown = &self.inner.get_serial_mut().shown;
            show(out, core::str::from_utf8(shown).unwrap_or_default());
        }
        !is_stuck
    }
}

/// Whoever shows it has no errors of its own.
fn show(out: &mut dyn Write, text: &str) {
    let _ = out.write_str(text);
}

fn common_length(one: &str, other: &str) -> usize {
    one.bytes()
        .zip(other.bytes())
        .take_while(|(one, other)| one == other)
        .count()
}

#[cfg(test)]
#[path = "editor_tests.rs"]
mod tests;
