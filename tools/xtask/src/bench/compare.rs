//! What has changed between two sets of figures, and whether it is more than may go unnoticed.

use super::figures::{Figures, Value};
use super::screen::number;
use std::fmt::Write as _;

/// How far a row may be from the baseline, in per cent. A compiler that puts something elsewhere moves the long ones a little;
/// a call of less than 34 instructions may not change at all.
pub(super) const TOLERANCE: u64 = 3;

/// Whether a figure is too far from the baseline's.
fn is_too_far(before: u64, now: u64) -> bool {
    100 * before.abs_diff(now) > TOLERANCE * before
}

/// By how much, as in `+3.4 %`.
fn percentage(before: u64, now: u64) -> String {
    if before == 0 {
        return "from nothing".into();
    }
    let tenths = 1000 * i128::from(now) - 1000 * i128::from(before);
    let tenths = tenths / i128::from(before);
    let sign = if now < before { '-' } else { '+' };
    format!("{sign}{}.{} %", tenths.abs() / 10, tenths.abs() % 10)
}

fn words(before: &Value, now: &Value) -> String {
    format!(
        "{}: {} {} instead of {}, {}",
        now.id,
        number(now.value),
        now.unit,
        number(before.value),
        percentage(before.value, now.value)
    )
}

/// The rows that have moved too far from the baseline, or come or gone, in words.
pub(super) fn moved(baseline: &Figures, figures: &Figures) -> Vec<String> {
    let mut moved = Vec::new();
    for now in figures.iter() {
        match baseline.get(&now.id) {
            Some(before) if is_too_far(before.value, now.value) => {
                let way = if now.value > before.value { "grew" } else { "fell" };
                moved.push(format!("{way}: {}", words(before, now)));
            }
            Some(_) => {}
            None => moved.push(format!("{}: not in the baseline", now.id)),
        }
    }
    let gone = baseline.iter().filter(|before| figures.get(&before.id).is_none());
    moved.extend(gone.map(|before| format!("{}: only in the baseline", before.id)));
    moved
}

/// Everything that is not as before, a line each.
pub(super) fn changes(old: &Figures, new: &Figures) -> String {
    let mut text = String::new();
    for now in new.iter() {
        match old.get(&now.id) {
            Some(before) if before.value == now.value => {}
            Some(before) => _ = writeln!(text, "  {}", words(before, now)),
            None => _ = writeln!(text, "  {}: {} {}, new", now.id, number(now.value), now.unit),
        }
    }
    for before in old.iter().filter(|before| new.get(&before.id).is_none()) {
        _ = writeln!(
            text,
            "  {}: gone, was {} {}",
            before.id,
            number(before.value),
            before.unit
        );
    }
    if text.is_empty() {
        text.push_str("  nothing\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Figures, changes, moved};

    #[test]
    fn three_per_cent_are_let_pass_and_more_is_not() {
        let baseline = Figures::of(&[("a", 1000), ("b", 24), ("c", 0)]);
        let same = |values: &[(&str, u64)]| moved(&baseline, &Figures::of(values));
        assert_eq!(same(&[("a", 1030), ("b", 24), ("c", 0)]), [""; 0]);
        assert_eq!(same(&[("a", 970), ("b", 24), ("c", 0)]), [""; 0]);
        assert_eq!(
            same(&[("a", 1031), ("b", 25), ("c", 1)]),
            [
                "grew: a: 1,031 instructions instead of 1,000, +3.1 %",
                "grew: b: 25 instructions instead of 24, +4.1 %",
                "grew: c: 1 instructions instead of 0, from nothing"
            ]
        );
        assert_eq!(
            same(&[("a", 969), ("c", 0), ("d", 1)]),
            [
                "fell: a: 969 instructions instead of 1,000, -3.1 %",
                "d: not in the baseline",
                "b: only in the baseline"
            ]
        );
    }

    #[test]
    fn changes_are_all_told() {
        let old = Figures::of(&[("a", 1000), ("b", 1)]);
        let new = Figures::of(&[("a", 999), ("c", 1)]);
        assert_eq!(changes(&old, &old), "  nothing\n");
        assert_eq!(
            changes(&old, &new),
            "  a: 999 instructions instead of 1,000, -0.1 %\n  c: 1 instructions, new\n  b: gone, was 1 instructions\n"
        );
    }
}
