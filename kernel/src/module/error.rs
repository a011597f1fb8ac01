//! Why a module could not be loaded or unloaded.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use kernel_core::area::AreaError;
use kernel_core::errno::Errno;
use kernel_core::module::{BuildId, ModuleError};

use crate::livepatch::KlpError;

/// Why a module could not be loaded or unloaded. Everything is as it was before, unless the reason says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The module, or its file while it has no name yet.
    pub module: String,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The file is no module, or cannot be linked.
    File(Box<ModuleError>),
    /// The module does not say which kernel it was built for.
    NoBuildId {
        /// This kernel.
        kernel: BuildId,
    },
    /// The module was built for another kernel.
    OtherBuild {
        /// The kernel that it was built for.
        module: BuildId,
        /// This kernel.
        kernel: BuildId,
    },
    /// Its code is pc-relative, and the processor has no prefixed instructions.
    Prefixed,
    /// A module of this name is there, or on its way.
    Exists,
    /// A module that it depends on is not loaded.
    Needs {
        /// The other module.
        dependency: String,
    },
    /// There is no room for it.
    NoRoom(AreaError),
    /// Its unwind tables are malformed.
    Unwind(gimli::Error),
    /// A parameter cannot have this value.
    Parameter {
        /// Its name, as it was given.
        parameter: String,
        /// The text that was given.
        value: String,
        /// Why not.
        errno: Errno,
    },
    /// What should be a parameter of the module is none.
    NoParameter {
        /// What is wrong.
        what: String,
    },
    /// A live patch that is enabled for it cannot be applied.
    Patch(KlpError),
    /// `init_module` failed; the module is gone again.
    Init {
        /// What it returned.
        status: i32,
    },
    /// No module of this name is loaded.
    NotLoaded,
    /// Somebody uses it.
    InUse {
        /// Who, and how.
        user: String,
    },
    /// It has no `cleanup_module`, so it stays.
    Permanent,
    /// `init_module` has not returned, or `cleanup_module` has been called by somebody else.
    OnItsWay,
}

impl Error {
    pub(super) fn new(module: &str, reason: Reason) -> Error {
        Error {
            module: String::from(module),
            reason,
        }
    }

    /// The number that Linux returns in the same situation.
    pub fn errno(&self) -> Errno {
        match &self.reason {
            Reason::File(error) => error.errno(),
            Reason::NoBuildId { .. } | Reason::OtherBuild { .. } | Reason::Prefixed | Reason::Unwind(_) => {
                Errno::NoExec
            }
            Reason::Exists => Errno::Exists,
            Reason::Needs { .. } | Reason::NotLoaded => Errno::NoEntry,
            Reason::NoRoom(_) => Errno::NoMemory,
            Reason::NoParameter { .. } => Errno::NoExec,
            Reason::Parameter { errno, .. } => *errno,
            Reason::Patch(error) => error.errno(),
            Reason::Init { status } => Errno::from_number(*status).unwrap_or(Errno::Invalid),
            Reason::InUse { .. } | Reason::Permanent | Reason::OnItsWay => Errno::Busy,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "module '{}': ", self.module)?;
        match &self.reason {
            Reason::File(error) => write!(f, "{error}"),
            Reason::NoBuildId { kernel } => write!(f, "it has no build id, this kernel's is {kernel}"),
            Reason::OtherBuild { module, kernel } => {
                write!(
                    f,
                    "it was built for the kernel with build id {module}, this one's is {kernel}"
                )
            }
            Reason::Prefixed => write!(
                f,
                "its code is pc-relative, and this processor has no prefixed instructions"
            ),
            Reason::Exists => write!(f, "a module of this name is loaded already"),
            Reason::Needs { dependency } => {
                write!(f, "it depends on module '{dependency}', which is not loaded")
            }
            Reason::NoRoom(error) => write!(f, "{error} in the module area"),
            Reason::Unwind(error) => write!(f, "section '.eh_frame': {error}"),
            Reason::Parameter {
                parameter,
                value,
                errno,
            } => write!(f, "'{value}' is no value of parameter '{parameter}' ({errno})"),
            Reason::NoParameter { what } => write!(f, "section '__param': {what}"),
            Reason::Patch(error) => write!(f, "it cannot be patched: {error}"),
            Reason::Init { status } => match Errno::from_number(*status) {
                Some(errno) => write!(f, "init_module failed with {errno}"),
                None => write!(f, "init_module failed with {status}"),
            },
            Reason::NotLoaded => write!(f, "it is not loaded"),
            Reason::InUse { user } => write!(f, "it is in use by {user}"),
            Reason::Permanent => write!(f, "it has no cleanup_module, so it cannot be unloaded"),
            Reason::OnItsWay => write!(f, "it is being loaded or unloaded"),
        }
    }
}
