//! The table on a terminal, and how numbers are written.

use super::table::{Group, Row};
use std::fmt::Write as _;

/// With a comma between thousands.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many times Linux's figure is ours, with two digits that count; empty where there is none of Linux's.
pub(super) fn ratio(row: &Row<'_>) -> String {
    match row.linux {
        Some(linux) if row.value > 0 => {
            let ratio = linux as f64 / row.value as f64;
            if ratio < 10.0 {
                format!("{ratio:.1}")
            } else {
                number(ratio.round() as u64)
            }
        }
        _ => String::new(),
    }
}

/// A number that there may be none of.
pub(super) fn optional(value: Option<u64>) -> String {
    value.map(number).unwrap_or_default()
}

/// All groups, in columns.
pub(super) fn table(groups: &[Group<'_>]) -> String {
    let rows = || groups.iter().flat_map(|group| &group.rows);
    let width = rows()
        .map(|row| row.what.chars().count())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for group in groups {
        _ = writeln!(
            text,
            "\n{}\n{:width$} {:>12} {:12} {:>13} {:>8} {:>12}",
            group.title, "", "ours", "", "Linux", "ratio", "budget"
        );
        for row in &group.rows {
            let line = format!(
                "{:width$} {:>12} {:12} {:>13} {:>8} {:>12}  {}",
                row.what,
                number(row.value),
                row.unit,
                optional(row.linux),
                ratio(row),
                optional(row.budget),
                if row.is_over() { "over the budget" } else { "" }
            );
            _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn thousands_are_set_apart() {
        let numbers = [0, 999, 1000, 71_640_000].map(number);
        assert_eq!(numbers, ["0", "999", "1,000", "71,640,000"]);
    }
}
