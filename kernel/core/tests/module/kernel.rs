//! A kernel that exists only as a symbol table, and reads of the images that are linked against it.

use kernel_core::insn;
use kernel_core::module::{
    LateName, Layout, Linked, LocalEntry, ModuleError, ModuleFile, ModuleId, Resolve, ResolveError, Resolved,
};

/// Where modules are linked in these tests.
pub(crate) const BASE: u64 = 0x0090_0000;

/// Knows a few names; `other_module` belongs to a module.
#[derive(Debug, Default)]
pub(crate) struct Symbols;

/// An address of the kernel that stands for `name`.
pub(crate) fn address_of(name: &str) -> Option<u64> {
    let known = [
        "other",
        "other_value",
        "variadic",
        "keeps_toc",
        "changes_toc",
        "other_module",
        "limit",
        "panic_bounds_check",
    ];
    let index = known
        .iter()
        .position(|known| name.contains(known) && name.len() < known.len() + 60);
    // The second half of each 64 KiB, so that halves are adjusted; and within a branch's reach of 2 GiB.
    index.map(|index| 0x7f00_9000 + 0x1_0000 * index as u64)
}

impl Resolve for Symbols {
    fn resolve(&self, name: &str) -> Result<Resolved, ResolveError> {
        if name == "twice" {
            return Err(ResolveError::Ambiguous(2));
        }
        if LateName::parse(name).is_some() {
            return Err(ResolveError::Late);
        }
        let local_entry = match name {
            "keeps_toc" => LocalEntry::Same,
            "changes_toc" => LocalEntry::SameClobbersToc,
            _ => LocalEntry::Behind(8),
        };
        let owner = (name == "other_module").then_some(ModuleId(7));
        let address = address_of(name).ok_or(ResolveError::NotFound)?;
        Ok(Resolved {
            address,
            local_entry,
            owner,
        })
    }
}

/// Parses, lays out and links at [`BASE`].
pub(crate) fn link(bytes: &[u8]) -> Result<(Layout, Linked), ModuleError> {
    let file = ModuleFile::parse(bytes)?;
    let layout = file.lay_out(256)?;
    let linked = file.link(&layout, BASE, &Symbols)?;
    Ok((layout, linked))
}

/// The same for what must link.
pub(crate) fn linked(bytes: &[u8]) -> Linked {
    link(bytes).unwrap_or_else(|error| panic!("{error}")).1
}

/// Reads of a linked image by address and by name.
pub(crate) trait Read {
    /// The word at an address.
    fn word(&self, address: u64) -> u32;
    /// The doubleword at an address.
    fn doubleword(&self, address: u64) -> u64;
    /// The address of a symbol.
    fn address(&self, name: &str) -> u64;
    /// Where the branch at an address goes.
    fn target(&self, address: u64) -> u64 {
        let word = self.word(address);
        insn::branch_target(word, address)
            .unwrap_or_else(|| panic!("{word:#010x} at {address:#x} is no branch"))
            .0
    }
}

impl Read for Linked {
    fn word(&self, address: u64) -> u32 {
        let start = (address - self.base) as usize;
        u32::from_le_bytes(self.image[start..start + 4].try_into().unwrap())
    }

    fn doubleword(&self, address: u64) -> u64 {
        u64::from(self.word(address)) | u64::from(self.word(address + 4)) << 32
    }

    fn address(&self, name: &str) -> u64 {
        let found: Vec<_> = self.symbols.iter().filter(|symbol| symbol.name == name).collect();
        assert_eq!(found.len(), 1, "symbols named {name}");
        found[0].address
    }
}
