//! The page for people: each group's table and chart, and what they do not show.

use super::chart;
use super::screen::{number, optional, ratio};
use super::table::{Group, NOT_HERE};
use std::fmt::Write as _;

const HEAD: &str = "\
<!-- Made by `cargo xtask bench` from bench.json. Edit tools/xtask/src/bench, not this page. -->

# The bench: what things cost, beside Linux and beside the budgets

Counted in guest instructions on an emulated POWER9 on which time passes by them, not in time, which would be the host's. Each
boot is made twice, and both must say the same. *Linux* is 6.1.192 on the same emulator, by the same kind of clock;
*ratio* is how many times more Linux takes. A figure over its budget is **bold**. The figures are in
[bench.json](bench.json), which is also the baseline: CI fails when a row moves by more than 3 %.

`cargo xtask bench` measures and makes this page; `cargo xtask bench --check` compares; `cargo xtask bench --compare OLD.json`
says what has changed.
";

/// Makes the page.
pub(super) fn page(groups: &[Group<'_>]) -> String {
    let mut page = HEAD.to_owned();
    for group in groups {
        _ = writeln!(page, "\n## {}\n\n{}\n", group.title, group.text);
        page += "| what | ours | Linux | ratio | budget |\n|---|--:|--:|--:|--:|\n";
        for row in &group.rows {
            let ours = match row.is_over() {
                true => format!("**{}**", number(row.value)),
                false => number(row.value),
            };
            _ = writeln!(
                page,
                "| {} | {ours} | {} | {} | {} |",
                row.what,
                optional(row.linux),
                ratio(row),
                optional(row.budget)
            );
        }
        _ = writeln!(page, "\n![{}]({})", group.title, chart::file(group.name));
    }
    page += "\n## What Linux has a figure for and this bench has not\n\n| what | Linux | why not |\n|---|--:|---|\n";
    for (what, linux, why) in NOT_HERE {
        _ = writeln!(page, "| {what} | {} | {why} |", number(*linux));
    }
    page
}
