//! The scan against debug information, over every function of the kernel image and of the fixture in C.
//!
//! The two know nothing of each other: one reads instructions, the other types, locations of parameters and unwind tables.
//! Where they disagree one of them is wrong, or sees what the other cannot; each such function is in a list with the
//! reason. A disagreement that is not in the list fails, and so does a row that nothing needs any more.

use crate::binary::Binary;
use crate::dwarf::{self, Described};
use crate::tools;
use kernel_core::glob;
use kernel_core::scan::{CallerArea, Facts};
use rustc_demangle::demangle;
use std::collections::BTreeSet;

/// How the two disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disagreement {
    /// Debug information has arguments on the stack, and the code does not touch them.
    NotFound,
    /// The code uses its caller's frame, and debug information knows of no reason.
    NotDescribed,
    /// The scan cannot tell.
    Undecided,
}

use Disagreement::{NotDescribed, NotFound, Undecided};

/// Functions by a pattern for their names, with the reason.
type Known = [(&'static str, Disagreement, &'static str)];

const KERNEL: &Known = &[
    (
        "*a_sacrificial_thread_dies_alone*",
        Undecided,
        "executes a word that is no instruction",
    ),
    (
        "kernel::thread::tests::lose_the_stack",
        Undecided,
        "sets r1 to a number",
    ),
    (
        "*kernel::exceptions::tests::jump::*",
        Undecided,
        "goes wherever the case wants",
    ),
    (
        "arch::trap::illegal_instruction",
        Undecided,
        "executes a word that is no instruction",
    ),
    (
        "kernel::selftest::fault",
        Undecided,
        "executes a word that is no instruction",
    ),
    (
        "kernel::matrix::subjects::variadic::b_variadic_*",
        NotDescribed,
        "variadic, for which rustc has no mark",
    ),
    (
        "kernel::matrix::subjects::arguments::b_struct_96",
        NotDescribed,
        "takes a struct by value, of which rustc describes one doubleword",
    ),
];

/// Disagreements that come and go with the compiler's version: nothing asks whether they are needed.
const SOMETIMES: &Known = &[(
    "kernel::unwind::tables::row_at",
    NotDescribed,
    "walks through its large frame with stores that advance their own pointer; where that loop ends is not followed",
)];

const C_PLAIN: &Known = &[];

const C_OPTIMISED: &Known = &[
    (
        "ignores",
        NotFound,
        "has ten arguments and does not look at the last two",
    ),
    (
        "leaves_to_ten",
        NotFound,
        "leaves its stack arguments to the function that it ends in",
    ),
];

/// What the debug information of an image says of its arguments on the stack; `None` when it cannot tell.
fn described(function: &Described) -> Option<bool> {
    let (least, most) = function.words;
    match function.on_stack.is_some() || function.variadic || least > 8 {
        true => Some(true),
        false if most > 8 => None,
        false => Some(false),
    }
}

/// What the function's own code does, without that of functions it is left to.
fn found(facts: &Facts) -> bool {
    let own = |area: Option<CallerArea>| area.is_some_and(|area| !area.first.in_sibling);
    own(facts.stack_arguments) || own(facts.register_spill)
}

fn compare(what: &str, bytes: Vec<u8>, known: &Known) {
    let described_functions = dwarf::read(&bytes);
    let image = Binary::image(bytes);
    let (mut compared, mut both, mut unsure, mut bare) = (0, 0, 0, 0);
    let mut needed = BTreeSet::new();
    let mut new = Vec::new();
    for symbol in image.functions.values().filter(|symbol| symbol.size > 0) {
        let Some(function) = described_functions.get(&symbol.address) else {
            // Only what is written in assembly, or by the compiler itself, may lack a description.
            let name = format!("{:#}", demangle(&symbol.name));
            let expected = !symbol.name.starts_with("_R") || name.starts_with("__rustc::");
            assert!(expected, "{name} is not in the debug information");
            bare += 1;
            continue;
        };
        let facts = image.scan(symbol);
        compared += 1;
        let mut disagreements = Vec::new();
        match (found(&facts), described(function)) {
            (true, Some(true)) => both += 1,
            (true, Some(false)) => disagreements.push(NotDescribed),
            (false, Some(true)) => disagreements.push(NotFound),
            (false, Some(false)) => {}
            (_, None) => unsure += 1,
        }
        if facts.undecided.iter().any(|undecided| !undecided.at.in_sibling) {
            disagreements.push(Undecided);
        }
        let name = format!("{:#}", demangle(&symbol.name));
        for kind in disagreements {
            let row = known
                .iter()
                .position(|row| row.1 == kind && glob::matches(row.0, &name));
            let comes_and_goes = |row: &(&str, _, _)| row.1 == kind && glob::matches(row.0, &name);
            match row {
                Some(row) => _ = needed.insert(row),
                None if SOMETIMES.iter().any(comes_and_goes) => {}
                None => new.push(format!("{kind:?}: {name}: {facts:?}, {function:?}")),
            }
        }
    }
    println!(
        "{what}: {compared} functions compared, {both} with stack arguments or spills in both, {} in the list, \
         {unsure} that DWARF cannot tell, {bare} without any",
        needed.len()
    );
    assert!(compared > 0, "no function has debug information");
    assert!(new.is_empty(), "{what}: not in the list:\n{}", new.join("\n"));
    let stale = known.iter().enumerate().find(|(row, _)| !needed.contains(row));
    assert!(stale.is_none(), "{what}: nothing needs this row: {stale:?}");
}

#[test]
fn the_kernel_agrees_with_its_debug_information() {
    compare("kernel", tools::kernel().image.clone(), KERNEL);
}

#[test]
fn c_agrees_with_its_debug_information() {
    compare("C -O0", tools::gcc(&["-O0"]), C_PLAIN);
    compare("C -O2", tools::gcc(&["-O2"]), C_OPTIMISED);
}
