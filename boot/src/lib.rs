//! The kernel image: from the firmware's entry to the first kernel thread.
#![no_std]

use core::panic::PanicInfo;

#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Where `_start` arrives.
#[unsafe(no_mangle)]
extern "C" fn boot_main(_r3: u64, _r4: u64, _r5: u64) -> ! {
    kernel::console::write("Tocsin\n");
    loop {}
}
