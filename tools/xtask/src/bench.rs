//! `cargo xtask bench`: boots the kernel's bench, twice, and puts its figures beside Linux's and beside the budgets.
//!
//! What is measured is the guest's (`kernel/src/bench`); what Linux takes and what is budgeted is in `table.rs`, and nothing
//! else is typed in. The committed figures, `docs/bench.json`, are the baseline: with `--check` a row that has moved by more
//! than [`compare::TOLERANCE`] fails, whichever way, so that who moves it moves the baseline too; and the page and its charts
//! must be those that are made from it.

mod chart;
mod compare;
mod figures;
mod page;
mod screen;
mod table;

use crate::abi::Abi;
use crate::machine::Cpu;
use crate::verdict::Verdict;
use crate::{counted, initrd, interrupt, prebuilt, workspace};
use anyhow::{Context, Result, bail};
use clap::Args;
use figures::Figures;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long one boot may take.
const TIMEOUT: Duration = Duration::from_secs(300);
/// The figures, for programs: below `target` those of this run, below `docs` the baseline.
const JSON: &str = "bench.json";
/// The page for people.
const PAGE: &str = "bench.md";
/// The command that moves the baseline.
const REFRESH: &str = "`cargo xtask bench` moves the baseline, and makes the pages anew";

/// The boots: how many CPUs, and what the kernel shall run. With a shell it tells what memory is in use, and ends.
const BOOTS: [(u16, &str); 4] = [
    (1, "case=bench::*"),
    (1, "shell"),
    (2, "case=bench::cpus"),
    (4, "case=bench::cpus"),
];

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing below docs; fail if a row has moved by more than 3 %, or if the pages are not those of the baseline
    #[arg(long)]
    check: bool,
    /// Say what has changed since these figures were taken
    #[arg(long, value_name = "OLD.json")]
    compare: Option<PathBuf>,
    /// Take the figures from this file, and boot nothing
    #[arg(long, value_name = "FILE")]
    figures: Option<PathBuf>,
    /// Where the baseline and the pages are [default: docs]
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,
}

/// Measures, and writes or compares the pages.
///
/// # Errors
/// Nothing could be booted, two boots did not agree, a row has moved, or a page is stale.
pub(crate) fn bench(options: &Options) -> Result<ExitCode> {
    // Before anything takes its time.
    let old = options.compare.as_deref().map(Figures::read).transpose()?;
    let figures = match &options.figures {
        Some(path) => Figures::read(path)?,
        None => match measure()? {
            Ok(figures) => figures,
            Err(verdict) => {
                verdict.print();
                return Ok(verdict.exit_code());
            }
        },
    };
    let table = table::fill(&figures)?;
    print!("{}", screen::table(&table));
    if options.figures.is_none() {
        let folder = workspace::target().join("bench");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        write(&folder.join(JSON), &figures.json()?)?;
    }
    if let (Some(old), Some(path)) = (old, &options.compare) {
        println!("\nChanged since {}:", path.display());
        print!("{}", compare::changes(&old, &figures));
    }
    let docs = options
        .docs
        .clone()
        .unwrap_or_else(|| workspace::root().join("docs"));
    if options.check {
        check(&docs, &figures)?;
    } else {
        for (name, content) in pages(&figures)? {
            write(&docs.join(name), &content)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A file's name and content.
type Page = (String, String);

/// Boots everything twice. The inner error is the verdict on a boot that did not pass.
fn measure() -> Result<Result<Figures, Verdict>> {
    let parts = prebuilt::get(Abi::Toc)?;
    let initrd = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    fs::write(initrd.path(), initrd::pack(&parts, &[])?).context("cannot write the initrd")?;
    interrupt::prepare()?;
    let mut figures = Figures::default();
    for (smp, what) in BOOTS {
        let start = Instant::now();
        let mut runs = Vec::new();
        for _ in 0..2 {
            match counted::boot(
                (Cpu::Power9, smp),
                &format!("bench {what}"),
                &parts.image,
                initrd.path(),
                TIMEOUT,
            )? {
                Ok(console) => runs.push(Figures::of_console(&console)?),
                Err(verdict) => return Ok(Err(verdict)),
            }
        }
        let [first, second] = [runs.swap_remove(0), runs.swap_remove(0)];
        let differing = first.differing(&second);
        if !differing.is_empty() {
            bail!(
                "two boots with --smp {smp} and {what} do not agree:\n  {}",
                differing.join("\n  ")
            );
        }
        println!(
            "{smp} CPUs, {what}: {} figures, the same in two boots; {} s",
            first.len(),
            start.elapsed().as_secs()
        );
        figures.add(first)?;
    }
    figures.add(Figures::of_image(&parts.image)?)?;
    Ok(Ok(figures))
}

/// The baseline and everything that is made from it.
fn pages(figures: &Figures) -> Result<Vec<Page>> {
    let table = table::fill(figures)?;
    let mut pages = vec![
        (JSON.to_owned(), figures.json()?),
        (PAGE.to_owned(), page::page(&table)),
    ];
    for group in &table {
        pages.push((chart::file(group.name), chart::chart(group)));
    }
    Ok(pages)
}

fn write(path: &Path, content: &str) -> Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", workspace::shown(path));
    Ok(())
}

fn check(docs: &Path, figures: &Figures) -> Result<()> {
    let baseline = Figures::read(&docs.join(JSON))?;
    let stale: Vec<String> = pages(&baseline)?
        .into_iter()
        .map(|(name, content)| (docs.join(name), content))
        .filter(|(path, content)| fs::read_to_string(path).ok().as_ref() != Some(content))
        .map(|(path, _)| workspace::shown(&path))
        .collect();
    if !stale.is_empty() {
        bail!("not what the baseline makes: {}. {REFRESH}", stale.join(", "));
    }
    let moved = compare::moved(&baseline, figures);
    if !moved.is_empty() {
        bail!(
            "moved away from the baseline:\n  {}\n{REFRESH}",
            moved.join("\n  ")
        );
    }
    println!(
        "{}: the bench's rows are where the baseline has them, and its pages are fresh",
        workspace::shown(docs)
    );
    Ok(())
}
