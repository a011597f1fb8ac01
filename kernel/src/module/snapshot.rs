//! Is everything as it was before? For tests of what fails and of what comes and goes.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use arch::text;

use super::{list, used_bytes};
use crate::{ftrace, livepatch, memory};

/// What must be the same before and after. It holds no memory of its own, so that taking one changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    heap: usize,
    area: u64,
    modules: usize,
    module_symbols: usize,
    module_users: usize,
    hooks: usize,
    patches: usize,
    sites: usize,
    /// A checksum over the addresses and words of all sites.
    site_words: u64,
}

impl Snapshot {
    /// The state of things now.
    pub fn take() -> Snapshot {
        // What waits to be freed is freed first: that it waited is no change.
        ftrace::reap();
        // The books of the area are begun when it is first asked for.
        let area = used_bytes();
        let heap = memory::heap_at_rest();
        let modules = list();
        let mut sum = Checksum {
            sites: 0,
            words: 0xcbf2_9ce4_8422_2325,
        };
        ftrace::kernel_site_addresses().for_each(|address| sum.add(address));
        modules
            .iter()
            .flat_map(|module| &module.sites)
            .for_each(|site| sum.add(site.address));
        Snapshot {
            heap,
            area,
            modules: modules.len(),
            module_symbols: modules.iter().map(|module| module.symbols.len()).sum(),
            module_users: modules.iter().map(|module| module.use_count()).sum(),
            hooks: ftrace::hook_count(),
            patches: livepatch::enabled().len(),
            sites: sum.sites,
            site_words: sum.words,
        }
    }

    /// What has changed since: `Ok` when nothing has.
    pub fn check(&self) -> Result<(), String> {
        let now = Snapshot::take();
        let fields = |s: &Snapshot| {
            [
                ("bytes of heap in use", s.heap as u64),
                ("bytes of the module area in use", s.area),
                ("modules", s.modules as u64),
                ("symbols of modules", s.module_symbols as u64),
                ("uses of modules", s.module_users as u64),
                ("hooks", s.hooks as u64),
                ("live patches", s.patches as u64),
                ("sites", s.sites as u64),
                ("checksum of the sites' words", s.site_words),
            ]
        };
        let changes: Vec<_> = fields(self)
            .into_iter()
            .zip(fields(&now))
            .filter(|((_, before), (_, after))| before != after)
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        let mut text = String::from("not as it was before:");
        for ((what, before), (_, after)) in changes {
            // Writing to a string cannot fail.
            let _ = write!(text, " {what} {before:#x} -> {after:#x};");
        }
        Err(text)
    }
}

struct Checksum {
    sites: usize,
    words: u64,
}

impl Checksum {
    #[allow(unsafe_code, reason = "reads the word of a site")]
    fn add(&mut self, address: u64) {
        // SAFETY: the address of a site, in text that stays while its symbol table or module is held.
        let word = unsafe { text::read_word(address) };
        for part in [address, u64::from(word)] {
            // FNV-1a, by doublewords.
            self.words = (self.words ^ part).wrapping_mul(0x0100_0000_01b3);
        }
        self.sites += 1;
    }
}
