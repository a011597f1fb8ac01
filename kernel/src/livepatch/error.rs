//! Why a live patch could not be enabled or disabled.

use alloc::string::String;
use core::fmt;

use kernel_core::errno::Errno;
use kernel_core::scan::Refusal;

use crate::ftrace::FtraceError;

/// Why a live patch could not be enabled or disabled. Everything is as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KlpError {
    /// The object is no loaded module.
    NoObject {
        /// Its name.
        object: String,
    },
    /// The object has no function of this name.
    NoFunction {
        /// `vmlinux` for the kernel, as in Linux, or the module.
        object: String,
        /// The name.
        function: String,
    },
    /// Several functions have the name, and the patch does not say which it means.
    Ambiguous {
        /// The object.
        object: String,
        /// The name.
        function: String,
        /// How many have it.
        count: usize,
    },
    /// Fewer functions have the name than the patch counts to.
    NoSuchPosition {
        /// The object.
        object: String,
        /// The name.
        function: String,
        /// The position that the patch gives.
        sympos: usize,
        /// How many have the name.
        count: usize,
    },
    /// The hook could not be made.
    Hook(FtraceError),
    /// The return design cannot carry the replacement.
    Refused {
        /// The function's name.
        function: String,
        /// Why.
        refusal: Refusal,
    },
    /// No symbol table says where the function's code ends, so nobody can say what it does.
    NoCode {
        /// Its name, or its address.
        function: String,
    },
    /// The patch patches nothing.
    Empty {
        /// The patch.
        patch: String,
    },
    /// A patch names one function twice.
    Twice {
        /// The function's object.
        object: String,
        /// The function.
        function: String,
    },
    /// A patch of this name is enabled already.
    AlreadyEnabled {
        /// The patch.
        patch: String,
    },
    /// The patch is enabled, or disabled, as was asked for.
    Already {
        /// The patch.
        patch: String,
        /// Which of the two.
        on: bool,
    },
    /// Threads are moving for another patch, and for one at a time.
    OtherInTransition {
        /// The patch that has to wait.
        patch: String,
        /// The other one.
        other: String,
    },
    /// No thread is moving for the patch.
    NotInTransition {
        /// The patch.
        patch: String,
    },
    /// There is not enough memory for it.
    NoMemory,
    /// A patch that is enabled has changed a system state that this one does not know, or not in that version.
    Incompatible {
        /// The patch.
        patch: String,
    },
    /// The callback before patching refused.
    Callback {
        /// The object.
        object: String,
        /// What it answered.
        status: i32,
    },
    /// No patch of this name is enabled.
    NotEnabled {
        /// The patch.
        patch: String,
    },
}

impl fmt::Display for KlpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KlpError::NoObject { object } => write!(f, "object '{object}' is not loaded"),
            KlpError::NoFunction { object, function } => {
                write!(
                    f,
                    "symbol '{function}' not found in symbol table of object '{object}'"
                )
            }
            KlpError::Ambiguous {
                object,
                function,
                count,
            } => {
                write!(
                    f,
                    "unresolvable ambiguity for symbol '{function}' in object '{object}': {count} have the name"
                )
            }
            KlpError::NoSuchPosition {
                object,
                function,
                sympos,
                count,
            } => {
                write!(
                    f,
                    "symbol position {sympos} for symbol '{function}' in object '{object}' not found: {count} have the name"
                )
            }
            KlpError::Hook(error) => write!(f, "{error}"),
            KlpError::Refused { function, refusal } => write!(f, "function '{function}': {refusal}"),
            KlpError::NoCode { function } => {
                write!(
                    f,
                    "function '{function}' has no size in any symbol table: what it does cannot be checked"
                )
            }
            KlpError::Empty { patch } => write!(f, "patch '{patch}' patches no function"),
            KlpError::Twice { object, function } => {
                write!(f, "function '{function}' of object '{object}' is named twice")
            }
            KlpError::Already { patch, on: true } => write!(f, "patch '{patch}' is enabled already"),
            KlpError::Already { patch, on: false } => write!(f, "patch '{patch}' is disabled already"),
            KlpError::OtherInTransition { patch, other } => {
                write!(
                    f,
                    "patch '{patch}' has to wait for the transition of patch '{other}'"
                )
            }
            KlpError::NotInTransition { patch } => write!(f, "patch '{patch}' is not in transition"),
            KlpError::Callback { object, status } => {
                write!(f, "the pre-patch callback of object '{object}' answered {status}")
            }
            KlpError::NoMemory => write!(f, "there is not enough memory"),
            KlpError::Incompatible { patch } => write!(
                f,
                "Livepatch patch ({patch}) is not compatible with the already installed livepatches."
            ),
            KlpError::AlreadyEnabled { patch } => write!(f, "patch '{patch}' is enabled already"),
            KlpError::NotEnabled { patch } => write!(f, "patch '{patch}' is not enabled"),
        }
    }
}

impl KlpError {
    /// The number that Linux answers in the same situation.
    pub fn errno(&self) -> Errno {
        match self {
            KlpError::NoObject { .. } | KlpError::NoFunction { .. } | KlpError::NoSuchPosition { .. } => {
                Errno::NoEntry
            }
            KlpError::Hook(FtraceError::Disabled { .. })
            | KlpError::AlreadyEnabled { .. }
            | KlpError::OtherInTransition { .. } => Errno::Busy,
            KlpError::NoMemory => Errno::NoMemory,
            KlpError::Callback { status, .. } => Errno::from_number(*status).unwrap_or(Errno::Invalid),
            KlpError::Ambiguous { .. }
            | KlpError::Hook(_)
            | KlpError::Refused { .. }
            | KlpError::NoCode { .. }
            | KlpError::Empty { .. }
            | KlpError::Incompatible { .. }
            | KlpError::Twice { .. }
            | KlpError::Already { .. }
            | KlpError::NotInTransition { .. }
            | KlpError::NotEnabled { .. } => Errno::Invalid,
        }
    }
}

impl From<FtraceError> for KlpError {
    fn from(error: FtraceError) -> Self {
        KlpError::Hook(error)
    }
}
