//! Finding the function that a patch means.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use kernel_core::symbols::{Kind, Symbol};

use super::{KERNEL_OBJECT, KlpError};
use crate::ftrace::{FtraceError, FunctionName, Site};
use crate::module;
use crate::symbols;

/// A function that can be named in a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: FunctionName,
    /// Its global entry.
    pub address: u64,
    /// Its site, if it has one.
    pub site: Option<Site>,
}

impl Function {
    fn of_kernel_symbol(symbol: &Symbol<'static>) -> Self {
        Function {
            name: FunctionName::of_kernel(symbol.name),
            address: symbol.address,
            site: Site::of_kernel_symbol(symbol),
        }
    }
}

/// The one function of `object` (`None`: the kernel) with this name, or the one at position `sympos` of several.
pub fn find_function(object: Option<&str>, name: &str, sympos: usize) -> Result<Function, KlpError> {
    let mut found = match object {
        None => functions_of_kernel(name),
        Some(module) => functions_of_module(module, name)?,
    };
    // For an error only.
    let object = || String::from(object.unwrap_or(KERNEL_OBJECT));
    let function = || String::from(name);
    match (found.len(), sympos) {
        (0, _) => Err(KlpError::NoFunction {
            object: object(),
            function: function(),
        }),
        (1, 0) => Ok(found.remove(0)),
        (count, 0) => Err(KlpError::Ambiguous {
            object: object(),
            function: function(),
            count,
        }),
        (count, sympos) if sympos > count => Err(KlpError::NoSuchPosition {
            object: object(),
            function: function(),
            sympos,
            count,
        }),
        (_, sympos) => Ok(found.swap_remove(sympos - 1)),
    }
}

fn functions_of_kernel(name: &str) -> Vec<Function> {
    let is_function = |symbol: &Symbol<'_>| symbol.kind == Kind::Function;
    symbols::kernel()
        .named(name)
        .filter(is_function)
        .map(|symbol| Function::of_kernel_symbol(&symbol))
        .collect()
}

fn functions_of_module(module: &str, name: &str) -> Result<Vec<Function>, KlpError> {
    let found = module::functions(module, name).ok_or_else(|| KlpError::NoObject {
        object: String::from(module),
    })?;
    let function = |(address, site): (_, Option<Site>)| Function {
        name: match &site {
            Some(site) => site.function.clone(),
            None => FunctionName::Path(name.into()),
        },
        address,
        site,
    };
    Ok(found.into_iter().map(function).collect())
}

/// The function's site, if it may be hooked.
pub(super) fn site_of(function: &Function) -> Result<Site, KlpError> {
    let name = || function.name.to_string();
    if arch::image::notrace().contains(&function.address) {
        return Err(FtraceError::Notrace { function: name() }.into());
    }
    function
        .site
        .clone()
        .ok_or_else(|| FtraceError::NoSite { function: name() }.into())
}
