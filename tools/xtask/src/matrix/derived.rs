//! What was derived from the designs' code before anything was executed, compared with what came out.

use super::facts::{Cell, Facts, Situation};
use anyhow::{Result, bail};
use std::fmt::Write as _;

/// Where to say more.
const FILE: &str = "tools/xtask/src/matrix/derived.rs";

/// The designs that were thought about.
const DESIGNS: [&str; 3] = ["mini-frame", "caller-frame", "livepatch-stack"];

/// What was thought of a cell.
#[derive(Clone, Copy)]
enum Claim {
    Right,
    /// In any way.
    Wrong,
    /// In this way.
    So(&'static str),
    /// Not quite decided, in these words.
    Open(&'static str),
}

use Claim::{Open, Right, So, Wrong};

const WRONG_TOC: Claim = So("wrong TOC");
const HIDDEN: Claim = So("A hidden");

/// Rows of the table, each with what was thought of it under [`DESIGNS`]. A name that ends with a colon is that of all rows
/// that begin so.
const CLAIMS: &[(&str, [Claim; 3])] = &[
    ("caller local", [Right, Right, Right]),
    ("caller in another object", [Right, WRONG_TOC, Right]),
    ("function pointer from elsewhere", [Right, WRONG_TOC, Right]),
    ("no TOC, caller elsewhere", [Right, WRONG_TOC, Right]),
    ("9 integers", [Wrong, Right, Right]),
    ("12 integers", [Wrong, Right, Right]),
    ("struct of 96 bytes by value", [Wrong, Right, Right]),
    ("five slices", [Wrong, Right, Right]),
    ("variadic with 3 values", [Wrong, Right, Right]),
    ("variadic with 12 values", [Wrong, Right, Right]),
    ("recursion 1 deep", [Right, Right, Right]),
    ("recursion 10 deep", [Right, Right, Right]),
    ("recursion 200 deep", [Right, Right, Right]),
    ("mutual recursion", [Right, Right, Right]),
    ("sibling call", [WRONG_TOC, So("wild jump"), Right]),
    (
        "sibling call, caller elsewhere",
        [Right, So("wild jump"), WRONG_TOC],
    ),
    ("chain of 3", [Right, So("endless loop"), Right]),
    ("chain of 3, caller elsewhere", [Right, So("endless loop"), Right]),
    ("graph tracer on B as well", [Right, Open("risky"), Right]),
    ("unwinder:", [Right, HIDDEN, HIDDEN]),
    ("back chains:", [Right, HIDDEN, HIDDEN]),
    ("every instruction:", [Open("right after the stdu"), Right, Right]),
];

/// Why it came out otherwise in these rows, under this design.
const REASONS: &[(&[&str], &str, &str)] = &[
    (
        &["no TOC, caller elsewhere"],
        "caller-frame",
        "A B without a TOC pointer of its own is entered with A's r2: what goes to 24(r1) is what A had saved there.",
    ),
    (
        &[
            "recursion 1 deep",
            "recursion 10 deep",
            "recursion 200 deep",
            "mutual recursion",
        ],
        "caller-frame",
        "C is in another object than the B that it calls: at every level but the first it is a caller in another object, \
         whose 24(r1) is written over.",
    ),
    (
        &["chain of 3"],
        "mini-frame",
        "C calls the second function through a stub, which stores C's r2 at 24(r1): over A's TOC, in the mini frame.",
    ),
    (
        &["chain of 3, caller elsewhere"],
        "livepatch-stack",
        "The same stub stores C's r2 at 24(r1) of A's frame, from where A reloads its own.",
    ),
    (
        &["graph tracer on B as well"],
        "caller-frame",
        "The tracer's return address is in LR before the design looks there, and near enough to the TOC for 32 bits.",
    ),
    (
        &["unwinder:"],
        "caller-frame",
        "What was derived holds for back chains. The unwinder adds A's return address up as the helper does.",
    ),
    (
        &["unwinder:"],
        "livepatch-stack",
        "The same: the unwinder reads the records, and proves their order by walking on to the thread's first function.",
    ),
    (
        &["every instruction:"],
        "mini-frame",
        "Before the `stdu` only 16(r1) of A's frame is written, which is a callee's to write.",
    ),
];

impl Claim {
    fn holds(self, cell: &Cell) -> bool {
        match self {
            Right => cell.is_right(),
            Wrong => !cell.is_right(),
            So(way) => cell.outcome == way,
            Open(_) => false,
        }
    }

    fn shown(self) -> &'static str {
        match self {
            Right => "RIGHT",
            Wrong => "wrong",
            So(text) | Open(text) => text,
        }
    }
}

/// Whether a row is meant by a name in the tables above.
fn means(name: &str, row: &Situation) -> bool {
    row.name == name || name.ends_with(':') && row.name.starts_with(name)
}

/// Cells that came out otherwise than derived, in the same way and for the same reason.
struct Difference {
    situations: Vec<String>,
    design: String,
    derived: &'static str,
    executed: String,
    reason: &'static str,
}

/// Every cell of which something was derived, with what that is.
fn derived(facts: &Facts) -> Result<Vec<(&Situation, &Cell, Claim)>> {
    let mut cells = Vec::new();
    for (name, claims) in CLAIMS {
        let before = cells.len();
        for row in facts.situations.iter().filter(|row| means(name, row)) {
            for (design, claim) in DESIGNS.into_iter().zip(*claims) {
                let cell = row
                    .cells
                    .iter()
                    .find(|cell| cell.design == design && cell.reason.is_empty());
                cells.extend(cell.map(|cell| (row, cell, claim)));
            }
        }
        if cells.len() == before {
            bail!("{FILE}: the matrix has no situation '{name}'");
        }
    }
    Ok(cells)
}

/// Why a cell came out otherwise.
fn reason(row: &Situation, cell: &Cell) -> Option<&'static str> {
    let found = REASONS
        .iter()
        .find(|(names, design, _)| *design == cell.design && names.iter().any(|name| means(name, row)));
    found.map(|(_, _, reason)| *reason)
}

/// The cells that came out otherwise; what has one reason is one difference.
fn differences(cells: Vec<(&Situation, &Cell, Claim)>) -> Result<Vec<Difference>> {
    let mut differences: Vec<Difference> = Vec::new();
    let mut unexplained = Vec::new();
    for (row, cell, claim) in cells.into_iter().filter(|(_, cell, claim)| !claim.holds(cell)) {
        let (situation, design, executed) = (row.name.clone(), cell.design.clone(), cell.outcome.clone());
        let derived = claim.shown();
        let Some(reason) = reason(row, cell) else {
            unexplained.push(format!(
                "'{situation}' under {design}: {derived} was derived, {executed} came out"
            ));
            continue;
        };
        let same = differences
            .iter_mut()
            .find(|other| other.reason == reason && (&other.design, &other.executed) == (&design, &executed));
        match same {
            // In another language.
            Some(same) if same.situations.contains(&situation) => {}
            Some(same) => same.situations.push(situation),
            None => differences.push(Difference {
                situations: vec![situation],
                design,
                derived,
                executed,
                reason,
            }),
        }
    }
    if !unexplained.is_empty() {
        bail!("{FILE} does not say why\n  {}", unexplained.join("\n  "));
    }
    Ok(differences)
}

/// The section of the page.
///
/// # Errors
/// A situation is not in the matrix, or a difference has no reason.
pub(super) fn section(facts: &Facts) -> Result<String> {
    let cells = derived(facts)?;
    let mut text = format!(
        "Before anything was executed, {} of these cells had been derived by reading the designs' code. Where the two\n\
         differ, the execution is right:\n\n\
         | situation | return design | derived | executed | why |\n|---|---|---|---|---|\n",
        cells.len()
    );
    for Difference {
        situations,
        design,
        derived,
        executed,
        reason,
    } in differences(cells)?
    {
        let situations = situations.join("; ");
        _ = writeln!(
            text,
            "| {situations} | `{design}` | {derived} | {executed} | {reason} |"
        );
    }
    Ok(text)
}
