//! The pictures: for each return design the stacks while C runs, drawn from the offsets that the guest says.
//!
//! What a field holds under a design is told here; where the field is, and how far apart things are, is the guest's. A
//! structure whose fields are not exactly the ones told here is an error, not a wrong picture.

mod drawing;
mod told;

use super::facts::Facts;
use anyhow::{Context, Result, bail};
use drawing::{Drawing, Look};
use told::Holds;

/// The file of a design's picture.
pub(super) fn file(design: &str) -> String {
    format!("frames-{design}.svg")
}

/// Whether a file is such a picture.
pub(super) fn is_one(name: &str) -> bool {
    name.starts_with("frames-") && name.ends_with(".svg")
}

/// Draws a design's picture.
///
/// # Errors
/// The design, or a field, is not known on both sides.
pub(super) fn picture(name: &str, facts: &Facts) -> Result<String> {
    let design = told::DESIGNS.iter().find(|design| design.name == name);
    let design =
        design.with_context(|| format!("nobody has told what to draw for the return design {name}"))?;
    let mut drawing = Drawing::new(name, design.summary);
    drawing.column("the thread's stack");
    let stack_arguments = facts.size("stack arguments")?;
    drawing.group("A's frame");
    drawing.slot(
        &format!("{stack_arguments}(r1)…"),
        "arguments on the stack",
        Look::Plain,
    );
    structure(&mut drawing, facts, "FrameHeader", design.a_frame, "(r1)")?;
    drawing.pointer("A's r1");
    if let Some(header) = design.own_frame {
        drawing.group("the frame between A and C");
        structure(&mut drawing, facts, "FrameHeader", header, "(r1)")?;
        let size = facts.size("FrameHeader")?;
        drawing.pointer(&format!("C's r1 as it is entered: A's r1 - {size}"));
    }
    drawing.group("C's frame");
    drawing.slot("", "C's own", Look::Replacement);
    if let Some(record) = &design.record {
        drawing.column(record.title);
        drawing.slot("", record.above, Look::Plain);
        drawing.pointer(record.pointer);
        drawing.group("A's record");
        structure(&mut drawing, facts, record.structure, record.holds, "")?;
        drawing.group("older records");
        drawing.slot("", record.below, Look::Plain);
    }
    Ok(drawing.finish())
}

/// The fields of a structure, the highest address first, each with what it holds.
fn structure(
    drawing: &mut Drawing,
    facts: &Facts,
    structure: &str,
    holds: &[(&str, Holds)],
    unit: &str,
) -> Result<()> {
    let mut fields = Vec::new();
    for (name, holds) in holds {
        fields.push((facts.field(structure, name)?, holds));
    }
    let bytes: u64 = fields.iter().map(|(field, _)| field.bytes).sum();
    if bytes != facts.size(structure)? {
        bail!("{structure} has fields that nobody has told what they hold");
    }
    fields.sort_by_key(|(field, _)| field.offset);
    for (field, holds) in fields.into_iter().rev() {
        let (look, text) = match holds {
            Holds::Kept(text) => (Look::Kept, text),
            Holds::Helper(text) => (Look::Helper, text),
            Holds::Other(text) => (Look::Plain, text),
        };
        drawing.slot(&format!("{}{unit}", field.offset), text, look);
    }
    Ok(())
}
