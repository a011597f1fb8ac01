//! The kernel's own symbol table, which the build puts into the image.
#![allow(unsafe_code, reason = "the table's bytes lie between two linker symbols")]

use kernel_core::symbols::SymbolTable;

/// The table; empty in an image that was linked without one.
pub fn kernel() -> &'static SymbolTable<'static> {
    static TABLE: spin::Once<SymbolTable<'static>> = spin::Once::new();
    TABLE.call_once(|| {
        let range = arch::image::kallsyms();
        // SAFETY: the linker script puts nothing but the table there, and nobody writes to it.
        let bytes = unsafe {
            core::slice::from_raw_parts(range.start as *const u8, (range.end - range.start) as usize)
        };
        SymbolTable::parse(bytes).expect("the image's own symbol table")
    })
}
