//! How a program at the other end of the console has lines executed: it sends a line, and gets frames, one on a line each.
//! Everything that does not begin with [`MARK`] is not an answer, but what the kernel says meanwhile.
//!
//! ```text
//! < ready
//! > cat /proc/cmdline; ls /nowhere
//! < output "log=info", with an end of line
//! < complaint "ls: cannot access '/nowhere': No such file or directory", with an end of line
//! < end 2
//! ```

use core::fmt;

/// What a frame begins with: the control character that separates records.
pub const MARK: char = '\u{1e}';

/// The byte that stops what runs: Ctrl-C.
pub const INTERRUPT: u8 = 3;

/// One line of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The shell takes its first line.
    Ready,
    /// A piece of the output, which has no end of line in it.
    Output {
        /// The piece.
        text: &'a str,
        /// An end of line follows it.
        ends: bool,
    },
    /// A piece of the complaints, likewise.
    Complaint {
        /// The piece.
        text: &'a str,
        /// An end of line follows it.
        ends: bool,
    },
    /// The line is over, with this status; the shell takes the next one.
    End(i32),
}

const READY: &str = "ready";
const OUTPUT: char = '|';
const OPEN_OUTPUT: char = '\\';
const COMPLAINT: char = '!';
const OPEN_COMPLAINT: char = '?';
const END: char = '=';

impl fmt::Display for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Frame::Ready => write!(f, "{MARK}{READY}"),
            Frame::Output { text, ends: true } => write!(f, "{MARK}{OUTPUT}{text}"),
            Frame::Output { text, ends: false } => write!(f, "{MARK}{OPEN_OUTPUT}{text}"),
            Frame::Complaint { text, ends: true } => write!(f, "{MARK}{COMPLAINT}{text}"),
            Frame::Complaint { text, ends: false } => write!(f, "{MARK}{OPEN_COMPLAINT}{text}"),
            Frame::End(status) => write!(f, "{MARK}{END}{status}"),
        }
    }
}

impl<'a> Frame<'a> {
    /// Reads a line of the console, without its end; `None` for one that is no frame.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        let body = line.strip_prefix(MARK)?;
        if body == READY {
            return Some(Frame::Ready);
        }
        let mut characters = body.chars();
        let kind = characters.next()?;
        let text = characters.as_str();
        Some(match kind {
            OUTPUT => Frame::Output { text, ends: true },
            OPEN_OUTPUT => Frame::Output { text, ends: false },
            COMPLAINT => Frame::Complaint { text, ends: true },
            OPEN_COMPLAINT => Frame::Complaint { text, ends: false },
            END => Frame::End(text.parse().ok()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        for frame in [
            Frame::Ready,
            Frame::Output { text: "", ends: true },
            Frame::Output {
                text: " a|b\t\u{1e}",
                ends: true,
            },
            Frame::Output {
                text: "größe",
                ends: false,
            },
            Frame::Complaint {
                text: "ls: no",
                ends: true,
            },
            Frame::Complaint {
                text: "=5",
                ends: false,
            },
            Frame::End(0),
            Frame::End(-7),
        ] {
            assert_eq!(Frame::parse(&frame.to_string()), Some(frame), "{frame:?}");
        }
    }

    #[test]
    fn what_is_no_frame() {
        for line in [
            "",
            "=0",
            "[    0.1] livepatch: x",
            "\u{1e}",
            "\u{1e}=",
            "\u{1e}=x",
            "\u{1e}#",
            " \u{1e}=0",
        ] {
            assert_eq!(Frame::parse(line), None, "{line:?}");
        }
    }
}
