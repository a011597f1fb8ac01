//! What is read from a guest's console, and what is refused.

use super::{Account, Facts};

/// A guest with one design and one row.
const CONSOLE: &str = "\
ok 1 matrix::rust::caller_local
# The matrix: a table for people
# cell\tcaller local\tRust\tnone\twrong TOC\twrong TOC\t
# design\tnone\t81\t0\t0
# call\ta site's nop\t1
# field\tFrameHeader\ttoc_save\t24\t8
# size\tFrameHeader\t32
# count\tcells executed\t1
";

fn facts(console: &str) -> Facts {
    Account::read(console).unwrap().facts
}

fn error(console: &str) -> String {
    Account::read(console).unwrap_err().to_string()
}

#[test]
fn a_console_is_read() {
    let account = Account::read(CONSOLE).unwrap();
    assert_eq!(account.counts, ["1 cells executed"]);
    let facts = account.facts;
    assert_eq!(facts.designs[0].instructions, 81);
    assert_eq!(facts.situations[0].cells[0].outcome, "wrong TOC");
    assert!(!facts.situations[0].cells[0].is_right());
    assert_eq!(facts.field("FrameHeader", "toc_save").unwrap().offset, 24);
    assert_eq!(facts.size("FrameHeader").unwrap(), 32);
    assert!(facts.field("FrameHeader", "lr_save").is_err());
    assert!(facts.size("ReturnRecord").is_err());
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(error("ok 1 nothing\n"), "the guest says nothing of the matrix");
    let uncounted = CONSOLE.replace("none\t81", "none\t-");
    assert_eq!(
        error(&uncounted),
        "the guest did not count the instructions of none"
    );
    let second_design = format!("{CONSOLE}# design\tmini-frame\t94\t32\t0\n");
    assert!(error(&second_design).contains("'caller local' in Rust does not have one cell for each"));
    let row = "# cell\tcaller local\tC\tnone\twrong TOC\twrong TOC\t\n";
    let again = CONSOLE.lines().find(|line| line.starts_with("# cell")).unwrap();
    let twice = format!("{CONSOLE}{row}{again}\n");
    assert_eq!(error(&twice), "the guest has two rows 'caller local' in Rust");
}

#[test]
fn differences_are_named() {
    let one = facts(CONSOLE);
    assert_eq!(one.difference(&one), None);
    let slower = facts(&CONSOLE.replace("none\t81", "none\t82"));
    assert_eq!(
        one.difference(&slower).unwrap(),
        "instructions of none 82 instead of 81"
    );
    assert_eq!(slower.with_costs_of(&one), one);
    let right = facts(&CONSOLE.replace("wrong TOC", "RIGHT"));
    let words = one.difference(&right).unwrap();
    assert_eq!(words, "'caller local' in Rust under none: wrong TOC and RIGHT");
    let moved = facts(&CONSOLE.replace("24\t8", "16\t8"));
    assert_eq!(
        one.difference(&moved).unwrap(),
        "the rows, the sizes or the layouts"
    );
}
