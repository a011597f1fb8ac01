//! What was derived from the designs' code before anything was executed, compared with what came out.

use super::facts::{Cell, Facts, Situation};
use anyhow::{Result, bail};
use std::fmt::Write as _;

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

/// Rows of the table, each with what was thought of it under [`DESIGNS`].
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
    (
        "every instruction: invariants",
        [Open("right after the stdu"), Right, Right],
    ),
    (
        "every instruction: thread switch",
        [Open("right after the stdu"), Right, Right],
    ),
    (
        "every instruction: interrupt calls",
        [Open("right after the stdu"), Right, Right],
    ),
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
        &[
            "every instruction: invariants",
            "every instruction: thread switch",
            "every instruction: interrupt calls",
        ],
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

/// The cells of one design that came out otherwise than thought, in every language of a situation.
fn otherwise<'f>(rows: &[&'f Situation], design: &str, claim: Claim) -> Vec<(&'f str, &'f str)> {
    let mut found = Vec::new();
    for row in rows {
        let cell = row.cells.iter().find(|cell| cell.design == design);
        if let Some(cell) = cell.filter(|cell| !claim.holds(cell)) {
            found.push((row.language.as_str(), cell.outcome.as_str()));
        }
    }
    found
}

/// The section of the page.
///
/// # Errors
/// A situation is not in the matrix, or a difference has no reason.
pub(super) fn section(facts: &Facts) -> Result<String> {
    let mut lines = String::new();
    let mut unexplained = Vec::new();
    let mut cells = 0;
    for (name, claims) in CLAIMS {
        let rows: Vec<&Situation> = facts.situations.iter().filter(|row| row.name == *name).collect();
        if rows.is_empty() {
            bail!("tools/xtask/src/matrix/derived.rs: the matrix has no situation '{name}'");
        }
        for (design, claim) in DESIGNS.into_iter().zip(*claims) {
            cells += rows.len();
            let found = otherwise(&rows, design, claim);
            let Some((_, outcome)) = found.first() else {
                continue;
            };
            let languages: Vec<&str> = found.iter().map(|(language, _)| *language).collect();
            let reason = REASONS
                .iter()
                .find(|(rows, column, _)| rows.contains(name) && *column == design);
            let Some((_, _, reason)) = reason else {
                unexplained.push(format!(
                    "'{name}' under {design}: {} was derived, {outcome} came out",
                    claim.shown()
                ));
                continue;
            };
            _ = writeln!(
                lines,
                "| {name} | {} | `{design}` | {} | {outcome} | {reason} |",
                languages.join(", "),
                claim.shown()
            );
        }
    }
    if !unexplained.is_empty() {
        bail!(
            "tools/xtask/src/matrix/derived.rs does not say why\n  {}",
            unexplained.join("\n  ")
        );
    }
    Ok(format!(
        "Before anything was executed, {cells} of these cells had been derived by reading the designs' code. Where the two\n\
         differ, the execution is right:\n\n\
         | situation | in | return design | derived | executed | why |\n|---|---|---|---|---|---|\n{lines}"
    ))
}
