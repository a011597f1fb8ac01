//! Which machine and which kernel a command is about: the options that `run`, `stress` and `linux-selftests` share.

use crate::abi::Abi;
use crate::machine::{Board, Cpu, Model, Wishes};
use clap::error::ErrorKind;
use clap::{Args, Error, ValueEnum};

/// The options.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The machine
    #[arg(long, value_enum, default_value_t = Model::Pseries)]
    pub(crate) machine: Model,
    /// The processor [default: power9 on pseries, otherwise the machine's own]
    #[arg(long, value_enum)]
    cpu: Option<Cpu>,
    /// How the kernel's code reaches its data
    #[arg(long, value_enum, default_value_t)]
    pub(crate) abi: Abi,
}

impl Target {
    /// The machine with what else is wished for. What cannot be had together ends the program, as other wrong options do.
    pub(crate) fn board(self, wishes: Wishes) -> Board {
        let wishes = Wishes {
            cpu: self.cpu,
            ..wishes
        };
        let board = Board::choose(self.machine, wishes).and_then(|board| self.abi.runs_on(board));
        board.unwrap_or_else(|reason| Error::raw(ErrorKind::ArgumentConflict, reason + "\n").exit())
    }

    /// The words that say the same, without what is usual.
    pub(crate) fn words(self) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |option: &str, value: String| words.extend([option.to_owned(), value]);
        if self.machine != Model::Pseries {
            add("--machine", word(self.machine));
        }
        if let Some(cpu) = self.cpu {
            add("--cpu", word(cpu));
        }
        if self.abi != Abi::default() {
            add("--abi", word(self.abi));
        }
        words
    }
}

/// A value's name on command lines.
pub(crate) fn word(value: impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}
