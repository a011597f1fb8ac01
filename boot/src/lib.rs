//! The kernel image: from the firmware's entry to the first kernel thread.
#![no_std]

use core::panic::PanicInfo;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    kernel::println!("{info}");
    kernel::println!("EXIT: STATUS=1");
    loop {}
}

/// Where `_start` arrives.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "hands the heap its memory")]
extern "C" fn boot_main(_r3: u64, _r4: u64, _r5: u64) -> ! {
    kernel::println!("Tocsin");
    // SAFETY: above the image and the initrd, below the end of RAM.
    unsafe { kernel::memory::init_heap(0x0200_0000, 0x1000_0000) };
    kernel::start()
}
