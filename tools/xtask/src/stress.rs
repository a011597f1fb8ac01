//! `cargo xtask stress`: boots the kernel's stress, in which all CPUs call patched functions while patches come and go, and
//! judges. All that is random there follows from the seed; by instructions (`--icount`) a run is the same each time.

use crate::console::Console;
use crate::machine::{self, Machine, Model, Wishes};
use crate::target::{Target, word};
use crate::verdict::{End, Kind, Verdict};
use crate::{initrd, interrupt, prebuilt, qemu};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long the host gives the guest for what is around its seconds.
const GRACE: u64 = 120;

/// Options of `cargo xtask stress`.
#[derive(Args)]
pub(crate) struct Options {
    /// How long, in seconds of the guest's clock
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// What all that is random follows from [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many processors the machine has, 1 to 8
    #[arg(long, value_name = "M", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=8))]
    smp: u16,
    /// Let time pass by instructions: the same seed goes the same way each time; pseries only
    #[arg(long)]
    icount: bool,
    #[command(flatten)]
    target: Target,
    /// Keep everything that the guest printed in this file, byte for byte
    #[arg(long, value_name = "FILE")]
    keep_log: Option<PathBuf>,
    /// Make calls that come out wrong in this way, as if they came out right: a fault that must be found
    #[arg(long, value_enum, hide = true)]
    plant: Option<Plant>,
}

/// A fault that is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Plant {
    /// C gets a wrong argument
    Argument,
    /// A goes on with C's TOC
    Toc,
    /// The thread goes to where nothing is
    WildJump,
    /// The thread does not come back
    EndlessLoop,
}

/// Boots and judges.
///
/// # Errors
/// Nothing could be booted. What a booted guest does wrong is an exit status, not an error.
pub(crate) fn stress(options: &Options) -> Result<ExitCode> {
    let board = options.target.board(Wishes {
        icount: options.icount,
        ..Wishes::default()
    });
    let seed = options.seed.unwrap_or_else(new_seed);
    let mut log = match &options.keep_log {
        Some(path) => {
            Some(fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => None,
    };
    let parts = prebuilt::get(options.target.abi)?;
    let initrd = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    fs::write(initrd.path(), initrd::pack(&parts, &[])?).context("cannot write the initrd")?;
    println!("stress: {}", options.shown(seed, options.icount));
    let machine = Machine {
        board,
        smp: options.smp,
        memory: board.default_memory(),
        icount: options.icount,
        gdb: None,
        kgdb: None,
        command_line: options.command_line(seed),
        image: parts.image,
        initrd: initrd.path().to_path_buf(),
    };
    interrupt::prepare()?;
    let mut screen = io::stdout();
    let mut console = Console::new(&mut screen, log.as_mut());
    let end = match qemu::boot(&machine, Some(options.limit()), &mut console, None) {
        Ok(end) => end,
        Err(qemu::StartError(reason)) => End::NotStarted(reason),
    };
    let verdict = Verdict::of(&console.finish()?, &end);
    verdict.print();
    if !matches!(verdict.kind, Kind::Passed | Kind::NotStarted | Kind::Interrupted) {
        options.say_how_to_repeat(seed);
    }
    Ok(verdict.exit_code())
}

/// A seed that was probably not used before, short enough to be typed.
fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs() << 10 & 0xffff_ffff | u64::from(now.subsec_millis())
}

impl Options {
    /// Longer than any run takes on a machine that makes progress: by instructions, a second may take ten.
    fn limit(&self) -> Duration {
        let factor = if self.icount { 20 } else { 4 };
        Duration::from_secs(GRACE + factor * self.seconds)
    }

    /// What the kernel is told.
    fn command_line(&self, seed: u64) -> String {
        let mut line = format!("stress={} stress.seed={seed}", self.seconds);
        if let Some(plant) = self.plant {
            line += &format!(" stress.plant={}", word(plant));
        }
        if self.icount {
            line += &format!(" icount={}", machine::ICOUNT_SHIFT);
        }
        line
    }

    /// The command that does the same.
    fn shown(&self, seed: u64, icount: bool) -> String {
        let mut line = format!(
            "cargo xtask stress --seconds {} --seed {seed} --smp {}",
            self.seconds, self.smp
        );
        for word in self.target.words() {
            line += " ";
            line += &word;
        }
        if let Some(plant) = self.plant {
            line += &format!(" --plant {}", word(plant));
        }
        if icount {
            line += " --icount";
        }
        line
    }

    fn say_how_to_repeat(&self, seed: u64) {
        if self.icount {
            eprintln!("This goes the same way again:\n  {}", self.shown(seed, true));
            return;
        }
        eprintln!(
            "The same, as far as the host lets it:\n  {}",
            self.shown(seed, false)
        );
        if self.target.machine == Model::Pseries {
            eprintln!(
                "The same seed by instructions, which goes the same way each time:\n  {}",
                self.shown(seed, true)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, new_seed};
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(words: &[&str]) -> Options {
        Line::parse_from(["stress"].iter().chain(words)).options
    }

    #[test]
    fn the_command_that_is_shown_means_the_same() {
        let words = [
            "--seconds",
            "7",
            "--seed",
            "9",
            "--smp",
            "2",
            "--cpu",
            "power10",
            "--abi",
            "pcrel",
            "--plant",
            "wild-jump",
        ];
        let given = options(&words);
        let shown = given.shown(9, true);
        assert_eq!(
            shown,
            "cargo xtask stress --seconds 7 --seed 9 --smp 2 --cpu power10 --abi pcrel --plant wild-jump --icount"
        );
        let again = options(&shown.split(' ').skip(3).collect::<Vec<_>>());
        assert_eq!(again.shown(9, true), shown);
        assert!(again.icount && !given.icount);
    }

    #[test]
    fn the_kernel_is_told_what_was_asked_for() {
        let line = |words: &[&str]| options(words).command_line(5);
        assert_eq!(line(&[]), "stress=10 stress.seed=5");
        assert_eq!(
            line(&["--seconds", "3", "--plant", "toc", "--icount"]),
            "stress=3 stress.seed=5 stress.plant=toc icount=3"
        );
    }

    #[test]
    fn a_seed_is_short() {
        assert!(new_seed() < 1 << 33);
    }
}
