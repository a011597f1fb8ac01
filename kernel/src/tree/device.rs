//! `/dev`: the log, to read and to write to, and nothing.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Entry, Table};
use crate::logging::{self, Place, USER_LEVEL};

pub(super) const TABLE: Table = Table {
    entries: &[
        Entry::new(
            "/dev/kmsg",
            0o644,
            Some(|_, out| {
                let (mut place, mut text) = (Place::default(), String::new());
                while let Some(head) = logging::read(&mut place, &mut text) {
                    writeln!(
                        out,
                        "{},{},{},-;{text}",
                        head.level, head.number, head.microseconds
                    )?;
                }
                Ok(())
            }),
            Some(|_, text| {
                let (level, message) = level_of(text);
                message
                    .trim_end_matches('\n')
                    .lines()
                    .for_each(|line| logging::emit(level, format_args!("{line}")));
                Ok(())
            }),
        ),
        Entry::new("/dev/null", 0o666, Some(|_, _| Ok(())), Some(|_, _| Ok(()))),
    ],
    names: |_, _| Vec::new(),
};

/// A message may begin with its level: `<6>text`. Above the levels' three bits Linux has the facility, which we do not.
fn level_of(text: &str) -> (u8, &str) {
    let parse = || {
        let (number, message) = text.strip_prefix('<')?.split_once('>')?;
        Some((number.parse::<u32>().ok()?, message))
    };
    parse().map_or((USER_LEVEL, text), |(number, message)| {
        ((number & 7) as u8, message)
    })
}
