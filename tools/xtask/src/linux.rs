//! `cargo xtask linux-selftests`: Linux's live patches, compiled as they are, and Linux's scripts, run as they are, against a
//! Tocsin that is booted for them. Only `functions.sh`, which every script begins with, is ours: it does in the guest what the
//! scripts do to files of Linux (`tools/selftests/functions.sh`).

mod guest;
mod source;

use crate::abi::Abi;
use crate::machine::Wishes;
use crate::module::{self, Source};
use crate::target::Target;
use crate::toolchain::Toolchain;
use crate::{build, workspace};
use anyhow::{Context, Result, bail};
use clap::Args;
use guest::Guest;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The scripts, in the order of Linux's Makefile.
const SCRIPTS: [&str; 6] = [
    "test-livepatch.sh",
    "test-callbacks.sh",
    "test-shadow-vars.sh",
    "test-state.sh",
    "test-ftrace.sh",
    "test-sysfs.sh",
];

/// When Linux's source is not to be had: nothing was tested, and that is no success.
const NOT_RUN: u8 = 77;
/// When a scenario has not passed.
const FAILED: u8 = 8;

/// Options.
#[derive(Args)]
#[command(after_help = "\
Exit status:
  0   every scenario has passed
  1   something else is wrong, such as a module that does not compile
  8   a scenario has not passed
  77  Linux's source is not to be had: nothing was tested

Environment:
  TOCSIN_LINUX  a folder with Linux 6.1's source, in place of Debian's package linux-source-6.1")]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// How many processors the machine has, 1 to 8
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=8))]
    smp: u16,
    /// Run only the scripts with this in their names
    #[arg(long, value_name = "PART", default_value = "")]
    script: String,
    /// Compile the modules and stop
    #[arg(long)]
    compile_only: bool,
}

/// Compiles, boots, runs, counts.
///
/// # Errors
/// A module does not compile, the machine does not boot, a file cannot be written.
pub(crate) fn selftests(options: &Options) -> Result<ExitCode> {
    // What `run` would refuse is refused before anything is compiled.
    options.target.board(Wishes::default());
    let linux = match source::get() {
        Ok(linux) => linux,
        Err(error) => {
            eprintln!("NOT RUN: Linux's source is not to be had: {error:#}");
            return Ok(ExitCode::from(NOT_RUN));
        }
    };
    let folder = workspace::output(options.target.abi).join("linux-selftests");
    let modules = compile(&linux, options.target.abi, &folder)?;
    println!("{} of Linux's modules compiled, unchanged", modules.len());
    if options.compile_only {
        return Ok(ExitCode::SUCCESS);
    }
    let scripts = lay_out_scripts(&linux, &folder.join("scripts"))?;
    let machine = [options.target.words(), vec![format!("--smp={}", options.smp)]].concat();
    let guest = Guest::boot(&folder, &machine, &modules)?;
    let mut sum = Count::default();
    for name in SCRIPTS.iter().filter(|name| name.contains(&options.script)) {
        let count = run_script(&scripts.join(name), &guest)?;
        println!("{name}: {} of {} scenarios passed", count.passed, count.all);
        sum.passed += count.passed;
        sum.all += count.all;
    }
    guest.stop()?;
    if sum.all == 0 {
        bail!("no script has {:?} in its name", options.script);
    }
    let is_good = sum.passed == sum.all;
    println!(
        "{}: {} of {} scenarios passed",
        if is_good { "PASSED" } else { "FAILED" },
        sum.passed,
        sum.all
    );
    Ok(ExitCode::from(if is_good { 0 } else { FAILED }))
}

/// Compiles all modules, in the order of their names.
fn compile(linux: &Path, abi: Abi, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for part in source::MODULES {
        let part = linux.join(part);
        for entry in fs::read_dir(&part).with_context(|| format!("cannot read {}", part.display()))? {
            let path = entry?.path();
            files.extend(Source::classify(&path).map(|_| path));
        }
    }
    files.sort();
    let toolchain = Toolchain::find()?;
    let kernel = build::kernel(&toolchain, abi)?;
    files
        .iter()
        .map(|file| {
            module::build(
                &Source::given(file)?,
                &toolchain,
                &kernel,
                abi,
                &folder.join("modules"),
            )
        })
        .collect()
}

/// The scripts, byte for byte, with our functions beside them.
fn lay_out_scripts(linux: &Path, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let copy = |from: PathBuf, name: &str| {
        fs::copy(&from, folder.join(name)).with_context(|| format!("cannot copy {}", from.display()))
    };
    for name in SCRIPTS {
        copy(linux.join(source::SCRIPTS).join(name), name)?;
    }
    copy(
        workspace::root().join("tools/selftests/functions.sh"),
        "functions.sh",
    )?;
    Ok(folder.to_path_buf())
}

#[derive(Default)]
struct Count {
    passed: usize,
    all: usize,
}

/// Runs a script. One that fails ends there, so the scenarios behind that have not passed either.
fn run_script(script: &Path, guest: &Guest) -> Result<Count> {
    /// Seconds.
    const LIMIT: &str = "600";
    let text = fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))?;
    let mut bash = Command::new("timeout");
    bash.arg(LIMIT).arg("bash").arg(script);
    let output = guest
        .environment(&mut bash)
        .output()
        .context("cannot run a script")?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        println!("{}: {}", script.display(), output.status);
    }
    Ok(Count {
        passed: passed(&said),
        all: scenarios(&text),
    })
}

/// How many scenarios a script has.
fn scenarios(script: &str) -> usize {
    script
        .lines()
        .filter(|line| line.starts_with("start_test "))
        .count()
}

/// How many it says have passed.
fn passed(said: &str) -> usize {
    let is_good = |line: &&str| line.starts_with("TEST: ") && line.ends_with(" ... ok");
    said.lines().filter(is_good).count()
}

#[cfg(test)]
mod tests {
    use super::{passed, scenarios};

    #[test]
    fn scenarios_are_counted() {
        let script =
            "# start_test \"no\"\nstart_test \"one\"\nload_lp x\n\nstart_test \"two\"\nstart_tests\n";
        assert_eq!(scenarios(script), 2);
        let said = "TEST: one ... ok\nTEST: two ... not ok\nTEST: three ... SKIP\nok\nTEST: four ... ok\n";
        assert_eq!(passed(said), 2);
    }
}
