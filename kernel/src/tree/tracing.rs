//! `/sys/kernel/tracing`, as Linux's Documentation/trace/ftrace.rst has it, and `ftrace_enabled`, which turns all of it on and
//! off. `keepers` is ours.

use alloc::vec::Vec;
use core::fmt;

use kernel_core::errno::Errno;
use kernel_core::tree::truth;

use super::{Entry, Table};
use crate::ftrace::{self, OpsFlags, Site};
use crate::trace::{self, Change, FunctionAt, TraceError, Tracer};

pub(super) const TABLE: Table = Table {
    entries: &[
        Entry::readable("/sys/kernel/tracing/available_tracers", |_, out| {
            let [first, second, third] = Tracer::ALL;
            Ok(writeln!(out, "{first} {second} {third}")?)
        }),
        Entry::new(
            "/sys/kernel/tracing/current_tracer",
            0o644,
            Some(|_, out| Ok(writeln!(out, "{}", trace::tracer())?)),
            Some(|_, text| done(text.trim().parse().and_then(trace::set_tracer))),
        ),
        Entry::readable("/sys/kernel/tracing/available_filter_functions", |_, out| {
            list(&trace::traceable(), out)
        }),
        Entry {
            append: Some(|_, text| done(trace::change_filter(Change::Add, text))),
            ..Entry::new(
                "/sys/kernel/tracing/set_ftrace_filter",
                0o644,
                Some(|_, out| match trace::filter() {
                    None => Ok(writeln!(out, "#### all functions enabled ####")?),
                    Some(sites) => list(&sites, out),
                }),
                Some(|_, text| done(trace::change_filter(Change::Replace, text))),
            )
        },
        Entry {
            append: Some(|_, _| Ok(())),
            ..Entry::new(
                "/sys/kernel/tracing/trace",
                0o644,
                Some(|_, out| Ok(trace::show(out)?)),
                Some(|_, _| {
                    trace::clear();
                    Ok(())
                }),
            )
        },
        Entry::new(
            "/sys/kernel/tracing/tracing_on",
            0o644,
            Some(|_, out| Ok(writeln!(out, "{}", u8::from(trace::is_on()))?)),
            Some(|_, text| {
                trace::set_on(truth(text).ok_or(Errno::Invalid)?);
                Ok(())
            }),
        ),
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

/// A number is all that who writes a file gets: the log has the reason.
fn done(result: Result<(), TraceError>) -> Result<(), Errno> {
    result.map_err(|error| {
        log::warn!(target: "ftrace", "{error}");
        error.errno()
    })
}

fn list(sites: &[Site], out: &mut dyn fmt::Write) -> Result<(), Errno> {
    let mut sites = sites.iter();
    Ok(sites.try_for_each(|site| writeln!(out, "{}", FunctionAt(site.address)))?)
}
