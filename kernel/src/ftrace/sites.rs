//! The kernel's own sites: the compiler leaves one nop at every function's entry, and the symbol table knows where.

use alloc::string::{String, ToString as _};

use arch::{image, text};
use kernel_core::insn::{self, R0, R1};
pub use kernel_core::site::SiteShape;
use kernel_core::symbols::Symbol;

use super::FunctionName;
use crate::symbols;

/// The slot at a function's local entry that can become a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The function's name, for messages.
    pub function: FunctionName,
    /// The function's global entry.
    pub entry: u64,
    /// Address of the word that changes.
    pub address: u64,
    /// What stands around it.
    pub shape: SiteShape,
}

/// A kernel function whose site has the shape that a C compiler makes, in the link section `.classic_sites`. It must be
/// compiled with as many slots as the shape has words.
#[derive(Debug)]
#[repr(C)]
pub struct ClassicSite {
    /// The function's global entry.
    pub function: *const (),
    /// The shape that its slots get.
    pub shape: SiteShape,
}

// SAFETY: the pointer is the address of a function; nobody writes through it.
#[allow(unsafe_code, reason = "a table of function addresses in a static")]
unsafe impl Sync for ClassicSite {}

impl Site {
    /// The site of a kernel function, if it has one.
    pub fn of_kernel_symbol(symbol: &Symbol<'static>) -> Option<Self> {
        let (address, shape) = place(symbol)?;
        Some(Site {
            function: FunctionName::of_kernel(symbol.name),
            entry: symbol.address,
            address,
            shape,
        })
    }

    /// The function's name, for an error.
    pub fn name(&self) -> String {
        self.function.to_string()
    }
}

/// Where the site of a kernel function is, if it has one, and what stands around it.
fn place(symbol: &Symbol<'_>) -> Option<(u64, SiteShape)> {
    let first_slot = symbol.site_address()?;
    let shape = classic_sites()
        .iter()
        .find(|classic| classic.function as u64 == symbol.address)
        .map_or(SiteShape::OneNop, |classic| classic.shape);
    Some((first_slot + u64::from(shape.patched_word()), shape))
}

/// The address of every site of the kernel, in order; takes no memory.
pub fn kernel_site_addresses() -> impl Iterator<Item = u64> {
    symbols::kernel()
        .iter()
        .filter_map(|symbol| place(&symbol).map(|(address, _)| address))
}

/// Every site of the kernel, in address order.
pub fn kernel_sites() -> impl Iterator<Item = Site> {
    symbols::kernel()
        .iter()
        .filter_map(|symbol| Site::of_kernel_symbol(&symbol))
}

/// Every site of the kernel that can be hooked, in address order: without those that the trampolines run themselves.
pub fn traceable_kernel_sites() -> impl Iterator<Item = Site> {
    let notrace = image::notrace();
    kernel_sites().filter(move |site| !notrace.contains(&site.address))
}

/// The kernel functions whose sites have a classic shape.
#[allow(unsafe_code, reason = "the linker script collects the table")]
fn classic_sites() -> &'static [ClassicSite] {
    let range = image::classic_sites();
    let length = (range.end - range.start) as usize / size_of::<ClassicSite>();
    // SAFETY: the linker puts nothing but `ClassicSite`s between the two symbols.
    unsafe { core::slice::from_raw_parts(range.start as *const ClassicSite, length) }
}

/// Writes what stands before the last slot of every classic site: `mflr r0`, and `std r0,16(r1)` where it belongs. Once,
/// before any of these functions has run.
#[allow(unsafe_code, reason = "writes instructions")]
pub fn prime_classic_sites() {
    for classic in classic_sites() {
        let Some((symbol, 0)) = symbols::kernel().at(classic.function as u64) else {
            continue;
        };
        let Some(first_slot) = symbol.site_address() else {
            continue;
        };
        let words: &[u32] = match classic.shape {
            SiteShape::OneNop => &[],
            SiteShape::MflrBl => &[insn::mflr(R0)],
            SiteShape::MflrStdBl => &[insn::mflr(R0), insn::std(R0, 16, R1)],
        };
        for (slot, word) in words.iter().enumerate() {
            // SAFETY: the compiler left these slots, as nops, at the entry of a function that nobody calls yet.
            unsafe { text::write_word(first_slot + 4 * slot as u64, *word) };
        }
    }
}
