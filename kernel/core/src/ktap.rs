//! The lines by which the kernel tells the host what its cases did: KTAP, and one line of our own at the end.
//!
//! ```text
//! KTAP version 1
//! 1..2
//! ok 1 livepatch::returns::mini_frame
//! not ok 2 module::loader::truncated
//! # Totals: pass:1 fail:1 skip:0
//! EXIT: STATUS=1
//! ```
//! The kernel prints a [`Line`] and the host parses it back; whatever else comes over the console is [`Line::Other`].

use core::fmt;

/// Module path of the cases that stand for the modules given by the user: `extra::NAME`, failed when NAME did not load.
pub const EXTRA: &str = "extra::";

/// What the kernel's log says on a machine that ignores stores outside RAM: the host, which QEMU tells of them, must look.
pub const LOST_STORES: &str = "stores outside RAM are lost without a word";

/// What precedes the kernel's exit status, and what a panic says first.
const EXIT: &str = "EXIT: STATUS=";
const PANIC: &str = "kernel panic: ";
const TOTALS: &str = "# Totals: ";
const SKIP: &str = " # SKIP";

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// As expected.
    Pass,
    /// Not as expected.
    Fail,
    /// Not run, for this reason.
    Skip(&'a str),
}

/// How many cases had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// As expected.
    pub pass: u32,
    /// Not as expected.
    pub fail: u32,
    /// Not run.
    pub skip: u32,
}

/// One line of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// The cases begin.
    Version,
    /// How many cases there will be.
    Plan(u32),
    /// A case is over.
    Case {
        /// Its number, from 1.
        number: u32,
        /// Its full name.
        name: &'a str,
        /// What became of it.
        outcome: Outcome<'a>,
    },
    /// All cases are over.
    Totals(Totals),
    /// A remark, without its `# `.
    Remark(&'a str),
    /// The kernel gave up; what it says, without the words before it.
    Panic(&'a str),
    /// The kernel's last word: 0 when all is as it should be.
    Exit(u32),
    /// Anything else.
    Other(&'a str),
}

impl<'a> Line<'a> {
    /// Reads one line, without its line end. Every text is a line of some kind.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        known(text).unwrap_or(Self::Other(text))
    }
}

fn known(text: &str) -> Option<Line<'_>> {
    if text == "KTAP version 1" {
        return Some(Line::Version);
    }
    if let Some(count) = text.strip_prefix("1..") {
        return Some(Line::Plan(count.parse().ok()?));
    }
    if let Some(case) = text.strip_prefix("ok ") {
        return parse_case(case, Outcome::Pass);
    }
    if let Some(case) = text.strip_prefix("not ok ") {
        return parse_case(case, Outcome::Fail);
    }
    if let Some(totals) = text.strip_prefix(TOTALS) {
        return parse_totals(totals).map(Line::Totals);
    }
    if let Some(status) = text.strip_prefix(EXIT) {
        return Some(Line::Exit(status.trim_end().parse().ok()?));
    }
    if let Some(text) = text.strip_prefix("# ") {
        return Some(Line::Remark(text));
    }
    // A log line has its time before its words: `[    0.012345] `.
    let words = text
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
        .map_or(text, |(_, words)| words);
    words.strip_prefix(PANIC).map(Line::Panic)
}

fn parse_case<'a>(text: &'a str, outcome: Outcome<'a>) -> Option<Line<'a>> {
    let (number, name) = text.split_once(' ')?;
    let number = number.parse().ok()?;
    let (name, outcome) = match (name.split_once(SKIP), outcome) {
        (Some((name, reason)), Outcome::Pass) => (name, Outcome::Skip(reason.trim_start())),
        _ => (name, outcome),
    };
    (!name.is_empty()).then_some(Line::Case {
        number,
        name,
        outcome,
    })
}

fn parse_totals(text: &str) -> Option<Totals> {
    let mut words = text.split(' ');
    let mut number = |key: &str| words.next()?.strip_prefix(key)?.strip_prefix(':')?.parse().ok();
    let totals = Totals {
        pass: number("pass")?,
        fail: number("fail")?,
        skip: number("skip")?,
    };
    words.next().is_none().then_some(totals)
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => out.write_str("KTAP version 1"),
            Self::Plan(count) => write!(out, "1..{count}"),
            Self::Case {
                number,
                name,
                outcome: Outcome::Pass,
            } => write!(out, "ok {number} {name}"),
            Self::Case {
                number,
                name,
                outcome: Outcome::Fail,
            } => write!(out, "not ok {number} {name}"),
            Self::Case {
                number,
                name,
                outcome: Outcome::Skip(reason),
            } => {
                write!(out, "ok {number} {name}{SKIP} {reason}")
            }
            Self::Totals(Totals { pass, fail, skip }) => {
                write!(out, "{TOTALS}pass:{pass} fail:{fail} skip:{skip}")
            }
            Self::Remark(text) => write!(out, "# {text}"),
            Self::Panic(text) => write!(out, "{PANIC}{text}"),
            Self::Exit(status) => write!(out, "{EXIT}{status}"),
            Self::Other(text) => out.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Outcome, Totals};

    #[test]
    fn what_is_printed_is_read_back() {
        let name = "module::loader::truncated";
        let lines = [
            Line::Version,
            Line::Plan(0),
            Line::Plan(412),
            Line::Case {
                number: 1,
                name,
                outcome: Outcome::Pass,
            },
            Line::Case {
                number: 2,
                name,
                outcome: Outcome::Fail,
            },
            Line::Case {
                number: 3,
                name,
                outcome: Outcome::Skip("only POWER10 has it"),
            },
            Line::Totals(Totals {
                pass: 1,
                fail: 20,
                skip: 300,
            }),
            Line::Remark("read 0x17 instead"),
            Line::Panic("no memory"),
            Line::Exit(0),
            Line::Exit(1),
            Line::Other("[    0.012345] livepatch: enabling patch 'x'"),
        ];
        for line in lines {
            assert_eq!(Line::parse(&line.to_string()), line);
        }
    }

    #[test]
    fn the_words_are_those_of_the_format() {
        let case = |outcome| {
            Line::Case {
                number: 7,
                name: "a::b",
                outcome,
            }
            .to_string()
        };
        assert_eq!(case(Outcome::Pass), "ok 7 a::b");
        assert_eq!(case(Outcome::Fail), "not ok 7 a::b");
        assert_eq!(case(Outcome::Skip("no radix")), "ok 7 a::b # SKIP no radix");
        assert_eq!(
            Line::Totals(Totals::default()).to_string(),
            "# Totals: pass:0 fail:0 skip:0"
        );
        assert_eq!(Line::Exit(0).to_string(), "EXIT: STATUS=0");
    }

    #[test]
    fn a_panic_is_seen_behind_the_time_of_a_log_line() {
        assert_eq!(
            Line::parse("[    1.000000] kernel panic: no memory"),
            Line::Panic("no memory")
        );
    }

    #[test]
    fn what_is_nearly_a_line_is_other_text() {
        let texts = [
            "",
            "ok",
            "ok 1",
            "ok 1 ",
            "ok one name",
            "ok  1 name",
            "not ok -1 name",
            "ok 99999999999 name",
            " ok 1 name",
            "okay 1 name",
            "1..",
            "1..x",
            "EXIT: STATUS=",
            "EXIT: STATUS=-1",
            "EXIT: STATUS=0 or so",
            "# Totals: pass:1 fail:0",
            "# Totals: pass:1 fail:0 skip:0 more:1",
            "#comment",
            "KTAP version 2",
        ];
        for text in texts {
            assert_eq!(Line::parse(text), Line::Other(text), "{text:?}");
        }
    }

    #[test]
    fn a_failed_case_is_not_excused_by_a_skip() {
        let line = Line::parse("not ok 1 name # SKIP because");
        assert_eq!(
            line,
            Line::Case {
                number: 1,
                name: "name # SKIP because",
                outcome: Outcome::Fail
            }
        );
    }
}
