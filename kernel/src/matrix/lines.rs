//! What came out, for the host's tools: one line a cell, a cost, a field of what the trampolines write down.
//!
//! The lines' format is `kernel_core::matrix`; the pages under `docs` are made from them.

use core::mem::{offset_of, size_of, size_of_val};

use alloc::string::ToString;

use arch::abi::{FRAME_HEADER_SIZE, FrameHeader, RED_ZONE, STACK_ARGUMENTS};
use arch::ftrace::FtraceFrame;
use arch::livepatch::{LivepatchRecord, ReturnDesign, ReturnRecord};
use kernel_core::matrix::Record;

use super::run::Row;
use super::{Outcome, cost, report};
use crate::println;

/// The fields of a structure, in the words of [`Record::Field`].
macro_rules! fields {
    ($structure:ident: $($field:ident),+) => {
        [$(Record::Field {
            structure: stringify!($structure),
            field: stringify!($field),
            offset: offset_of!($structure, $field) as u64,
            size: size_of_val(&$structure::default().$field) as u64,
        }),+]
    };
}

fn size(what: &'static str, bytes: usize) -> Record<'static> {
    Record::Size {
        what,
        bytes: bytes as u64,
    }
}

fn print_cells(row: &Row) {
    let expected = row.situation.expected();
    for ((design, outcome), expected) in ReturnDesign::ALL.into_iter().zip(row.outcomes).zip(expected) {
        // A cell that could not be set up has failed its case, and the run.
        let Some(outcome) = outcome else { continue };
        let reason = match outcome {
            Outcome::DoesNotApply(reason) => reason,
            _ => "",
        };
        let cell = Record::Cell {
            situation: row.situation.name,
            language: row.situation.language.name(),
            design: design.name(),
            outcome: &outcome.to_string(),
            expected: &expected.to_string(),
            reason,
        };
        println!("# {cell}");
    }
}

/// Prints all that there is to say.
pub(super) fn print(rows: &[Row]) {
    rows.iter().for_each(print_cells);
    let designs = cost::designs().into_iter().map(|cost| Record::Design {
        name: cost.design.name(),
        instructions: cost.instructions,
        stack: cost.bytes.stack,
        record: cost.bytes.record,
    });
    let calls = cost::calls().into_iter().map(|cost| Record::Call {
        hooked: cost.hooked,
        instructions: cost.instructions,
    });
    let sizes = [
        size("FrameHeader", FRAME_HEADER_SIZE),
        size("LivepatchRecord", size_of::<LivepatchRecord>()),
        size("ReturnRecord", size_of::<ReturnRecord>()),
        size("FtraceFrame", size_of::<FtraceFrame>()),
        size("stack arguments", STACK_ARGUMENTS),
        size("red zone", RED_ZONE),
    ];
    let counts = report::counts(rows);
    let counts = counts
        .into_iter()
        .map(|(what, number)| Record::Count { what, number });
    designs
        .chain(calls)
        .chain(fields!(FrameHeader: back_chain, cr_save, reserved, lr_save, toc_save))
        .chain(fields!(LivepatchRecord: toc, return_address, marker))
        .chain(fields!(ReturnRecord: return_address, toc, toc_save, stack_pointer))
        .chain(sizes)
        .chain(counts)
        .for_each(|record| println!("# {record}"));
}
