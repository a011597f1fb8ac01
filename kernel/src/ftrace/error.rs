//! Why a hook could not be made, changed or taken away.

use alloc::string::String;
use core::fmt;

use arch::ftrace::WordMismatch;

/// Why a hook could not be made, changed or taken away. Everything is as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FtraceError {
    /// Hooks are turned off as a whole: `ftrace_enabled`.
    Disabled {
        /// The function that was to be hooked.
        function: String,
    },
    /// Nothing of this name or at this address.
    NoFunction {
        /// What was asked for.
        function: String,
    },
    /// The function has no slot at its entry.
    NoSite {
        /// Its name.
        function: String,
    },
    /// The trampolines run this function themselves.
    Notrace {
        /// Its name.
        function: String,
    },
    /// The site holds something that is neither its nop nor its hook.
    UnexpectedWord {
        /// The function's name.
        function: String,
        /// Where, what is there, what should be.
        mismatch: WordMismatch,
    },
    /// A debugger has a breakpoint on the site.
    Breakpoint {
        /// The function's name.
        function: String,
    },
    /// The ops is in the hook already.
    AlreadyThere {
        /// The function's name.
        function: String,
        /// The ops' name.
        ops: &'static str,
    },
    /// Another ops of the hook decides already where its calls go on.
    AlreadyRedirected {
        /// The function's name.
        function: String,
        /// The other ops' name.
        by: &'static str,
    },
    /// The ops is not in the hook.
    NotThere {
        /// The function's name.
        function: String,
        /// The ops' name.
        ops: &'static str,
    },
    /// All stubs are in use, or the function is too far from them.
    NoStub {
        /// The function's name.
        function: String,
    },
}

impl FtraceError {
    /// The function's name.
    pub fn function(&self) -> &str {
        match self {
            FtraceError::Disabled { function }
            | FtraceError::NoFunction { function }
            | FtraceError::NoSite { function }
            | FtraceError::Notrace { function }
            | FtraceError::UnexpectedWord { function, .. }
            | FtraceError::Breakpoint { function }
            | FtraceError::AlreadyThere { function, .. }
            | FtraceError::AlreadyRedirected { function, .. }
            | FtraceError::NotThere { function, .. }
            | FtraceError::NoStub { function } => function,
        }
    }
}

impl fmt::Display for FtraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FtraceError::Disabled { function } => {
                write!(f, "function '{function}' cannot be hooked: ftrace_enabled is 0")
            }
            FtraceError::NoFunction { function } => write!(f, "there is no function '{function}'"),
            FtraceError::NoSite { function } => {
                write!(
                    f,
                    "function '{function}' has no site: it was built without an entry hook"
                )
            }
            FtraceError::Notrace { function } => {
                write!(
                    f,
                    "function '{function}' cannot be hooked: the trampolines run it themselves (.text.notrace)"
                )
            }
            FtraceError::UnexpectedWord { function, mismatch } => {
                write!(f, "site of function '{function}': {mismatch}")
            }
            FtraceError::Breakpoint { function } => {
                write!(
                    f,
                    "function '{function}' cannot be hooked: a debugger has a breakpoint on its site"
                )
            }
            FtraceError::AlreadyThere { function, ops } => {
                write!(f, "ops '{ops}' is in the hook of function '{function}' already")
            }
            FtraceError::AlreadyRedirected { function, by } => {
                write!(
                    f,
                    "calls of function '{function}' are redirected by ops '{by}' already"
                )
            }
            FtraceError::NotThere { function, ops } => {
                write!(f, "ops '{ops}' is not in the hook of function '{function}'")
            }
            FtraceError::NoStub { function } => {
                write!(f, "no stub left that function '{function}' can reach")
            }
        }
    }
}
