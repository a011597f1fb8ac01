//! The guest's console: shown, kept, and read as KTAP.

use crate::report::Report;
use crate::shell::Answer;
use anyhow::{Context, Result};
use kernel_core::shell::Frame;
use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::Sender;

/// Takes the console's bytes as they come.
pub(crate) struct Console<'o> {
    screen: &'o mut dyn Write,
    log: Option<&'o mut File>,
    log_error: Option<io::Error>,
    line: Vec<u8>,
    report: Report,
    /// `screen` gets the bytes as they are, at once.
    is_raw: bool,
    /// Who waits for frames; they are not shown then.
    answers: Option<Sender<Answer>>,
}

impl<'o> Console<'o> {
    /// `screen` gets the lines made printable, `log` the bytes as they are.
    pub(crate) fn new(screen: &'o mut dyn Write, log: Option<&'o mut File>) -> Self {
        Self {
            screen,
            log,
            log_error: None,
            line: Vec::new(),
            report: Report::default(),
            is_raw: false,
            answers: None,
        }
    }

    /// Both get the bytes as they are.
    pub(crate) fn raw(screen: &'o mut dyn Write, log: Option<&'o mut File>) -> Self {
        Self {
            is_raw: true,
            ..Self::new(screen, log)
        }
    }

    /// Sends the guest's frames there.
    pub(crate) fn with_answers(self, answers: Sender<Answer>) -> Self {
        Self {
            answers: Some(answers),
            ..self
        }
    }

    /// What has been understood so far.
    pub(crate) fn report(&self) -> &Report {
        &self.report
    }

    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if let Some(Err(error)) = self.log.as_mut().map(|log| log.write_all(bytes)) {
            self.log_error.get_or_insert(error);
        }
        if self.is_raw {
            // Nobody to read it is no reason to stop judging.
            _ = self.screen.write_all(bytes);
        }
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                byte => self.line.push(*byte),
            }
        }
    }

    fn end_line(&mut self) {
        let line = mem::take(&mut self.line);
        if let Some(answers) = &self.answers {
            if let Some(frame) = Frame::parse(&String::from_utf8_lossy(&line)) {
                // Who does not wait any more has an end of its own.
                _ = answers.send(frame.into());
                return;
            }
        }
        let line = printable(line.strip_suffix(b"\r").unwrap_or(&line));
        if !self.is_raw {
            _ = writeln!(self.screen, "{line}");
        }
        self.report.line(&line);
    }

    /// Ends the last line and gives the report.
    ///
    /// # Errors
    /// The log could not be written.
    pub(crate) fn finish(mut self) -> Result<Report> {
        if !self.line.is_empty() {
            self.end_line();
        }
        match self.log_error {
            Some(error) => Err(error).context("cannot write the log"),
            None => Ok(self.report),
        }
    }
}

/// What a terminal may be given: control characters become visible.
fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(bytes).chars() {
        if character.is_control() && character != '\t' {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Console, printable};

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(
            printable(b"a\tb \x1b[31mred\x07\x00 \xc2\x9b1m \xff \xe2\x86\x92"),
            "a\tb \\u{1b}[31mred\\u{7}\\u{0} \\u{9b}1m \u{fffd} →"
        );
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut screen = Vec::new();
        let mut console = Console::new(&mut screen, None);
        for piece in [
            &b"KTAP ver"[..],
            b"sion 1\r\n1..",
            b"1\nok 1 a",
            b"\nEXIT: STATUS=",
            b"0",
        ] {
            console.feed(piece);
        }
        assert_eq!(console.report().exit, None, "the last line is not over");
        let report = console.finish().unwrap();
        assert_eq!(
            (report.plan, report.cases.len(), report.exit),
            (Some(1), 1, Some(0))
        );
        let shown = String::from_utf8(screen).unwrap();
        assert_eq!(shown, "KTAP version 1\n1..1\nok 1 a\nEXIT: STATUS=0\n");
    }
}
