//! Columns of boxes with labels, as SVG: text as text, legible on light and on dark, the same bytes every time.

use std::fmt::Write as _;

/// How a box looks.
#[derive(Clone, Copy)]
pub(super) enum Look {
    /// Nothing special.
    Plain,
    /// Keeps something of A's.
    Kept,
    /// Sends C's return to a helper.
    Helper,
    /// C's own.
    Replacement,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Look::Plain => "no-toc",
            Look::Kept => "toc-a",
            Look::Helper => "helper",
            Look::Replacement => "toc-c",
        }
    }
}

/// In pixels: a column with the labels at its left, a box, and the height of each line.
const COLUMN: u32 = 420;
const LABEL: u32 = 96;
const BOX: u32 = 300;
const LINE: u32 = 26;
const MARGIN: u32 = 16;
const TOP: u32 = 84;

/// What the looks mean, and the pixels that saying so takes.
const LEGEND: [(Look, &str, u32); 4] = [
    (Look::Kept, "A's, kept by the design", 200),
    (Look::Helper, "where C returns to", 180),
    (Look::Replacement, "C's", 80),
    (Look::Plain, "everybody's, as ever", 180),
];

const STYLE: &str = "  <style>
    .page { fill: #ffffff }
    .box { stroke-width: 1.5 }
    .toc-a { fill: #dbeafe; stroke: #1d4ed8 }
    .toc-c { fill: #ffedd5; stroke: #c2410c }
    .helper { fill: #dcfce7; stroke: #15803d }
    .no-toc { fill: #f1f5f9; stroke: #64748b }
    .way { stroke: #0f172a; stroke-width: 1.8 }
    text { font-family: sans-serif; font-size: 14px; fill: #0f172a }
    .code { font-family: monospace; font-size: 13px; text-anchor: end }
    .name { font-weight: bold; font-size: 16px }
    .small { font-size: 12px; fill: #475569 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0f172a }
      .toc-a { fill: #1e3a8a; stroke: #93c5fd }
      .toc-c { fill: #7c2d12; stroke: #fdba74 }
      .helper { fill: #14532d; stroke: #86efac }
      .no-toc { fill: #1e293b; stroke: #94a3b8 }
      .way { stroke: #e2e8f0 }
      text { fill: #f1f5f9 }
      .small { fill: #cbd5e1 }
    }
  </style>
";

/// A picture that grows downwards, column by column.
pub(super) struct Drawing {
    title: String,
    summary: String,
    body: String,
    columns: u32,
    /// Where the next line of the column begins.
    y: u32,
    lowest: u32,
}

impl Drawing {
    pub(super) fn new(title: &str, summary: &str) -> Self {
        Self {
            title: title.to_owned(),
            summary: summary.to_owned(),
            body: String::new(),
            columns: 0,
            y: TOP,
            lowest: TOP,
        }
    }

    /// The left edge of the column's boxes.
    fn left(&self) -> u32 {
        MARGIN + self.columns.saturating_sub(1) * COLUMN + LABEL
    }

    fn text(&mut self, class: &str, x: u32, y: u32, text: &str) {
        if text.is_empty() {
            return;
        }
        let class = if class.is_empty() {
            String::new()
        } else {
            format!(" class=\"{class}\"")
        };
        _ = writeln!(
            self.body,
            "  <text{class} x=\"{x}\" y=\"{y}\">{}</text>",
            escaped(text)
        );
    }

    fn advance(&mut self, height: u32) {
        self.y += height;
        self.lowest = self.lowest.max(self.y);
    }

    /// Begins a column.
    pub(super) fn column(&mut self, title: &str) {
        self.columns += 1;
        self.y = TOP;
        self.text("small", self.left(), TOP - 8, title);
        self.advance(4);
    }

    /// Boxes that belong together come after this.
    pub(super) fn group(&mut self, name: &str) {
        self.advance(6);
        self.text("", self.left(), self.y + 14, name);
        self.advance(20);
    }

    /// A box, with what is at its left.
    pub(super) fn slot(&mut self, label: &str, text: &str, look: Look) {
        let (x, y) = (self.left(), self.y);
        _ = writeln!(
            self.body,
            "  <rect class=\"box {}\" x=\"{x}\" y=\"{y}\" width=\"{BOX}\" height=\"{LINE}\"/>",
            look.class()
        );
        self.text("code", x - 8, y + 18, label);
        self.text("", x + 10, y + 18, text);
        self.advance(LINE);
    }

    /// What points to the lower edge of the last box.
    pub(super) fn pointer(&mut self, label: &str) {
        let (x, y) = (self.left(), self.y);
        _ = writeln!(
            self.body,
            "  <path class=\"way\" d=\"M{} {y} H{}\"/>",
            x - 12,
            x + BOX
        );
        self.text("small", x + 10, y + 14, label);
        self.advance(20);
    }

    /// What the colours mean, below everything.
    fn legend(&mut self) {
        let y = self.lowest + 2 * MARGIN;
        let mut x = MARGIN;
        for (look, meaning, width) in LEGEND {
            _ = writeln!(
                self.body,
                "  <rect class=\"box {}\" x=\"{x}\" y=\"{}\" width=\"16\" height=\"16\"/>",
                look.class(),
                y - 13
            );
            self.text("small", x + 24, y, meaning);
            x += width;
        }
        self.lowest = y;
    }

    /// The picture.
    pub(super) fn finish(mut self) -> String {
        self.legend();
        let Self {
            title,
            summary,
            body,
            columns,
            lowest,
            ..
        } = self;
        // The summary is about as wide as two columns.
        let (width, height) = (2 * MARGIN + columns.max(2) * COLUMN, lowest + MARGIN);
        let (title, summary) = (escaped(&title), escaped(&summary));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-labelledby=\"title desc\">\n  <title id=\"title\">{title}: the stacks while C runs</title>\n  \
             <desc id=\"desc\">{summary}</desc>\n{STYLE}  <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n  \
             <text class=\"name\" x=\"{MARGIN}\" y=\"30\">{title}</text>\n  \
             <text x=\"{MARGIN}\" y=\"52\">{summary}</text>\n{body}</svg>\n"
        )
    }
}

/// As XML wants it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
