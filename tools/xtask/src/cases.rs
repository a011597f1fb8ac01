//! That the kernel can do without the code of its cases: nothing of it refers there. GNU ld has NOCROSSREFS_TO for this, which
//! also reports functions that are not linked.

use anyhow::{Context, Result, anyhow, bail};
use kernel_core::symbols::Name;
use object::read::elf::ElfFile64;
use object::{
    LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SymbolKind,
};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where they are.
const CASES: &str = ".cases";
/// The code that must not need them.
const KERNEL: &str = ".text";

/// Looks at the image at `path`, which was linked with `--emit-relocs`.
///
/// # Errors
/// Code of the kernel has the address of something in the cases.
pub(crate) fn are_not_needed(path: &Path) -> Result<()> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let image = ElfFile64::<LittleEndian>::parse(&*bytes)?;
    let section = |name| {
        image
            .section_by_name(name)
            .ok_or_else(|| anyhow!("the image has no section {name}"))
    };
    let (cases, kernel) = (section(CASES)?, section(KERNEL)?);
    let cases = cases.address()..cases.address() + cases.size();
    let mut seen = 0;
    let mut wrong = BTreeSet::new();
    for (from, relocation) in kernel.relocations() {
        let RelocationTarget::Symbol(index) = relocation.target() else {
            continue;
        };
        seen += 1;
        let symbol = image.symbol_by_index(index)?;
        // The linker's own marks say where the section is, and that is no secret.
        if symbol.kind() == SymbolKind::Unknown {
            continue;
        }
        let to = symbol.address().wrapping_add_signed(relocation.addend());
        if cases.contains(&to) {
            wrong.insert(format!("{} refers to {}", name(&image, from), name(&image, to)));
        }
    }
    if seen == 0 {
        bail!("{KERNEL} has no relocations, so nothing is known of what it refers to");
    }
    if !wrong.is_empty() {
        let wrong: Vec<String> = wrong.into_iter().collect();
        bail!(
            "a boot with a shell has no {CASES} (boot/cases.ld), but\n  {}",
            wrong.join("\n  ")
        );
    }
    Ok(())
}

/// The function that an address is in.
fn name(image: &ElfFile64<'_, LittleEndian>, address: u64) -> String {
    let function = image.symbols().find(|symbol| {
        symbol.kind() == SymbolKind::Text
            && (symbol.address()..symbol.address() + symbol.size()).contains(&address)
    });
    let name = function.and_then(|symbol| symbol.name().ok());
    name.map_or_else(
        || format!("{address:#x}"),
        |name| Name::new(name).path().to_string(),
    )
}
