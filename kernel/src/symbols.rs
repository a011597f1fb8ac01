//! Which function an address is in: of the kernel's own table, which the build puts into the image, or of a module's.
#![allow(unsafe_code, reason = "the table's bytes lie between two linker symbols")]

use alloc::format;
use core::fmt;

use kernel_core::symbols::{Name, Path, SymbolTable};
use spin::Once;

use crate::{ensure, ktest, memory, module};

/// A function that an address is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location<'a> {
    /// Its name as the linker has it.
    pub name: Name<'a>,
    /// The address.
    pub address: u64,
    /// Bytes from the function's beginning to the address.
    pub offset: u64,
    /// The function's size in bytes.
    pub size: u64,
    /// The module that it is in; `None`: the kernel.
    pub module: Option<&'a str>,
    /// It is no function but a module's stub, through which the function is called.
    pub is_stub: bool,
}

impl<'a> Location<'a> {
    /// The path that its name stands for.
    pub fn path(&self) -> Path<'a> {
        self.name.path()
    }

    /// File and line of the instruction, if they are known: of the kernel's own.
    fn line(&self) -> Option<(Name<'static>, u32)> {
        table()?.line(self.address)
    }
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_stub { "stub of " } else { "" })?;
        write!(f, "{}+{:#x}/{:#x}", self.path(), self.offset, self.size)?;
        if let Some(module) = self.module {
            write!(f, " [{module}]")?;
        }
        if let Some((file, line)) = self.line() {
            write!(f, " ({file}:{line})")?;
        }
        Ok(())
    }
}

/// The kernel's table; `None` in an image that was linked without one.
pub fn table() -> Option<&'static SymbolTable<'static>> {
    static TABLE: Once<Option<SymbolTable<'static>>> = Once::new();
    TABLE
        .call_once(|| {
            let range = arch::image::kallsyms();
            let length = (range.end - range.start) as usize;
            // SAFETY: the linker script puts nothing but the table there, and nobody writes to it.
            let bytes = unsafe { core::slice::from_raw_parts(range.start as *const u8, length) };
            let table = SymbolTable::parse(bytes).ok()?;
            Some(match memory::has_cases() {
                true => table,
                // Nothing lies behind them.
                false => table.before(arch::image::cases().start),
            })
        })
        .as_ref()
}

/// The kernel's table.
///
/// # Panics
/// The image was linked without one.
pub fn kernel() -> &'static SymbolTable<'static> {
    table().expect("the image has no symbol table")
}

/// The image's build id, to be printed; `unknown` in an image that was linked without a table.
#[derive(Clone, Copy, Debug)]
pub struct BuildId;

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match table() {
            Some(table) => table
                .build_id()
                .iter()
                .try_for_each(|byte| write!(f, "{byte:02x}")),
            None => f.write_str("unknown"),
        }
    }
}

/// Calls `found` with the function that `address` is in, if the kernel or a module has one there. Allocates nothing and
/// waits for nobody, so that a panic can use it.
pub fn resolve(address: u64, found: &mut dyn FnMut(Location<'_>)) {
    let Some(table) = table() else { return };
    match table.at(address) {
        Some((symbol, offset)) => found(Location {
            name: symbol.name,
            address,
            offset,
            size: symbol.size,
            module: None,
            is_stub: false,
        }),
        None => module::locate(address, found),
    }
}

/// An address, to be printed as `function+0xoffset/0xsize [module] (file:line)`, or as a number when nothing is known.
#[derive(Clone, Copy, Debug)]
pub struct Symbolized(pub u64);

impl fmt::Display for Symbolized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = None;
        resolve(self.0, &mut |location| result = Some(location.fmt(f)));
        result.unwrap_or_else(|| write!(f, "{:#x}", self.0))
    }
}

/// A return address, to be printed as the call in front of it: the function that called may end with the call.
#[derive(Clone, Copy, Debug)]
pub struct CallBefore(pub u64);

impl fmt::Display for CallBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = None;
        resolve(self.0.wrapping_sub(4), &mut |location| {
            let offset = location.offset + 4;
            result = Some(Location { offset, ..location }.fmt(f));
        });
        result.unwrap_or_else(|| write!(f, "{:#x}", self.0))
    }
}

ktest! {
    fn an_address_is_printed_with_function_file_and_line() {
        let function = resolve as fn(u64, &mut dyn FnMut(Location<'_>));
        let text = format!("{}", Symbolized(function as usize as u64));
        let name = "kernel::symbols::resolve+0x0/0x";
        ensure!(text.starts_with(name) && text.contains("kernel/src/symbols.rs:"), "{text}");
        Ok(())
    }

    fn what_is_no_code_is_printed_as_a_number() {
        let text = format!("{}", Symbolized(0x10));
        ensure!(text == "0x10", "{text}");
        Ok(())
    }
}
