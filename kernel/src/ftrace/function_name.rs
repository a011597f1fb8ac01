//! What a function is called, in messages and lists.

use alloc::string::ToString as _;
use alloc::sync::Arc;
use core::fmt;

use kernel_core::symbols::{Name, NameKey};

use crate::symbols;

/// A function's name, printed as its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionName {
    /// As the kernel's table has it. It costs nothing until it is printed.
    InTable(NameKey),
    /// Written out: of a module, which may go.
    Path(Arc<str>),
}

impl FunctionName {
    /// Of a symbol of the kernel.
    pub fn of_kernel(name: Name<'static>) -> Self {
        match symbols::kernel().key(name) {
            Some(key) => FunctionName::InTable(key),
            None => FunctionName::Path(name.path().to_string().into()),
        }
    }

    /// Whether the path begins so.
    pub fn starts_with(&self, start: &str) -> bool {
        match self {
            FunctionName::InTable(key) => in_table(*key).path().starts_with(start),
            FunctionName::Path(path) => path.starts_with(start),
        }
    }
}

fn in_table(key: NameKey) -> Name<'static> {
    symbols::kernel().name(key).unwrap_or(Name::new("?"))
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FunctionName::InTable(key) => in_table(*key).path().fmt(f),
            FunctionName::Path(path) => path.fmt(f),
        }
    }
}
