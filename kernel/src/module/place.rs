//! Memory for modules: room in the area next to the image, and the copy that turns bytes into code.
#![allow(
    unsafe_code,
    reason = "writes code into memory that the linker script keeps free"
)]

use core::ops::Range;
use core::ptr;

use arch::{image, text};
use kernel_core::area::{Area, AreaError};
use kernel_core::insn::TRAP;

use crate::sync::IrqLock;

static AREA: IrqLock<Option<Area>> = IrqLock::new(None);

fn with_area<T>(work: impl FnOnce(&mut Area) -> T) -> T {
    work(AREA.lock().get_or_insert_with(|| Area::new(image::module_area())))
}

/// Bytes of the module area that are in use.
pub fn used_bytes() -> u64 {
    with_area(|area| area.used_bytes())
}

/// A piece of the module area. It goes back when this is dropped, full of traps: a call into a module that is gone stops
/// at once and is not another module's problem later.
#[derive(Debug)]
pub(super) struct Place {
    range: Range<u64>,
}

impl Place {
    /// Room for `size` bytes at a multiple of `alignment`.
    pub(super) fn take(size: u64, alignment: u64) -> Result<Place, AreaError> {
        let start = with_area(|area| area.take(size, alignment))?;
        Ok(Place {
            range: start..start + size,
        })
    }

    pub(super) fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// Writes the bytes to the beginning of the place and makes the instruction fetch see them.
    pub(super) fn fill(&mut self, image: &[u8]) {
        let size = (self.range.end - self.range.start) as usize;
        let length = image.len().min(size);
        // SAFETY: the area gave this piece to nobody else, and `length` stays inside; the source is a slice elsewhere.
        unsafe { ptr::copy_nonoverlapping(image.as_ptr(), self.range.start as *mut u8, length) };
        text::flush(self.range.start, size as u64);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for address in self
            .range
            .clone()
            .step_by(4)
            .take_while(|address| address + 4 <= self.range.end)
        {
            // SAFETY: the piece is this place's, 4-aligned as every layout is, and whoever could run in it is gone.
            unsafe { (address as *mut u32).write_volatile(TRAP) };
        }
        text::flush(self.range.start, self.range.end - self.range.start);
        // A place is made from what the area gave, once, so it can be given back.
        let _ = with_area(|area| area.give_back(self.range.start));
    }
}
