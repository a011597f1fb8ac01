//! Memory for modules: room in the area next to the image, and the copy that turns bytes into code. It is mapped as long as
//! somebody has it: for writing until it is full, then each region as what it is.
#![allow(
    unsafe_code,
    reason = "writes code into memory that the linker script keeps free"
)]

use core::ops::Range;
use core::ptr;

use arch::text;
use kernel_core::area::{Area, AreaError};
use kernel_core::insn::TRAP;
use kernel_core::module::{Region, RegionKind};

use crate::memory::{self, PAGE_SIZE, Rights};
use crate::sync::{IrqLock, Rank};

static AREA: IrqLock<Option<Area>> = IrqLock::new(Rank::ModuleArea, None);

/// Pieces for which there is room from the start.
const ROOM: usize = 64;

fn with_area<T>(work: impl FnOnce(&mut Area) -> T) -> T {
    work(
        AREA.lock()
            .get_or_insert_with(|| Area::with_room(memory::module_area(), ROOM)),
    )
}

/// Bytes of the module area that are in use.
pub fn used_bytes() -> u64 {
    with_area(|area| area.used_bytes())
}

/// A piece of the module area, of whole pages. It goes back when this is dropped: a call into a module that is gone stops at
/// once and is not another module's problem later.
#[derive(Debug)]
pub(super) struct Place {
    range: Range<u64>,
}

impl Place {
    /// Room for `size` bytes at a multiple of `alignment`, which is one of the page size.
    pub(super) fn take(size: u64, alignment: u64) -> Result<Place, AreaError> {
        let start = with_area(|area| area.take(size.next_multiple_of(PAGE_SIZE), alignment))?;
        let range = start..start + size;
        memory::allow(&range, Rights::ReadWrite);
        Ok(Place { range })
    }

    pub(super) fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// Writes the bytes to the beginning of the place, gives each region its rights and makes the instruction fetch see the
    /// code. Once.
    pub(super) fn fill(&mut self, image: &[u8], regions: &[Region]) {
        let size = (self.range.end - self.range.start) as usize;
        let length = image.len().min(size);
        // SAFETY: the area gave this piece to nobody else, and `length` stays inside; the source is a slice elsewhere.
        unsafe { ptr::copy_nonoverlapping(image.as_ptr(), self.range.start as *mut u8, length) };
        for region in regions.iter().filter(|region| region.size != 0) {
            let start = self.range.start + region.offset;
            let rights = match region.kind {
                RegionKind::Text => Rights::ReadExecute,
                RegionKind::Rodata => Rights::Read,
                RegionKind::Data | RegionKind::Bss => Rights::ReadWrite,
            };
            memory::allow(&(start..start + region.size), rights);
        }
        text::flush(self.range.start, size as u64);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if memory::is_protected() {
            memory::forbid(&self.range);
        } else {
            fill_with_traps(&self.range);
        }
        // A place is made from what the area gave, once, so it can be given back.
        let _ = with_area(|area| area.give_back(self.range.start));
    }
}

/// For memory that cannot be unmapped.
fn fill_with_traps(range: &Range<u64>) {
    for address in range.clone().step_by(4) {
        // SAFETY: the piece is a place's that is being dropped, of whole pages, and whoever could run in it is gone.
        unsafe { (address as *mut u32).write_volatile(TRAP) };
    }
    text::flush(range.start, range.end - range.start);
}
