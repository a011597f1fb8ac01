//! What can come out of a cell.

use core::fmt;

/// What happened in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everybody got what was his.
    Right,
    /// Somebody did not.
    Wrong(Wrong),
    /// Nothing was patched: the design cannot carry it, and says so.
    Refused,
    /// The situation cannot exist under the design; why is in `docs/matrix.md`'s notes.
    DoesNotApply(&'static str),
}

/// In which way a cell is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A went on with somebody else's r2.
    Toc,
    /// C got another value than A had given; the number counts doublewords from 1.
    Argument(u8),
    /// A got another result than C had returned.
    Result,
    /// A's frame header was written over: the thread went to where an argument's value pointed.
    Frame,
    /// The thread went to an address where nothing is.
    WildJump,
    /// The thread did not come back.
    EndlessLoop,
    /// A return helper, or an ops, met something that it must not meet, and stopped the thread.
    Stopped,
    /// Who walks the stack does not find A.
    Hidden,
    /// A tracer saw other calls than there were.
    Events,
    /// r1, or the back chain, was not what the ABI demands.
    Stack,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Right => f.pad("RIGHT"),
            Outcome::Wrong(Wrong::Toc) => f.pad("wrong TOC"),
            Outcome::Wrong(Wrong::Argument(number)) => {
                let mut text = heapless::String::<16>::new();
                // 16 bytes hold the word and any number of 8 bits.
                let _ = fmt::write(&mut text, format_args!("argument {number}"));
                f.pad(&text)
            }
            Outcome::Wrong(Wrong::Result) => f.pad("wrong result"),
            Outcome::Wrong(Wrong::Frame) => f.pad("A overwritten"),
            Outcome::Wrong(Wrong::WildJump) => f.pad("wild jump"),
            Outcome::Wrong(Wrong::EndlessLoop) => f.pad("endless loop"),
            Outcome::Wrong(Wrong::Stopped) => f.pad("stopped"),
            Outcome::Wrong(Wrong::Hidden) => f.pad("A hidden"),
            Outcome::Wrong(Wrong::Events) => f.pad("wrong events"),
            Outcome::Wrong(Wrong::Stack) => f.pad("bad stack"),
            Outcome::Refused => f.pad("refused"),
            Outcome::DoesNotApply(_) => f.pad("does not apply"),
        }
    }
}
