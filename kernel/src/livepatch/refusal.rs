//! What a return design cannot carry is refused before anything is changed, from what the instructions of the old and the
//! new function say (`kernel_core::scan`).

use alloc::string::ToString as _;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::livepatch::ReturnDesign;
use kernel_core::module::StubKind;
use kernel_core::scan::{self, Facts, Refusal, Target};
use kernel_core::symbols::Kind;

use super::{Function, KlpError, failure};
use crate::ftrace::Site;
use crate::{module, symbols};

static UNSAFE: AtomicBool = AtomicBool::new(false);

/// Whether patches go in unchecked: `klp.unsafe=1`. For who wants to see what goes wrong.
pub fn is_unsafe() -> bool {
    UNSAFE.load(Ordering::Relaxed)
}

/// Lets patches go in unchecked, or not.
pub fn set_unsafe(on: bool) {
    UNSAFE.store(on, Ordering::Relaxed);
}

/// Refuses a replacement that calls under `design` would not survive.
pub(super) fn check(design: ReturnDesign, old: &Function, new_function: u64) -> Result<(), KlpError> {
    let limits = design.limits();
    if !limits.any() {
        return Ok(());
    }
    let no_code = |function: &str| KlpError::NoCode {
        function: function.into(),
    };
    let (old_code, new_code) = (function_at(old.address), function_at(new_function));
    let old_code = old_code.ok_or_else(|| no_code(&old.name.to_string()))?;
    let new_code = new_code.ok_or_else(|| no_code(&alloc::format!("{new_function:#x}")))?;
    if limits.needs_toc_pointer && old_code.local_entry == 0 {
        return Err(KlpError::Refused {
            function: old.name.to_string(),
            refusal: Refusal::NoTocPointer { design: limits.name },
        });
    }
    match scan::refusal(&limits, &facts(&old_code)?, &facts(&new_code)?) {
        Some(refusal) => Err(KlpError::Refused {
            function: old.name.to_string(),
            refusal,
        }),
        None => Ok(()),
    }
}

/// Whether the function at this global entry is left by returns only, and by nothing that could write to its caller's 24(r1); false
/// where that is not certain.
pub(super) fn returns_by_itself(function: u64) -> Result<bool, KlpError> {
    let Some(code) = function_at(function) else {
        return Ok(false);
    };
    let facts = facts(&code)?;
    Ok(facts.toc_save_write.is_none()
        && facts.sibling_calls.is_empty()
        && facts.dynamic_frame.is_none()
        && facts.undecided.is_empty())
}

/// What a function does with its caller's frame.
///
/// # Errors
/// There is too little memory to find out.
fn facts(function: &scan::Function<'static>) -> Result<Facts, KlpError> {
    /// Bytes that the scan takes for any function, and for each byte of its code: what is known of all registers, at each place
    /// that is jumped to.
    const FEW: usize = 16 << 10;
    const EACH: usize = 256;
    failure::memory(FEW + EACH * function.code.len())?;
    Ok(scan::scan(function, &target_at))
}

/// What a branch to this address arrives at.
fn target_at(address: u64) -> Target<'static> {
    if let Some(function) = function_at(address) {
        return Target::Function(function);
    }
    let module = module::list()
        .into_iter()
        .find(|module| module.range.contains(&address));
    let stub = module
        .as_ref()
        .and_then(|module| module.stubs.iter().find(|stub| stub.address == address));
    match stub {
        Some(stub) => Target::Stub {
            saves_toc: stub.kind == StubKind::SaveToc,
            to: function_at(stub.target),
        },
        None => Target::Unknown,
    }
}

/// The function of the kernel or of a module that this address is in.
fn function_at(address: u64) -> Option<scan::Function<'static>> {
    if let Some((symbol, _)) = symbols::kernel().at(address) {
        let site = Site::of_kernel_symbol(&symbol);
        return (symbol.kind == Kind::Function)
            .then(|| function(symbol.address, symbol.size, symbol.local_entry.offset(), site));
    }
    let module = module::list()
        .into_iter()
        .find(|module| module.range.contains(&address))?;
    let symbol = module.symbols.iter().find(|symbol| {
        symbol.kind == Kind::Function && (symbol.address..symbol.address + symbol.size).contains(&address)
    })?;
    Some(function(
        symbol.address,
        symbol.size,
        symbol.local_entry.offset(),
        module.site(symbol.address),
    ))
}

#[allow(unsafe_code, reason = "reads code by its address")]
fn function(address: u64, size: u64, local_entry: u8, site: Option<Site>) -> scan::Function<'static> {
    // SAFETY: the symbol tables say that so many bytes from there on are a function's code; it stays while the patch that
    // is being enabled holds its modules, and what changes in it is one aligned word that the scan does not look at.
    let code = unsafe { core::slice::from_raw_parts(address as *const u8, size as usize) };
    scan::Function {
        address,
        code,
        local_entry,
        site: site.map(|site| (site.address - address) as u32),
    }
}
