//! Writing to code, and what hooking takes until the site leads to the ops on every CPU.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use arch::ftrace::ftrace_stub;
use arch::text;
use kernel_core::insn;

use super::cast::{self, site_of};
use super::meter::once;
use super::{Unit, tell};
use crate::ftrace::{self, FtraceOps, OpsFlags, Place, Site, reap, traceable_kernel_sites};
use crate::{cpu, ensure, ktest};

/// Every site of the kernel that can be hooked, without those of the bench.
pub(super) fn all_sites() -> Vec<Site> {
    let is_ours = |site: &Site| site.function.starts_with("kernel::bench::");
    traceable_kernel_sites().filter(|site| !is_ours(site)).collect()
}

/// Measures.
///
/// # Errors
/// A site could not be hooked.
pub(super) fn measure() -> ktest::Result {
    writing()?;
    let one = [site_of(cast::b as *const () as usize)?];
    let [hook, unhook] = hooking(&one)?;
    tell("hook/one", Unit::Instructions, hook);
    tell("unhook/one", Unit::Instructions, unhook);
    let all = all_sites();
    ensure!(all.len() > 1000, "the kernel has only {} sites", all.len());
    let [hook, unhook] = hooking(&all)?;
    tell("hook/all/each", Unit::Instructions, hook / all.len() as u64);
    tell("unhook/all/each", Unit::Instructions, unhook / all.len() as u64);
    Ok(())
}

/// One word, to this CPU's satisfaction, and to that of all.
#[allow(unsafe_code, reason = "writes to a site")]
fn writing() -> ktest::Result {
    let site = site_of(cast::b as *const () as usize)?.address;
    // SAFETY: the site is not hooked, so the word is the one that stands there.
    let write = || unsafe { text::write_word(site, insn::NOP) };
    tell("write/word", Unit::Instructions, once(write)?.0);
    let change = || cpu::change_code(write);
    tell("write/all-cpus", Unit::Instructions, once(change)?.0);
    let sites = cast::MANY.iter().map(|function| site_of(*function as usize));
    let words = sites
        .map(|site| Ok((site?.address, insn::NOP)))
        .collect::<Result<Vec<_>, String>>()?;
    // SAFETY: as above, for each of them.
    let batch = || unsafe { cpu::change_words(&words) };
    let each = once(batch)?.0 / words.len() as u64;
    tell("write/all-cpus/each-of-100", Unit::Instructions, each);
    Ok(())
}

/// Instructions to hook all of these by one ops, and to let them go.
fn hooking(sites: &[Site]) -> Result<[u64; 2], String> {
    let ops = Arc::new(FtraceOps::new("bench", ftrace_stub, OpsFlags::empty()));
    reap();
    let pairs: Vec<_> = sites.iter().map(|site| (site, &ops)).collect();
    let (hook, result) = once(|| ftrace::register_all(&pairs, Place::Last))?;
    result.map_err(|error| error.to_string())?;
    let (unhook, result) = once(|| ftrace::unregister_all(&pairs))?;
    result.map_err(|error| error.to_string())?;
    reap();
    Ok([hook, unhook])
}
