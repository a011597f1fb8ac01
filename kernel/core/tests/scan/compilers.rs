//! Functions in C and in Rust, without and with optimisation: what the scan must find in each, and nothing else.
//!
//! `args` counts stack arguments, `spill` argument registers that are spilled, `+` says "at least", `sibling` that the
//! function is left to another one, `in sibling` that this one does it.

use crate::binary::Binary;
use crate::tools;
use kernel_core::scan::{CallerArea, Facts};

fn area(name: &str, area: Option<CallerArea>) -> Option<String> {
    let area = area?;
    let more = if area.more { "+" } else { "" };
    let place = if area.first.in_sibling { " in sibling" } else { "" };
    Some(format!("{name} {}{more}{place}", area.doublewords))
}

/// The facts in a few words.
fn summary(facts: &Facts) -> String {
    let undecided = facts
        .undecided
        .iter()
        .map(|undecided| format!("{:?}", undecided.reason));
    area("args", facts.stack_arguments)
        .into_iter()
        .chain(area("spill", facts.register_spill))
        .chain(facts.dynamic_frame.map(|_| "dynamic".to_owned()))
        .chain((!facts.sibling_calls.is_empty()).then(|| "sibling".to_owned()))
        .chain(facts.toc_save_write.map(|_| "TOC save".to_owned()))
        .chain(facts.reserved_write.map(|_| "reserved".to_owned()))
        .chain(undecided)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The functions of a table, each with what is in it without and with optimisation.
type Table = [(&'static str, &'static str, &'static str)];

fn check(table: &Table, plain: Vec<u8>, optimised: Vec<u8>) {
    let images = [Binary::image(plain), Binary::image(optimised)];
    let found = |image: &Binary, name: &str| {
        let mut symbols = image.functions.values();
        let symbol = symbols.find(|symbol| symbol.name == name);
        symbol.map_or_else(|| "not there".to_owned(), |symbol| summary(&image.scan(symbol)))
    };
    let wrong: Vec<String> = table
        .iter()
        .flat_map(|(name, plain, optimised)| {
            let pairs = [("-O0", &images[0], plain), ("optimised", &images[1], optimised)];
            pairs.map(|(level, image, expected)| (*name, level, found(image, name), *expected))
        })
        .filter(|(_, _, found, expected)| found != expected)
        .map(|(name, level, found, expected)| {
            format!("{name} {level}: found '{found}', expected '{expected}'")
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for image in &images {
        let known = |name: &str| table.iter().any(|(row, ..)| *row == name);
        for symbol in image.functions.values().filter(|symbol| !known(&symbol.name)) {
            // What the library brings along, and none of it has many arguments.
            let facts = summary(&image.scan(symbol));
            assert!(
                symbol.name.starts_with("_R") && facts.is_empty(),
                "not in the table: {} {facts}",
                symbol.name
            );
        }
    }
}

#[test]
fn functions_in_c() {
    check(C, tools::gcc(&["-O0"]), tools::gcc(&["-O2"]));
}

/// With prefixed instructions, which are two words each.
#[test]
fn functions_in_c_without_a_toc() {
    let pcrel = |level| tools::gcc(&[level, "-mcpu=power10", "-mpcrel"]);
    let other = |name| C_WITHOUT_TOC.iter().find(|(row, ..)| *row == name);
    let table: Vec<_> = C.iter().map(|row| *other(row.0).unwrap_or(row)).collect();
    check(&table, pcrel("-O0"), pcrel("-O2"));
}

#[test]
fn functions_in_rust() {
    check(RUST, tools::rustc(0), tools::rustc(3));
}

/// What is otherwise without a TOC: far displacements are in the instruction, and a call by a pointer can be a sibling call,
/// since no r2 is to be restored.
const C_WITHOUT_TOC: &Table = &[
    ("big_frame_and_ten", "args 1, spill 8", "args 1"),
    ("sibling_through_pointer", "", "IndirectBranch"),
];

/// GCC without optimisation stores all arguments where their caller reserves room for them, if it does. With it, loops are
/// unrolled, so that more than one variadic argument is read at once.
const C: &Table = &[
    ("memset", "", ""),
    ("memcpy", "", ""),
    ("use", "", ""),
    ("stop", "", ""),
    ("next", "", ""),
    ("eight", "", ""),
    ("nine", "args 1, spill 8", "args 1"),
    ("ten", "args 2, spill 8", "args 2"),
    ("twelve", "args 4, spill 8", "args 4"),
    ("addresses", "args 1+, spill 8", "args 1+"),
    ("passes_on", "args 2, spill 8", "args 2"),
    ("leaves_to_ten", "args 2, spill 8", "args 2 in sibling, sibling"),
    ("ignores", "spill 8", ""),
    ("by_value_24", "", ""),
    ("by_value_96", "args 2, spill 8", "args 2, spill 8"),
    ("by_value_96_indexed", "args 1, spill 8+", "args 1, spill 8+"),
    ("returns_96", "", ""),
    ("returns_pair", "", ""),
    ("calls_large", "", ""),
    ("variadic", "spill 8+", "spill 7+"),
    ("variadic_after_eight", "args 1+, spill 8", "args 5+"),
    ("calls_variadic", "", ""),
    ("uses_alloca", "dynamic", "dynamic"),
    ("uses_vla", "dynamic", "dynamic"),
    ("alloca_and_ten", "args 1, spill 8, dynamic", "args 1, dynamic"),
    ("big_frame", "", ""),
    ("big_frame_and_ten", "args 1+, spill 8+", "args 1"),
    ("red_zone", "", ""),
    ("shrink_wrapped", "", ""),
    ("shrink_wrapped_ten", "args 2, spill 8+", "args 2, spill 1+"),
    ("sibling_call", "", "sibling"),
    ("sibling_on_one_path", "", ""),
    ("recursive", "", ""),
    ("through_pointer", "", ""),
    ("sibling_through_pointer", "", ""),
    ("stops", "", ""),
    ("jump_table", "", "sibling"),
    ("jump_table_ten", "args 1, spill 8", "args 1"),
];

/// LLVM never spills; a sibling call would need a TOC that the callee shares.
const RUST: &Table = &[
    ("eight", "", ""),
    ("nine", "args 1", "args 1"),
    ("ten", "args 2", "args 2"),
    ("twelve", "args 4", "args 4"),
    ("five_slices", "args 2", "args 2"),
    ("four_slices", "", ""),
    ("five_u128", "args 2", "args 2"),
    ("by_value_24", "", ""),
    ("by_value_96", "args 4", "args 2"),
    ("by_value_96_in_rust", "", ""),
    ("returns_96", "", ""),
    ("calls_large", "", ""),
    ("variadic", "spill 7+", "spill 7+"),
    ("calls_variadic", "", ""),
    ("big_frame", "", ""),
    ("big_frame_and_ten", "args 2", "args 1"),
    ("aligned_frame", "dynamic", "dynamic"),
    ("aligned_frame_and_ten", "args 2, dynamic", "args 1, dynamic"),
    ("red_zone", "", ""),
    ("shrink_wrapped", "", ""),
    ("shrink_wrapped_ten", "args 2", "args 2"),
    ("sibling_call", "", ""),
    ("leaves_to_ten", "args 2", "args 2"),
    ("recursive", "", ""),
    ("through_pointer", "", ""),
    ("stops", "", ""),
    ("jump_table", "", ""),
    ("jump_table_ten", "args 2", "args 1"),
];
