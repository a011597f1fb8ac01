//! The page for people: the matrix, what each design costs, where it keeps what A needs, and what was thought before.

use super::facts::{Call, Cell, Design, Facts, Situation};
use super::{derived, picture};
use anyhow::Result;
use std::fmt::Write as _;

const HEAD: &str = "\
<!-- Made by `cargo xtask matrix` from what a boot says. Edit tools/xtask/src/matrix, not this page. -->

# The matrix: every return design in every situation, executed

A calls B, B's calls go to C, and C has another TOC. A column is a *return design*: how C's return gets back to A with
A's TOC ([designs.md](designs.md) describes them). A row is a situation. A cell says what happened when the call was made,
in a thread that may come to harm, on an emulated POWER9; POWER8 and POWER10 give the same. `cargo xtask matrix`
makes this page and [matrix.json](matrix.json), which has the same for programs.

## How to read it

- **in**: what A, B and C are written in. *Rust*: A and B are in the kernel, C in a module. *C*: A and B are in one module,
  C in another. Where both languages are named, both came out the same.
- RIGHT: C got A's arguments, A got C's result, and A read its own static through r2 afterwards. In the rows of the unwinder:
  A and its caller were found. Everything else is wrong, in one of these ways:
";

/// What each way to be wrong means.
const WAYS: &[(&str, &str)] = &[
    (
        "wrong TOC",
        "A went on with an r2 that is not A's, and read something else in place of its static.",
    ),
    (
        "argument",
        "C got another value for the argument of this number, counted in doublewords from 1.",
    ),
    ("wrong result", "A got another result than C had returned."),
    (
        "A overwritten",
        "A's frame header was written over, and the thread went to where an argument's value points.",
    ),
    ("wild jump", "The thread went to an address where nothing is."),
    (
        "endless loop",
        "The thread did not come back, and was ended when its time was over.",
    ),
    (
        "stopped",
        "A return helper met what it must not meet, and stopped the thread.",
    ),
    ("A hidden", "A walk of the stack does not find A."),
    (
        "wrong events",
        "A tracer on the same function saw other calls than there were.",
    ),
    (
        "bad stack",
        "r1 or the back chain was not what the ABI demands at every instruction.",
    ),
    (
        "does not apply",
        "The situation cannot exist under the design; the reason is below the table.",
    ),
];

const CAVEAT: &str = "\
## The caveat of `mini-frame`

In 2016, when a frame between A and C was proposed, its author wrote that it \"shifts the stack layout … relevant for
functions with more than 8 fixed integer arguments or for any varargs creator\", and asked: \"Where shall we put this
warning?\" Here, and at the head of [mini_frame.S](../arch/ppc64/src/livepatch/mini_frame.S), and in the message that refuses
such a patch: C finds its frame {size} bytes further down than B would have. Arguments that lie on the stack, from
{arguments}(r1) of A's frame on, are read {size} bytes too low; a function that stores its register arguments in front of
them stores them over A's frame header. **Functions that take arguments on the stack must not be patched under this design.**
";

/// Makes the page.
///
/// # Errors
/// The guest does not say all that the page needs.
pub(super) fn page(facts: &Facts) -> Result<String> {
    let mut page = HEAD.to_owned();
    for (way, meaning) in WAYS.iter().filter(|(way, _)| occurs(way, facts)) {
        _ = writeln!(page, "  - *{way}*: {meaning}");
    }
    page += "\n## What came out\n\n";
    page += &matrix(facts);
    page += &reasons(facts);
    page += "\n## What it costs\n\n";
    page += &costs(facts)?;
    page += "\n## Where A's things are while C runs\n\n";
    page += "Drawn from the offsets that the trampolines are assembled with. Addresses grow upwards.\n\n";
    for design in &facts.designs {
        let (name, file) = (&design.name, picture::file(&design.name));
        _ = writeln!(page, "![{name}: the stacks while C runs]({file})\n");
    }
    let caveat = CAVEAT.replace("{size}", &facts.size("FrameHeader")?.to_string());
    page += &caveat.replace("{arguments}", &facts.size("stack arguments")?.to_string());
    page += "\n## What was derived, and what was executed\n\n";
    page += &derived::section(facts)?;
    Ok(page)
}

/// Whether a way to be wrong is in the table.
fn occurs(way: &str, facts: &Facts) -> bool {
    let mut cells = facts.situations.iter().flat_map(|row| &row.cells);
    cells.any(|cell| cell.outcome.starts_with(way))
}

/// One line of a table.
fn row(cells: impl IntoIterator<Item = String>) -> String {
    let mut line = String::from("|");
    for cell in cells {
        _ = write!(line, " {} |", cell.replace('|', "\\|"));
    }
    line + "\n"
}

/// A table's head: the first columns are text, the others too.
fn head(columns: &[String]) -> String {
    row(columns.iter().cloned()) + &"|---".repeat(columns.len()) + "|\n"
}

fn code(name: &str) -> String {
    format!("`{name}`")
}

fn shown(cell: &Cell) -> String {
    if cell.is_right() || !cell.reason.is_empty() {
        cell.outcome.clone()
    } else {
        format!("**{}**", cell.outcome)
    }
}

/// The rows; languages that came out the same share one.
fn matrix(facts: &Facts) -> String {
    let mut merged: Vec<(&Situation, Vec<&str>)> = Vec::new();
    for row in &facts.situations {
        let same =
            |(other, _): &&mut (&Situation, Vec<&str>)| other.name == row.name && other.cells == row.cells;
        match merged.iter_mut().find(same) {
            Some((_, languages)) => languages.push(&row.language),
            None => merged.push((row, vec![&row.language])),
        }
    }
    let designs = facts.designs.iter().map(|design| code(&design.name));
    let columns: Vec<String> = ["situation".to_owned(), "in".to_owned()]
        .into_iter()
        .chain(designs)
        .collect();
    let mut table = head(&columns);
    for (situation, languages) in merged {
        let first = [situation.name.clone(), languages.join(", ")];
        table += &row(first.into_iter().chain(situation.cells.iter().map(shown)));
    }
    table
}

/// Why cells do not apply.
fn reasons(facts: &Facts) -> String {
    let mut lines = Vec::new();
    for row in &facts.situations {
        for cell in row.cells.iter().filter(|cell| !cell.reason.is_empty()) {
            let line = format!(
                "- {}, {}, does not apply: {}\n",
                row.name, row.language, cell.reason
            );
            if lines.last() != Some(&line) {
                lines.push(line);
            }
        }
    }
    if lines.is_empty() {
        String::new()
    } else {
        format!("\n{}", lines.concat())
    }
}

fn costs(facts: &Facts) -> Result<String> {
    let mut text = String::from(
        "Counted in guest instructions, where time passes by them: a loop of calls with the hook, less the same loop without.\n\
         B and C are a nop and a return each, so what is counted is the way between them.\n\n",
    );
    text += &head(&[
        "return design".into(),
        "instructions a patched call more than unpatched".into(),
        "bytes of A's stack while C runs".into(),
        "bytes of a stack of its own".into(),
    ]);
    for Design {
        name,
        instructions,
        stack_bytes,
        record_bytes,
    } in &facts.designs
    {
        text += &row([
            code(name),
            instructions.to_string(),
            stack_bytes.to_string(),
            record_bytes.to_string(),
        ]);
    }
    _ = writeln!(
        text,
        "\nBefore C begins the common trampoline has had a frame of its own of {} bytes, which is gone again.\n",
        facts.size("FtraceFrame")?
    );
    text += &head(&[
        "hooked by".into(),
        "instructions a call more than without the hook".into(),
    ]);
    for Call {
        hooked_by,
        instructions,
    } in &facts.hooked_calls
    {
        text += &row([hooked_by.clone(), instructions.to_string()]);
    }
    Ok(text)
}
