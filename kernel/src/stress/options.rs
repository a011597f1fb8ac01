//! What the boot arguments ask for: `stress=SECONDS`, `stress.seed=NUMBER`, `stress.plant=KIND`.

use crate::boot_arguments;
use crate::matrix::{Outcome, Wrong};

/// A kind of fault that is planted, so that the stress can be seen to find it: where a call comes out so, it is made as if it
/// were right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plant {
    /// C gets a wrong argument.
    Argument,
    /// A goes on with C's r2.
    Toc,
    /// The thread goes to where nothing is.
    WildJump,
    /// The thread does not come back.
    EndlessLoop,
}

const PLANTS: &[(&str, Plant)] = &[
    ("argument", Plant::Argument),
    ("toc", Plant::Toc),
    ("wild-jump", Plant::WildJump),
    ("endless-loop", Plant::EndlessLoop),
];

impl Plant {
    /// Whether this outcome is of the kind.
    pub(super) fn is(self, outcome: Outcome) -> bool {
        match self {
            Plant::Argument => matches!(outcome, Outcome::Wrong(Wrong::Argument(_))),
            Plant::Toc => outcome == Outcome::Wrong(Wrong::Toc),
            Plant::WildJump => outcome == Outcome::Wrong(Wrong::WildJump),
            Plant::EndlessLoop => outcome == Outcome::Wrong(Wrong::EndlessLoop),
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// How long calls are made, in seconds of the timebase.
    pub(super) seconds: u64,
    /// All that is random follows from it.
    pub(super) seed: u64,
    pub(super) plant: Option<Plant>,
}

/// What is asked for, if the boot is to be a stress.
///
/// # Panics
/// A number is none.
pub(crate) fn wanted() -> Option<Options> {
    let number = |key: &str| {
        boot_arguments::get(key).map(|text| match text.parse() {
            Ok(number) => number,
            Err(error) => panic!("boot argument {key}={text}: {error}"),
        })
    };
    Some(Options {
        seconds: number("stress")?,
        seed: number("stress.seed").unwrap_or(1),
        plant: boot_arguments::choice("stress.plant", PLANTS),
    })
}
