//! A group's bar chart as SVG: text as text, legible on light and on dark, the same bytes every time.
//!
//! Each row has our bar and, where there is one, Linux's, and a mark at its budget. The scale is logarithmic, since the rows of
//! a group are as far apart as they are from Linux's, and has a line at each power of ten.

use super::screen::number;
use super::table::{Group, Row};
use std::fmt::Write as _;

/// The file of a group's chart.
pub(super) fn file(name: &str) -> String {
    format!("bench-{name}.svg")
}

/// In pixels: the labels at the left, the bars, the room for the numbers behind them; a bar, and a row.
const LABEL: u32 = 400;
const BARS: u32 = 400;
const NUMBER: u32 = 110;
const BAR: u32 = 11;
const ROW: u32 = 32;
const TOP: u32 = 78;
const MARGIN: u32 = 16;

const STYLE: &str = "  <style>
    .page { fill: #ffffff }
    .ours { fill: #1d4ed8 }
    .linux { fill: #94a3b8 }
    .budget { stroke: #c2410c; stroke-width: 2.5 }
    .grid { stroke: #cbd5e1; stroke-width: 1 }
    text { font-family: sans-serif; font-size: 13px; fill: #0f172a }
    .name { font-weight: bold; font-size: 16px }
    .label { text-anchor: end }
    .small { font-size: 11px; fill: #475569 }
    .tick { font-size: 11px; fill: #475569; text-anchor: middle }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0f172a }
      .ours { fill: #60a5fa }
      .linux { fill: #64748b }
      .budget { stroke: #fdba74 }
      .grid { stroke: #334155 }
      text { fill: #f1f5f9 }
      .small, .tick { fill: #cbd5e1 }
    }
  </style>
";

/// From 1 to a power of ten; what is less than 1 has no bar.
struct Scale {
    powers: u32,
}

impl Scale {
    fn of(rows: &[Row<'_>]) -> Self {
        let values = rows
            .iter()
            .flat_map(|row| [Some(row.value), row.linux, row.budget]);
        let most = values.flatten().max().unwrap_or(1).max(10);
        Scale {
            powers: (most - 1).ilog10() + 1,
        }
    }

    /// Pixels from the left edge, in tenths, so that the same figures give the same bytes everywhere.
    fn tenths(&self, value: u64) -> u32 {
        let share = (value.max(1) as f64).log10() / f64::from(self.powers);
        (share * f64::from(10 * BARS)).round() as u32
    }

    fn pixels(&self, value: u64) -> String {
        decimal(self.tenths(value))
    }

    fn x(&self, value: u64) -> String {
        decimal(10 * (MARGIN + LABEL) + self.tenths(value))
    }
}

fn decimal(tenths: u32) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Draws the chart.
pub(super) fn chart(group: &Group<'_>) -> String {
    let scale = Scale::of(&group.rows);
    let (width, height) = (
        2 * MARGIN + LABEL + BARS + NUMBER,
        TOP + ROW * group.rows.len() as u32 + MARGIN,
    );
    let title = escaped(group.title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n  <title>{title}</title>\n{STYLE}  <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n  <text class=\"name\" x=\"{MARGIN}\" y=\"28\">{title}</text>\n"
    );
    legend(&mut svg);
    let bottom = height - MARGIN;
    for power in 0..=scale.powers {
        let value = 10u64.pow(power);
        let x = scale.x(value);
        _ = writeln!(
            svg,
            "  <line class=\"grid\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{bottom}\"/>\n  <text class=\"tick\" x=\"{x}\" y=\"{}\">{}</text>",
            TOP - 6,
            TOP - 10,
            tick(power)
        );
    }
    for (index, row) in group.rows.iter().enumerate() {
        draw(&mut svg, &scale, row, TOP + ROW * index as u32);
    }
    svg.push_str("</svg>\n");
    svg
}

fn tick(power: u32) -> String {
    match power {
        0..=3 => number(10u64.pow(power)),
        4..=5 => format!("{} k", 10u64.pow(power - 3)),
        6..=8 => format!("{} M", 10u64.pow(power - 6)),
        _ => format!("{} G", 10u64.pow(power - 9)),
    }
}

fn legend(svg: &mut String) {
    let mut x = MARGIN;
    for (class, text, width) in [("ours", "Tocsin", 80), ("linux", "Linux 6.1", 90)] {
        _ = writeln!(
            svg,
            "  <rect class=\"{class}\" x=\"{x}\" y=\"42\" width=\"14\" height=\"{BAR}\"/>\n  <text class=\"small\" x=\"{}\" y=\"52\">{text}</text>",
            x + 20
        );
        x += width;
    }
    _ = writeln!(
        svg,
        "  <line class=\"budget\" x1=\"{x}\" y1=\"41\" x2=\"{x}\" y2=\"54\"/>\n  <text class=\"small\" x=\"{}\" y=\"52\">budget</text>",
        x + 8
    );
}

fn draw(svg: &mut String, scale: &Scale, row: &Row<'_>, y: u32) {
    let left = MARGIN + LABEL;
    _ = writeln!(
        svg,
        "  <text class=\"label\" x=\"{}\" y=\"{}\">{}</text>",
        left - 8,
        y + 16,
        escaped(&row.what)
    );
    let mut top = y + if row.linux.is_some() { 2 } else { 8 };
    for (class, value) in [("ours", Some(row.value)), ("linux", row.linux)] {
        let Some(value) = value else { continue };
        _ = writeln!(
            svg,
            "  <rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{BAR}\"/>\n  <text class=\"small\" x=\"{}\" y=\"{}\">{}</text>",
            scale.pixels(value),
            decimal(10 * (left + 5) + scale.tenths(value)),
            top + 10,
            number(value)
        );
        top += BAR + 2;
    }
    if let Some(budget) = row.budget {
        let x = scale.x(budget);
        _ = writeln!(
            svg,
            "  <line class=\"budget\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{}\"/>",
            y + 1,
            y + ROW - 4
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Group, Row, chart, file};

    fn row(value: u64, linux: Option<u64>) -> Row<'static> {
        Row {
            what: "a < b".into(),
            unit: "instructions",
            value,
            linux,
            budget: Some(10),
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_logarithm() {
        let group = Group {
            name: "x",
            title: "T",
            text: "",
            rows: vec![row(10, Some(1000)), row(0, None)],
        };
        let svg = chart(&group);
        // Three powers of ten are 400 pixels.
        for part in [
            "class=\"ours\" x=\"416\" y=\"80\" width=\"133.3\"",
            "class=\"linux\" x=\"416\" y=\"93\" width=\"400.0\"",
            "class=\"ours\" x=\"416\" y=\"118\" width=\"0.0\"",
            "a &lt; b",
            "1,000</text>",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        assert_eq!(file(group.name), "bench-x.svg");
    }
}
