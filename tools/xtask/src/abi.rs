//! How compiled code reaches its data: what tells the two builds of the kernel, and of modules, apart.
//!
//! Everything else about them is the same: sources, target file, linker script. So a kernel of either kind loads modules
//! of both.

use crate::machine::{Board, Cpu};
use clap::ValueEnum;

/// How code reaches its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Abi {
    /// Through r2, the TOC pointer; runs on every processor
    #[default]
    Toc,
    /// Relative to the instruction, without a TOC; runs on POWER10 only
    Pcrel,
}

impl Abi {
    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Abi::Toc => Abi::Pcrel,
            Abi::Pcrel => Abi::Toc,
        }
    }

    /// What a kernel's folder in cargo's target folder is called. Two builds of `core` must not meet in one.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Abi::Toc => "tocsin",
            Abi::Pcrel => "tocsin-pcrel",
        }
    }

    /// What rustc is told. `cfg(pcrel)` is for the few lines that have to know.
    pub(crate) fn rustc_flags(self) -> &'static [&'static str] {
        match self {
            Abi::Toc => &["-Ctarget-cpu=pwr8"],
            Abi::Pcrel => &["-Ctarget-cpu=pwr10", "--cfg=pcrel"],
        }
    }

    /// What gcc is told.
    pub(crate) fn gcc_flags(self) -> &'static [&'static str] {
        match self {
            Abi::Toc => &["-mcpu=power8"],
            Abi::Pcrel => &["-mcpu=power10", "-mpcrel"],
        }
    }

    /// The machine, if it can run such a kernel, or why it cannot.
    pub(crate) fn runs_on(self, board: Board) -> Result<Board, String> {
        match (self, board.cpu()) {
            (Abi::Toc, _) | (Abi::Pcrel, Cpu::Power10) => Ok(board),
            (Abi::Pcrel, cpu) => Err(format!(
                "--abi pcrel: it takes the prefixed instructions of a power10, which a {} does not have",
                cpu.name()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Abi;
    use crate::machine::{Board, Cpu, Firmware};

    #[test]
    fn pc_relative_kernels_run_on_power10_only() {
        let pseries = |cpu| Board::Pseries {
            cpu,
            firmware: Firmware::Vof,
        };
        for board in [pseries(Cpu::Power10), Board::Powernv10] {
            assert_eq!(Abi::Pcrel.runs_on(board), Ok(board));
        }
        for (board, name) in [
            (pseries(Cpu::Power8), "power8"),
            (pseries(Cpu::Power9), "power9"),
            (Board::Powernv9, "power9"),
        ] {
            assert_eq!(Abi::Toc.runs_on(board), Ok(board));
            let reason = Abi::Pcrel.runs_on(board).unwrap_err();
            assert!(
                reason.starts_with("--abi pcrel: ") && reason.contains(name),
                "{reason}"
            );
        }
    }
}
