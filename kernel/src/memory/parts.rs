//! The parts of the image that a boot decides about. What the device tree leaves of its buffer is the modules', and so is the
//! code of the cases in a boot that runs none. Both are next to the module area.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::image;
use kernel_core::radix::PAGE_SIZE;

use crate::machine;

static HAS_CASES: AtomicBool = AtomicBool::new(true);

/// Gives up the code of the cases. Once, before anybody asks for symbols, and before memory is protected.
pub(crate) fn give_up_cases() {
    HAS_CASES.store(false, Ordering::Relaxed);
}

/// Whether the code of the cases is there.
pub(crate) fn has_cases() -> bool {
    HAS_CASES.load(Ordering::Relaxed)
}

/// The code of the cases; empty once it has been given up.
pub(crate) fn cases() -> Range<u64> {
    let Range { start, end } = image::cases();
    start..if has_cases() { end } else { start }
}

/// Whether an address is in code of the kernel.
pub(crate) fn is_kernel_code(address: u64) -> bool {
    image::text().contains(&address) || cases().contains(&address)
}

/// Where modules go.
pub(crate) fn module_area() -> Range<u64> {
    let end = match has_cases() {
        true => image::module_area().end,
        false => image::cases().end.next_multiple_of(PAGE_SIZE),
    };
    device_tree().end..end
}

/// The pages that the device tree is in.
pub(crate) fn device_tree() -> Range<u64> {
    let tree = machine::tree();
    tree.start & !(PAGE_SIZE - 1)..tree.end.next_multiple_of(PAGE_SIZE)
}
