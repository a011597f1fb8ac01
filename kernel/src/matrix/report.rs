//! What came out, as a table on the console: rows situations, columns return designs, below them what each design costs.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem::size_of;

use arch::ftrace::FtraceFrame;
use arch::livepatch::ReturnDesign;

use super::run::{Row, results};
use super::table::SITUATIONS;
use super::{Language, Outcome, cost, lines, stops};
use crate::{boot_arguments, ensure, ftrace, ktest, println};

/// What `matrix=` takes: whether the host's tools want to read the outcome too.
const FORMS: &[(&str, bool)] = &[("table", false), ("lines", true)];

const DESIGNS: usize = ReturnDesign::ALL.len();

/// Columns of the console that the longest name of a situation, and the names of its languages, take.
const SITUATION: usize = 35;
const LANGUAGE: usize = 8;

/// Columns that the longest outcome takes.
const OUTCOME: usize = "does not apply".len();

/// Columns that no line exceeds, with the `# ` in front of it.
const WIDTH: usize = 120;

/// Rows of the same name that came out the same, as one.
struct Merged {
    name: &'static str,
    languages: Vec<&'static str>,
    outcomes: [Option<Outcome>; DESIGNS],
}

fn merged(rows: &[Row]) -> Vec<Merged> {
    let mut all: Vec<Merged> = Vec::new();
    for row in rows {
        let language = row.situation.language.name();
        match all
            .iter_mut()
            .find(|other| other.name == row.situation.name && other.outcomes == row.outcomes)
        {
            Some(same) => same.languages.push(language),
            None => all.push(Merged {
                name: row.situation.name,
                languages: Vec::from([language]),
                outcomes: row.outcomes,
            }),
        }
    }
    all
}

/// One line of the table.
fn line(name: &str, languages: &str, cells: &[String]) -> String {
    let mut line = format!("{name:<SITUATION$}{languages:<LANGUAGE$}");
    for (cell, design) in cells.iter().zip(ReturnDesign::ALL) {
        let width = OUTCOME.max(design.name().len()) + 1;
        line += &format!("{cell:<width$}");
    }
    line.truncate(line.trim_end().len());
    line
}

/// One cell for each design.
fn cells<T>(values: impl IntoIterator<Item = T>, show: impl Fn(T) -> String) -> Vec<String> {
    values.into_iter().map(show).collect()
}

/// A number of instructions, or a word where nobody counts them.
fn shown(instructions: Option<u64>) -> String {
    instructions.map_or("not counted".to_string(), |count| count.to_string())
}

/// Why situations cannot exist.
fn reasons(rows: &[Merged]) -> Vec<String> {
    let mut reasons = Vec::new();
    for row in rows {
        for outcome in &row.outcomes {
            if let Some(Outcome::DoesNotApply(reason)) = outcome {
                let reason = format!(
                    "{}, {}, does not apply: {reason}",
                    row.name,
                    row.languages.join(", ")
                );
                if reasons.last() != Some(&reason) {
                    reasons.push(reason);
                }
            }
        }
    }
    reasons
}

/// The table of the situations that were run.
fn table(rows: &[Row]) -> Vec<String> {
    let merged = merged(rows);
    let header = line(
        "situation",
        "in",
        &cells(ReturnDesign::ALL, |design| design.to_string()),
    );
    let outcome =
        |outcome: Option<Outcome>| outcome.map_or("NOT RUN".to_string(), |outcome| outcome.to_string());
    let body = merged
        .iter()
        .map(|row| line(row.name, &row.languages.join(", "), &cells(row.outcomes, outcome)));
    let mut lines = Vec::from([header]);
    lines.extend(body);
    lines.extend(reasons(&merged));
    lines
}

/// What every design costs; nothing where that was not measured.
fn costs() -> Vec<String> {
    let designs = cost::designs();
    if designs.is_empty() {
        return Vec::new();
    }
    let row = |name, show: &dyn Fn(&cost::DesignCost) -> String| {
        let of = |design| designs.iter().find(|cost| cost.design == design);
        line(
            name,
            "",
            &cells(ReturnDesign::ALL, |design| {
                of(design).map_or("refused".to_string(), show)
            }),
        )
    };
    let mut lines = Vec::from([
        row("extra instructions a patched call", &|cost| {
            shown(cost.instructions)
        }),
        row("bytes of A's stack while C runs", &|cost| {
            cost.bytes.stack.to_string()
        }),
        row("bytes of a stack of its own", &|cost| {
            cost.bytes.record.to_string()
        }),
        format!(
            "The trampoline's own frame, {} bytes, is gone before C begins.",
            size_of::<FtraceFrame>()
        ),
    ]);
    let calls = cost::calls();
    lines.extend(calls.iter().map(|call| {
        format!(
            "{:<SITUATION$}{:<LANGUAGE$}{:<15}{}",
            "extra instructions a hooked call",
            "",
            shown(call.instructions),
            call.hooked
        )
    }));
    if designs.iter().any(|cost| cost.instructions.is_none()) {
        lines.push("Instructions are counted where time passes by them: run with --icount.".to_string());
    }
    lines
}

/// How many of what there were.
pub(super) fn counts(rows: &[Row]) -> Vec<(&'static str, u64)> {
    let executed = |outcome: &&Option<Outcome>| !matches!(outcome, None | Some(Outcome::DoesNotApply(_)));
    let cells = rows.iter().flat_map(|row| &row.outcomes);
    let mut counts = Vec::from([
        ("cells executed", cells.filter(executed).count() as u64),
        (
            "cells of return-stack again, by a choice and through a trampoline, with the same outcome",
            rows.iter().map(|row| row.again).sum(),
        ),
        ("stops before an instruction", stops()),
        (
            "sites of the kernel",
            ftrace::kernel_site_addresses().count() as u64,
        ),
    ]);
    counts.extend(cost::start().map(|instructions| {
        (
            "instructions from the kernel's start to the first case",
            instructions,
        )
    }));
    counts
}

/// Prints what came out in this boot; nothing when nothing of the matrix has run.
pub fn print() {
    let rows = results();
    let costs = costs();
    if rows.is_empty() && costs.is_empty() {
        return;
    }
    let mut text = Vec::new();
    if !rows.is_empty() {
        text.push(
            "The matrix: A called B, and C ran in B's place. RIGHT: everybody got what was his. What is not"
                .to_string(),
        );
        text.push("RIGHT is WRONG, in the way that the cell says.".to_string());
        text.extend(table(&rows));
    }
    text.extend(costs);
    let counts = counts(&rows);
    let counts: Vec<String> = counts
        .iter()
        .map(|(what, number)| format!("{number} {what}"))
        .collect();
    text.push(counts.join(", "));
    println!("#");
    text.iter().for_each(|line| println!("# {line}"));
    if boot_arguments::choice("matrix", FORMS) == Some(true) {
        lines::print(&rows);
    }
}

ktest! {
    fn the_table_is_120_columns_wide() {
        let languages = [Language::Rust, Language::C].map(Language::name).join(", ");
        let widest = [Outcome::DoesNotApply(""); DESIGNS];
        for situation in SITUATIONS {
            let line = line(situation.name, &languages, &cells(widest, |outcome| outcome.to_string()));
            ensure!(2 + line.len() <= WIDTH, "{} columns: {line}", 2 + line.len());
        }
        Ok(())
    }
}
