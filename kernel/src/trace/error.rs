//! Why functions are not traced. Everything is as it was before.

use alloc::string::String;
use core::fmt;

use kernel_core::errno::Errno;

use super::Tracer;
use crate::ftrace::FtraceError;

/// Why functions are not traced. Everything is as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceError {
    /// There is no tracer of this name.
    NoTracer {
        /// What was asked for.
        name: String,
    },
    /// There is no function of this name, or whose name fits this pattern, that can be traced.
    NoFunction {
        /// What was asked for.
        pattern: String,
    },
    /// There is no memory for the events.
    NoMemory,
    /// A function could not be hooked.
    Hook(FtraceError),
}

impl TraceError {
    /// Linux's number for it.
    pub fn errno(&self) -> Errno {
        match self {
            TraceError::NoTracer { .. } | TraceError::NoFunction { .. } => Errno::Invalid,
            TraceError::NoMemory => Errno::NoMemory,
            TraceError::Hook(FtraceError::Disabled { .. }) => Errno::NoDevice,
            TraceError::Hook(FtraceError::NoStub { .. }) => Errno::NoSpace,
            TraceError::Hook(_) => Errno::Busy,
        }
    }
}

impl From<FtraceError> for TraceError {
    fn from(error: FtraceError) -> Self {
        TraceError::Hook(error)
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceError::NoTracer { name } => {
                let [first, second, third] = Tracer::ALL;
                write!(
                    f,
                    "there is no tracer '{name}': it is one of {first}, {second}, {third}"
                )
            }
            TraceError::NoFunction { pattern } => {
                write!(f, "no function that can be traced is called '{pattern}'")
            }
            TraceError::NoMemory => write!(f, "there is no memory for events"),
            TraceError::Hook(error) => write!(f, "{error}"),
        }
    }
}
