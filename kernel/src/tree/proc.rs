//! `/proc`: the kernel as a whole, its threads and its modules.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use arch::entry::Vector;
use arch::time::TICKS_PER_SECOND;
use kernel_core::errno::Errno;
use kernel_core::symbols::{Binding, Kind as SymbolKind};

use super::modules::{size, state, users};
use super::{Entry, Table};
use crate::cpu::{self, World, stop_the_world};
use crate::livepatch::PatchState;
use crate::thread::{self, State, Thread};
use crate::unwind::{self, Kind};
use crate::{exceptions, module, proc, symbols};

pub(super) const TABLE: Table = Table {
    entries: &[
        Entry::readable("/proc/cmdline", |_, out| Ok(out.write_str(&proc::cmdline()?)?)),
        Entry::readable("/proc/version", |_, out| {
            let (version, build) = (env!("CARGO_PKG_VERSION"), symbols::BuildId);
            Ok(writeln!(out, "Tocsin version {version} (build {build})")?)
        }),
        Entry::readable("/proc/kallsyms", |_, out| show_symbols(out)),
        Entry::readable("/proc/modules", |_, out| show_modules(out)),
        Entry::readable("/proc/threads", |_, out| show_threads(out, SECONDS)),
        Entry::readable("/proc/meminfo", |_, out| Ok(out.write_str(&proc::meminfo()?)?)),
        Entry::readable("/proc/interrupts", |_, out| show_interrupts(out)),
    ],
    names: |_, _| Vec::new(),
};

/// Address, kind, name: T or t for code, D or d for data; small letters for what only its own file knows.
fn show_symbols(out: &mut dyn fmt::Write) -> Result<(), Errno> {
    let letter = |kind, binding| match (kind, binding) {
        (SymbolKind::Function, Binding::Global) => 'T',
        (SymbolKind::Function, Binding::Local) => 't',
        (SymbolKind::Object, Binding::Global) => 'D',
        (SymbolKind::Object, Binding::Local) => 'd',
    };
    for symbol in symbols::kernel().iter() {
        let letter = letter(symbol.kind, symbol.binding);
        writeln!(out, "{:016x} {letter} {}", symbol.address, symbol.name)?;
    }
    for module in module::list() {
        for symbol in &module.symbols {
            let letter = letter(symbol.kind, symbol.binding);
            let module = &module.info.name;
            writeln!(
                out,
                "{:016x} {letter} {}\t[{module}]",
                symbol.address, symbol.name
            )?;
        }
    }
    Ok(())
}

/// Name, size, uses, who of the modules uses it, state, address; the youngest first, as Linux has them.
fn show_modules(out: &mut dyn fmt::Write) -> Result<(), Errno> {
    for module in module::list().iter().rev() {
        let users = match users(module).join(",") {
            none if none.is_empty() => "-".to_string(),
            users => users + ",",
        };
        let state = match state(module) {
            "live" => "Live",
            "coming" => "Loading",
            _ => "Unloading",
        };
        writeln!(
            out,
            "{} {} {} {users} {state} {:#018x}",
            module.info.name,
            size(module),
            module.use_count(),
            module.range.start
        )?;
    }
    Ok(())
}

/// What [`show_threads`] says of the time that a thread has run, in seven letters, with what stands above.
pub(crate) type Usage<'a> = (&'a str, &'a dyn Fn(&Thread) -> String);

/// Seconds since it began.
pub(crate) const SECONDS: Usage<'static> = ("SECONDS", &|thread| {
    let milliseconds = thread.ran() / (TICKS_PER_SECOND / 1000);
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
});

/// Every thread: number, state, CPU, how long it has run, whether it uses the patch that comes or goes, name, and the function
/// in which it is.
pub(crate) fn show_threads(out: &mut dyn fmt::Write, (above, usage): Usage<'_>) -> Result<(), Errno> {
    writeln!(out, "{:>5} STATE   CPU {above:>7} PATCH {:24} IN", "ID", "NAME")?;
    let me = thread::current();
    let threads = thread::all();
    // One look at all of them: other CPUs stand still meanwhile.
    let places: Vec<String> = stop_the_world(|world| {
        let place = |thread: &Arc<Thread>| match Arc::ptr_eq(&me, thread) {
            true => String::from("-"),
            false => place_of(world, thread),
        };
        threads.iter().map(place).collect()
    });
    for (thread, place) in threads.iter().zip(places) {
        let is_me = Arc::ptr_eq(&me, thread);
        let state = match thread.state() {
            _ if thread.is_idle() => "idle",
            _ if is_me || thread.is_running() => "running",
            State::Runnable => "ready",
            State::Blocked | State::Asleep => "asleep",
            State::Ended => "ended",
        };
        let patch = match PatchState::of(thread) {
            PatchState::Unpatched => "-",
            PatchState::Patched => "new",
        };
        writeln!(
            out,
            "{:>5} {state:7} {:>3} {:>7} {patch:5} {:24} {place}",
            thread.id(),
            thread.cpu(),
            usage(thread),
            thread.name()
        )?;
    }
    Ok(())
}

/// The function that a thread, other than the caller's, is in: where it was interrupted, or what it has called to wait.
fn place_of(world: &World, thread: &Thread) -> String {
    /// Frames that are looked at: waiting takes three or four.
    const LIMIT: usize = 12;
    let (mut place, mut innermost) = (None, None);
    for frame in unwind::trace_other(world, thread).take(LIMIT) {
        if !frame.is_reliable() {
            break;
        }
        let was_interrupted = matches!(frame.kind, Kind::Interrupted { .. });
        let mut waits = false;
        symbols::resolve(frame.address_inside(), &mut |location| {
            let path = location.path().to_string();
            let waiting = [
                "kernel::thread::",
                "<kernel::thread::",
                "<<kernel::thread::",
                "arch::",
                "thread_",
            ];
            waits = waiting.iter().any(|start| path.starts_with(start));
            place = Some(match location.module {
                Some(module) => format!("{path} [{module}]"),
                None => path,
            });
        });
        if was_interrupted || !waits && !is_exception_handler(place.as_deref()) {
            break;
        }
        let waiting = place.take();
        innermost = innermost.take().or(waiting);
    }
    place.or(innermost).unwrap_or_else(|| String::from("?"))
}

/// Whether a function runs only between an exception and what it has interrupted.
fn is_exception_handler(function: Option<&str>) -> bool {
    function.is_some_and(|name| name.starts_with("exception_") || name.starts_with("kernel::exceptions::"))
}

/// How many exceptions of each kind each CPU has taken, of those that are none of a program's.
fn show_interrupts(out: &mut dyn fmt::Write) -> Result<(), Errno> {
    let kinds = [
        (Vector::SYSTEM_RESET, "System reset"),
        (Vector::MACHINE_CHECK, "Machine check"),
        (Vector(0x500), "External interrupts"),
        (Vector::PROGRAM, "Program"),
        (Vector::DECREMENTER, "Decrementer"),
        (Vector(0xa00), "Doorbell"),
        (Vector::TRACE, "Trace"),
    ];
    let is_seen = |cpu: &usize| {
        kinds
            .iter()
            .any(|(vector, _)| exceptions::taken(*vector, *cpu) != 0)
    };
    let cpus: Vec<usize> = (0..cpu::MAXIMUM).filter(is_seen).collect();
    write!(out, "    ")?;
    for cpu in &cpus {
        write!(out, " {:>10}", format!("CPU{cpu}"))?;
    }
    writeln!(out)?;
    for (vector, name) in kinds {
        write!(out, "{:>3x}:", vector.0)?;
        for cpu in &cpus {
            write!(out, " {:>10}", exceptions::taken(vector, *cpu))?;
        }
        writeln!(out, "   {name}")?;
    }
    Ok(())
}
