//! The kernel image: from the firmware's entry to the kernel's own start.
//!
//! Whoever enters, the kernel gets one flattened device tree, and nothing calls the firmware any more.
#![no_std]
#![deny(unsafe_code)]

use core::panic::PanicInfo;

use arch::firmware::OpenFirmware;
use kernel::Entry;

use crate::open_firmware::Walk;

mod flat_tree;
mod open_firmware;
mod tree_buffer;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    kernel::panic::panic(info)
}

/// Where `_start` arrives, with the firmware's r3, r4 and r5 (see `start.S`).
#[unsafe(no_mangle)]
#[allow(
    unsafe_code,
    reason = "the upcall's symbol; and the registers are taken at the firmware's word"
)]
extern "C" fn boot_main(r3: u64, _r4: u64, r5: u64) -> ! {
    let Some(buffer) = tree_buffer::take() else {
        unreachable!("boot_main is called once")
    };
    if r5 == 0 {
        // SAFETY: with r5 = 0, r3 is a device tree's address.
        let size = unsafe { flat_tree::take_over(r3, buffer) }.unwrap_or_else(|error| {
            panic!("entered with r5 = 0 and no device tree at r3 = {r3:#x}: {error}")
        });
        kernel::start(&buffer[..size], Entry::FlatTree)
    }
    // SAFETY: r5 is the client entry; nothing has been written outside the image yet, and all of it is below 4 GiB.
    let firmware = unsafe { OpenFirmware::new(r5) };
    let mut walk = Walk::new(&firmware);
    let tree = walk
        .flatten(buffer)
        .unwrap_or_else(|reason| panic!("Open Firmware's device tree, {walk}: {reason}"));
    // VOF has nothing to quiet and no such service: its refusal is no error.
    let _ = firmware.quiesce();
    if tree.enter_flat {
        let address = core::ptr::from_ref(buffer) as *const u8 as u64;
        // SAFETY: nothing but zeroed memory and the tree's buffer has been written to.
        unsafe { arch::start::enter_flat(address) }
    }
    kernel::start(&buffer[..tree.size], Entry::OpenFirmware)
}
