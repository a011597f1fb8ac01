//! The line by which the kernel tells the host a figure of the bench: a remark of KTAP, its fields separated by tabs.
//!
//! ```text
//! # bench  call/patched/return-stack  instructions  109
//! ```
//! The kernel prints a [`Figure`] when the boot argument `bench` asks for it, and `cargo xtask bench` parses it back.

use core::fmt;

/// What the lines begin with.
const WORD: &str = "bench";
/// What separates the fields; no field has one in it.
const SEPARATOR: char = '\t';

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure<'a> {
    /// Which row it is, as in `enable/kernel/28`.
    pub id: &'a str,
    /// What is counted: `instructions`, `us` of guest time, `bytes`, `interrupts`.
    pub unit: &'a str,
    /// How many.
    pub value: u64,
}

impl<'a> Figure<'a> {
    /// Reads the text of a remark, without its `# `; `None` when it is no figure.
    #[must_use]
    pub fn parse(remark: &'a str) -> Option<Self> {
        let mut fields = remark.split(SEPARATOR);
        let is_figure = fields.next()? == WORD;
        let figure = Figure {
            id: fields.next()?,
            unit: fields.next()?,
            value: fields.next()?.parse().ok()?,
        };
        (is_figure && fields.next().is_none()).then_some(figure)
    }
}

impl fmt::Display for Figure<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{WORD}\t{}\t{}\t{}", self.id, self.unit, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn what_is_printed_is_read_back() {
        let figure = Figure {
            id: "call/not-hooked",
            unit: "instructions",
            value: u64::MAX,
        };
        assert_eq!(Figure::parse(&figure.to_string()), Some(figure));
    }

    #[test]
    fn what_is_nearly_a_figure_is_none() {
        for text in [
            "",
            "bench",
            "bench\ta\tb",
            "bench\ta\tb\t-1",
            "bench\ta\tb\tc",
            "bench\ta\tb\t1\t2",
            "count\ta\tb\t1",
        ] {
            assert_eq!(Figure::parse(text), None, "{text:?}");
        }
    }
}
