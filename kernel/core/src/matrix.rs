//! The lines by which the kernel tells the host what the matrix came to: remarks of KTAP, their fields separated by tabs.
//!
//! ```text
//! # cell  caller local  C  none  wrong TOC  RIGHT  …
//! # design  mini-frame  74  32  0
//! # field  FrameHeader  toc_save  24  8
//! ```
//! The kernel prints a [`Record`] when the boot argument `matrix=lines` asks for it, and `cargo xtask matrix` parses it back.

use core::fmt;

/// What separates the fields; no field has one in it.
const SEPARATOR: char = '\t';
/// What is written where a number was not measured.
const UNKNOWN: &str = "-";

/// One line of the kernel's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// What came out of a cell.
    Cell {
        /// Its row.
        situation: &'a str,
        /// What A, B and C are written in.
        language: &'a str,
        /// Its column.
        design: &'a str,
        /// `RIGHT`, or the way in which it is wrong.
        outcome: &'a str,
        /// What the kernel's table expects.
        expected: &'a str,
        /// Why the situation cannot exist under the design; empty where it can.
        reason: &'a str,
    },
    /// What a return design costs.
    Design {
        /// Its name.
        name: &'a str,
        /// Instructions of a patched call more than of the same call unpatched; `None` where nobody counts them.
        instructions: Option<u64>,
        /// Bytes that it takes of A's stack, below A's frame, while C runs.
        stack: u64,
        /// Bytes that it takes of a stack of its own meanwhile.
        record: u64,
    },
    /// What a call costs that is hooked, but not patched.
    Call {
        /// By whom it is hooked.
        hooked: &'a str,
        /// Instructions more than without a hook.
        instructions: Option<u64>,
    },
    /// Where a field is in a structure that the trampolines know.
    Field {
        /// The structure's name.
        structure: &'a str,
        /// The field's.
        field: &'a str,
        /// Bytes from the structure's beginning.
        offset: u64,
        /// Its own bytes.
        size: u64,
    },
    /// How large something is.
    Size {
        /// What.
        what: &'a str,
        /// In bytes.
        bytes: u64,
    },
    /// How many there were.
    Count {
        /// Of what.
        what: &'a str,
        /// So many.
        number: u64,
    },
}

impl<'a> Record<'a> {
    /// Reads the text of a remark, without its `# `; `None` when it is no record.
    #[must_use]
    pub fn parse(remark: &'a str) -> Option<Self> {
        let mut fields = remark.split(SEPARATOR);
        let record = match fields.next()? {
            "cell" => Self::Cell {
                situation: fields.next()?,
                language: fields.next()?,
                design: fields.next()?,
                outcome: fields.next()?,
                expected: fields.next()?,
                reason: fields.next()?,
            },
            "design" => Self::Design {
                name: fields.next()?,
                instructions: measured(fields.next()?)?,
                stack: number(fields.next()?)?,
                record: number(fields.next()?)?,
            },
            "call" => Self::Call {
                hooked: fields.next()?,
                instructions: measured(fields.next()?)?,
            },
            "field" => Self::Field {
                structure: fields.next()?,
                field: fields.next()?,
                offset: number(fields.next()?)?,
                size: number(fields.next()?)?,
            },
            "size" => Self::Size {
                what: fields.next()?,
                bytes: number(fields.next()?)?,
            },
            "count" => Self::Count {
                what: fields.next()?,
                number: number(fields.next()?)?,
            },
            _ => return None,
        };
        fields.next().is_none().then_some(record)
    }
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

fn measured(text: &str) -> Option<Option<u64>> {
    if text == UNKNOWN {
        Some(None)
    } else {
        number(text).map(Some)
    }
}

/// A number that may not have been measured.
struct Measured(Option<u64>);

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => write!(out, "{number}"),
            None => out.write_str(UNKNOWN),
        }
    }
}

impl fmt::Display for Record<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Cell {
                situation,
                language,
                design,
                outcome,
                expected,
                reason,
            } => {
                write!(
                    out,
                    "cell\t{situation}\t{language}\t{design}\t{outcome}\t{expected}\t{reason}"
                )
            }
            Self::Design {
                name,
                instructions,
                stack,
                record,
            } => {
                write!(
                    out,
                    "design\t{name}\t{}\t{stack}\t{record}",
                    Measured(instructions)
                )
            }
            Self::Call { hooked, instructions } => {
                write!(out, "call\t{hooked}\t{}", Measured(instructions))
            }
            Self::Field {
                structure,
                field,
                offset,
                size,
            } => write!(out, "field\t{structure}\t{field}\t{offset}\t{size}"),
            Self::Size { what, bytes } => write!(out, "size\t{what}\t{bytes}"),
            Self::Count { what, number } => write!(out, "count\t{what}\t{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Record;

    #[test]
    fn what_is_printed_is_read_back() {
        let design = |instructions| Record::Design {
            name: "mini-frame",
            instructions,
            stack: 32,
            record: 0,
        };
        let records = [
            Record::Cell {
                situation: "caller local",
                language: "C",
                design: "none",
                outcome: "wrong TOC",
                expected: "RIGHT",
                reason: "",
            },
            design(Some(74)),
            design(None),
            Record::Call {
                hooked: "nobody",
                instructions: Some(1),
            },
            Record::Field {
                structure: "FrameHeader",
                field: "toc_save",
                offset: 24,
                size: 8,
            },
            Record::Size {
                what: "FrameHeader",
                bytes: u64::MAX,
            },
            Record::Count {
                what: "cells",
                number: 160,
            },
        ];
        for record in records {
            assert_eq!(Record::parse(&record.to_string()), Some(record));
        }
    }

    #[test]
    fn what_is_nearly_a_record_is_none() {
        let texts = [
            "",
            "cell",
            "a remark",
            "cell\ta\tb\tc\td\te",
            "cell\ta\tb\tc\td\te\tf\tg",
            "count\tcells\tmany",
            "count\tcells\t-",
            "design\tnone\t-1\t0\t0",
            "design\tnone\t1\t0",
            "field\tFrameHeader\ttoc_save\t24\t8 ",
        ];
        for text in texts {
            assert_eq!(Record::parse(text), None, "{text:?}");
        }
    }
}
