//! What a function is called, in messages and lists.

use alloc::string::String;
use core::fmt;

use kernel_core::symbols::Name;

/// A function's name, printed as its path. It costs nothing until then for a function of the kernel: its table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionName {
    /// Of the kernel.
    OfKernel(Name<'static>),
    /// Of a module, which may go.
    OfModule(String),
}

impl FunctionName {
    /// Whether the path begins so.
    pub fn starts_with(&self, start: &str) -> bool {
        match self {
            FunctionName::OfKernel(name) => name.path().starts_with(start),
            FunctionName::OfModule(path) => path.starts_with(start),
        }
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FunctionName::OfKernel(name) => name.path().fmt(f),
            FunctionName::OfModule(path) => path.fmt(f),
        }
    }
}
