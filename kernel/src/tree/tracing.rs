//! `/sys/kernel/tracing`, and `ftrace_enabled`, which turns all of it on and off.

use alloc::vec::Vec;

use kernel_core::errno::Errno;

use super::{Entry, Table};
use crate::ftrace::{self, OpsFlags};

pub(super) const TABLE: Table = Table {
    entries: &[
        Entry::readable("/sys/kernel/tracing/enabled_functions", |_, out| {
            for (site, ops) in ftrace::enabled_functions() {
                let has = |flag| ops.iter().any(|(_, flags)| flags.contains(flag));
                let mark = |flag, letter| if has(flag) { letter } else { ' ' };
                write!(
                    out,
                    "{} ({}) {} {}\t",
                    site.function,
                    ops.len(),
                    mark(OpsFlags::SAVE_REGS, 'R'),
                    mark(OpsFlags::IPMODIFY, 'I')
                )?;
                let names: Vec<&str> = ops.iter().map(|(name, _)| *name).collect();
                writeln!(out, "{}", names.join(" "))?;
            }
            Ok(())
        }),
        Entry::readable("/sys/kernel/tracing/keepers", |_, out| {
            let mut names = ftrace::keepers().into_iter();
            Ok(names.try_for_each(|name| writeln!(out, "{name}"))?)
        }),
        Entry::new(
            "/proc/sys/kernel/ftrace_enabled",
            0o644,
            Some(|_, out| Ok(writeln!(out, "{}", u8::from(ftrace::is_enabled()))?)),
            Some(|_, text| match text.trim().parse::<i32>() {
                Ok(number) => ftrace::set_enabled(number != 0),
                Err(_) => Err(Errno::Invalid),
            }),
        ),
    ],
    names: |_, _| Vec::new(),
};
