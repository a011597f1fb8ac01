//! The memory that the flattened device tree lives in, for as long as the kernel does.
//!
//! It is not zeroed at start: an image that is started once more finds the tree there that it wrote the first time.
#![allow(unsafe_code, reason = "hands out a static buffer, once")]

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// QEMU's trees have 15 to 30 KiB with a few CPUs, and each further CPU takes about 1 KiB.
const SIZE: usize = 128 * 1024;

#[repr(C, align(16))]
struct Buffer(UnsafeCell<[u8; SIZE]>);

// SAFETY: `take` hands the bytes out once and nobody else touches them.
unsafe impl Sync for Buffer {}

#[unsafe(link_section = ".noinit")]
static BUFFER: Buffer = Buffer(UnsafeCell::new([0; SIZE]));

/// The buffer, with whatever is in it. The second time there is none.
pub(crate) fn take() -> Option<&'static mut [u8]> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: the swap lets one caller through; any bytes are valid bytes.
    Some(unsafe { &mut *BUFFER.0.get() })
}
