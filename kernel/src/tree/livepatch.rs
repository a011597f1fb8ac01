//! `/sys/kernel/livepatch`: a folder for each live patch, from when it is enabled until it is gone
//! (Linux's Documentation/ABI/testing/sysfs-kernel-livepatch). `stalled` and `functions` are ours.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kernel_core::errno::Errno;
use kernel_core::tree::truth;

use super::{Entry, Holes, Table};
use crate::livepatch::{self, PatchFunction, PatchInfo};

pub(super) const TABLE: Table = Table {
    entries: &[
        Entry::attribute(
            "/sys/kernel/livepatch/{patch}/enabled",
            Some(|holes, out| Ok(writeln!(out, "{}", u8::from(find(holes)?.is_enabled))?)),
            Some(|holes, text| {
                let on = truth(text).ok_or(Errno::Invalid)?;
                livepatch::set_enabled(holes.get("patch"), on).map_err(|error| error.errno())
            }),
        ),
        Entry::attribute(
            "/sys/kernel/livepatch/{patch}/transition",
            Some(|holes, out| Ok(writeln!(out, "{}", u8::from(find(holes)?.is_in_transition))?)),
            None,
        ),
        Entry::attribute(
            "/sys/kernel/livepatch/{patch}/force",
            None,
            Some(|holes, text| match truth(text) {
                None => Err(Errno::Invalid),
                Some(false) => Ok(()),
                Some(true) => livepatch::force(holes.get("patch")).map_err(|error| error.errno()),
            }),
        ),
        Entry::attribute(
            "/sys/kernel/livepatch/{patch}/replace",
            Some(|holes, out| Ok(writeln!(out, "{}", u8::from(find(holes)?.replace))?)),
            None,
        ),
        Entry::attribute(
            "/sys/kernel/livepatch/{patch}/stack_order",
            Some(|holes, out| {
                let patches = livepatch::enabled();
                let place = patches.iter().position(|patch| patch.name == holes.get("patch"));
                Ok(writeln!(out, "{}", place.ok_or(Errno::NoEntry)? + 1)?)
            }),
            None,
        ),
        Entry::attribute(
            "/sys/kernel/livepatch/{patch}/stalled",
            Some(|holes, out| {
                if find(holes)?.is_in_transition {
                    livepatch::stalled()
                        .iter()
                        .try_for_each(|stall| writeln!(out, "{stall}"))?;
                }
                Ok(())
            }),
            None,
        ),
        Entry::attribute(
            "/sys/kernel/livepatch/{patch}/functions",
            Some(|holes, out| {
                for function in functions(holes)? {
                    let winner = match (&function.winner, function.is_patched) {
                        (Some(winner), _) => winner.as_str(),
                        (None, true) => "the function itself",
                        (None, false) => "not loaded",
                    };
                    let PatchFunction {
                        object,
                        name,
                        position,
                        ..
                    } = &function;
                    writeln!(out, "{object} {name},{position}: {winner}")?;
                }
                Ok(())
            }),
            None,
        ),
        Entry::attribute(
            "/sys/kernel/livepatch/{patch}/{object}/patched",
            Some(|holes, out| {
                let objects = find(holes)?.objects;
                let object = objects.iter().find(|(name, _)| name == holes.get("object"));
                Ok(writeln!(out, "{}", u8::from(object.ok_or(Errno::NoEntry)?.1))?)
            }),
            None,
        ),
        Entry::folder("/sys/kernel/livepatch/{patch}/{object}/{function}/"),
    ],
    names,
};

fn names(hole: &str, holes: &Holes<'_>) -> Vec<String> {
    match hole {
        "patch" => livepatch::enabled().into_iter().map(|patch| patch.name).collect(),
        "object" => {
            let objects = find(holes).map(|patch| patch.objects).unwrap_or_default();
            objects.into_iter().map(|(name, _)| name).collect()
        }
        // As Linux names them: which one of those with the name stands behind it.
        _ => functions(holes)
            .unwrap_or_default()
            .into_iter()
            .filter(|function| function.object == holes.get("object"))
            .map(|function| format!("{},{}", function.name, function.position))
            .collect(),
    }
}

fn find(holes: &Holes<'_>) -> Result<PatchInfo, Errno> {
    let mut patches = livepatch::enabled().into_iter();
    patches
        .find(|patch| patch.name == holes.get("patch"))
        .ok_or(Errno::NoEntry)
}

fn functions(holes: &Holes<'_>) -> Result<Vec<PatchFunction>, Errno> {
    livepatch::functions_of(holes.get("patch")).ok_or(Errno::NoEntry)
}
