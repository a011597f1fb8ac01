//! `cargo xtask matrix`: boots the matrix, and makes the pages under `docs` from what the guest says of it.
//!
//! Nothing on the pages is typed in that the guest can say: outcomes, costs and the layouts in the pictures come from its
//! lines (`kernel_core::matrix`). With `--check` the pages are compared instead of written, so they cannot go stale.

mod derived;
mod facts;
mod page;
mod picture;

use crate::abi::Abi;
use crate::machine::Cpu;
use crate::verdict::Verdict;
use crate::{counted, initrd, interrupt, prebuilt, workspace};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use facts::{Account, Facts};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long one boot may take.
const TIMEOUT: Duration = Duration::from_secs(600);
/// The page that has the figures for programs; what was measured last is read back from it.
const JSON: &str = "matrix.json";
/// The page for people.
const PAGE: &str = "matrix.md";

/// Options of `cargo xtask matrix`.
#[derive(Args)]
pub(crate) struct Options {
    /// The processor
    #[arg(long, value_enum, default_value_t = Cpu::Power9)]
    cpu: Cpu,
    /// Run on every processor, and want the same of all
    #[arg(long, conflicts_with = "cpu")]
    all_cpus: bool,
    /// Write nothing; fail if the pages are not what would be written
    #[arg(long)]
    check: bool,
    /// Where the pages are [default: docs]
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,
}

/// Boots, and writes or compares the pages.
///
/// # Errors
/// Nothing could be booted, what the guest says is not understood, or a page is stale.
pub(crate) fn matrix(options: &Options) -> Result<ExitCode> {
    let cpus = if options.all_cpus {
        Cpu::value_variants()
    } else {
        &[options.cpu]
    };
    let parts = prebuilt::get(Abi::Toc)?;
    let initrd = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    fs::write(initrd.path(), initrd::pack(&parts, &[])?).context("cannot write the initrd")?;
    interrupt::prepare()?;
    let mut first: Option<(Cpu, Facts)> = None;
    for &cpu in cpus {
        let facts = match run(cpu, &parts.image, initrd.path())? {
            Ok(account) => account.facts,
            Err(verdict) => {
                verdict.print();
                return Ok(verdict.exit_code());
            }
        };
        match &first {
            None => first = Some((cpu, facts)),
            Some((other, same)) => {
                if let Some(difference) = same.difference(&facts) {
                    bail!("{other:?} and {cpu:?} are not the same: {difference}");
                }
            }
        }
    }
    let (_, facts) = first.context("there is no processor")?;
    let folder = options
        .docs
        .clone()
        .unwrap_or_else(|| workspace::root().join("docs"));
    if options.check {
        check(&folder, &facts)?;
    } else {
        write(&folder, &facts)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Boots the matrix on one machine. The inner error is the verdict on a run that did not pass.
fn run(cpu: Cpu, image: &Path, initrd: &Path) -> Result<Result<Account, Verdict>> {
    let start = Instant::now();
    let arguments = "case=matrix::* matrix=lines log=warn";
    let said = match counted::boot((cpu, 1), arguments, image, initrd, TIMEOUT)? {
        Ok(said) => said,
        Err(verdict) => return Ok(Err(verdict)),
    };
    let account = Account::read(&said)?;
    println!(
        "{cpu:?}: {}, {} s",
        account.counts.join(", "),
        start.elapsed().as_secs()
    );
    Ok(Ok(account))
}

/// Every page that is made from these facts: its name and its content.
fn pages(facts: &Facts) -> Result<Vec<(String, String)>> {
    let mut json = serde_json::to_string_pretty(facts).context("the facts make no JSON")?;
    json.push('\n');
    let mut pages = vec![(JSON.to_owned(), json), (PAGE.to_owned(), page::page(facts)?)];
    for design in &facts.designs {
        pages.push((
            picture::file(&design.name),
            picture::picture(&design.name, facts)?,
        ));
    }
    Ok(pages)
}

/// The pictures in the folder that are of no design.
fn strays(folder: &Path, pages: &[(String, String)]) -> Result<Vec<PathBuf>> {
    let made: BTreeSet<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    let mut strays = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if picture::is_one(&name) && !made.contains(name.as_str()) {
            strays.push(folder.join(name));
        }
    }
    strays.sort();
    Ok(strays)
}

fn write(folder: &Path, facts: &Facts) -> Result<()> {
    let pages = pages(facts)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (name, content) in &pages {
        let path = folder.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", workspace::shown(&path));
    }
    for stray in strays(folder, &pages)? {
        fs::remove_file(&stray).with_context(|| format!("cannot remove {}", stray.display()))?;
        println!("{}: removed, it is of no design", workspace::shown(&stray));
    }
    Ok(())
}

/// The names of the pages that are not what they should be.
fn stale(folder: &Path, pages: &[(String, String)]) -> Result<Vec<String>> {
    let differs = |(name, content): &&(String, String)| {
        fs::read_to_string(folder.join(name)).ok().as_ref() != Some(content)
    };
    let stale = pages.iter().filter(differs).map(|(name, _)| folder.join(name));
    Ok(stale
        .chain(strays(folder, pages)?)
        .map(|path| workspace::shown(&path))
        .collect())
}

fn check(folder: &Path, facts: &Facts) -> Result<()> {
    const REFRESH: &str = "`cargo xtask matrix` writes what should be there";
    let found = stale(folder, &pages(facts)?)?;
    if found.is_empty() {
        println!("{}: the matrix's pages are fresh", workspace::shown(folder));
        return Ok(());
    }
    // Were they fresh, had the calls taken as many instructions as they say?
    let committed = fs::read_to_string(folder.join(JSON)).ok();
    let committed: Option<Facts> = committed.and_then(|text| serde_json::from_str(&text).ok());
    if let Some(committed) = committed {
        let as_before = facts.with_costs_of(&committed);
        if stale(folder, &pages(&as_before)?)?.is_empty() {
            bail!(
                "only what calls cost has changed, in instructions: {}. A trampoline was changed, or the ops' Rust code was \
                 compiled otherwise; {REFRESH}",
                committed.changed_costs(facts).join("; ")
            );
        }
    }
    bail!("stale: {}. {REFRESH}", found.join(", "));
}
