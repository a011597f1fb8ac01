//! The rings, as text.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use arch::time::TICKS_PER_SECOND;
use kernel_core::trace::{Names, Snapshot};

use super::session::{self, Session};
use super::{Tracer, record};
use crate::symbols;
use crate::thread::{self, Thread};

/// Runs `body` while nobody records and the tracer stays what it is.
fn quiet<R>(body: impl FnOnce(&Session) -> R) -> R {
    session::with(|session| record::quiet(session.is_on(), || body(session)))
}

/// Forgets what was recorded.
pub fn clear() {
    quiet(|_| record::rings().for_each(|(_, ring)| ring.clear()));
}

/// Writes what was recorded, as Linux's file `trace` has it.
///
/// # Errors
/// `out` takes no more.
pub fn show(out: &mut dyn fmt::Write) -> fmt::Result {
    let (tracer, snapshot) = quiet(|session| {
        let rings = record::rings();
        let snapshot = Snapshot {
            written: rings.clone().map(|(_, ring)| ring.written()).sum(),
            cpus: rings.map(|(cpu, ring)| (cpu, ring.events().collect())).collect(),
            ticks_per_second: TICKS_PER_SECOND,
        };
        (session.tracer(), snapshot)
    });
    let names = Known {
        threads: thread::all(),
    };
    snapshot.show_head(tracer.name(), out)?;
    match tracer {
        Tracer::Nop => Ok(()),
        Tracer::Function => snapshot.show_function(&names, out),
        Tracer::FunctionGraph => snapshot.show_graph(&names, out),
    }
}

/// The names of functions and threads that there are now.
struct Known {
    threads: Vec<Arc<Thread>>,
}

impl Names for Known {
    fn function(&self, address: u64) -> impl fmt::Display {
        FunctionAt(address)
    }

    fn thread(&self, number: u32) -> impl fmt::Display {
        let mut threads = self.threads.iter();
        let thread = threads.find(|thread| thread.id() == number);
        thread.map_or("<...>", |thread| thread.name())
    }
}

/// An address, to be printed as the path of the function that it is in; when that is gone, as a number.
#[derive(Clone, Copy, Debug)]
pub struct FunctionAt(pub u64);

impl fmt::Display for FunctionAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = None;
        symbols::resolve(self.0, &mut |location| {
            result = Some(match location.module {
                None => write!(f, "{}", location.path()),
                Some(module) => write!(f, "{} [{module}]", location.path()),
            });
        });
        result.unwrap_or_else(|| write!(f, "{:#x}", self.0))
    }
}
