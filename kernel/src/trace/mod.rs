//! Tracers: what a user picks in `/sys/kernel/tracing/current_tracer`, and reads in `trace`.
//!
//! | file | what |
//! |---|---|
//! | `session` | which tracer is on, of which functions |
//! | `filter` | functions by names and patterns |
//! | `record` | what is done at a call: an event into the CPU's ring |
//! | `report` | the rings, as text |

mod error;
mod filter;
mod record;
mod report;
mod session;
mod several_tests;
mod tests;

use core::fmt;
use core::str::FromStr;

pub use error::TraceError;
pub use filter::{Change, traceable};
pub use report::{FunctionAt, clear, show};
pub use session::{change_filter, filter, is_on, set_on, set_tracer, tracer};
pub(crate) use session::{module_coming, module_going};

/// What is recorded of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracer {
    /// Nothing.
    Nop,
    /// That it happened, and who called.
    Function,
    /// When it began and when it returned.
    FunctionGraph,
}

impl Tracer {
    /// All, in the order in which Linux lists them.
    pub const ALL: [Tracer; 3] = [Tracer::FunctionGraph, Tracer::Function, Tracer::Nop];

    /// The name that Linux has for it.
    pub fn name(self) -> &'static str {
        match self {
            Tracer::Nop => "nop",
            Tracer::Function => "function",
            Tracer::FunctionGraph => "function_graph",
        }
    }
}

impl fmt::Display for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Tracer {
    type Err = TraceError;

    fn from_str(name: &str) -> Result<Self, TraceError> {
        let mut all = Tracer::ALL.into_iter();
        all.find(|tracer| tracer.name() == name)
            .ok_or_else(|| TraceError::NoTracer { name: name.into() })
    }
}
