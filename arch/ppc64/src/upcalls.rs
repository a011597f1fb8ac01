//! Everything that this crate calls upwards, in one place. The kernel and the boot crate define these symbols.
//!
//! Assembly enters them at their global entry, with r12 = CTR = its address, as a caller in another object does: a function
//! with a TOC makes its own r2, one without ignores r12, and the same instructions are right in both builds of the kernel.
//! Calls by name would not be: `bl` is wrong for a function without a TOC, `bl …@notoc` for one with.

use core::ffi::{c_char, c_int, c_void};

use crate::cpu::CpuHead;
use crate::entry::ExceptionFrame;

unsafe extern "C" {
    /// Defined by `boot`: where `_start` arrives, with the firmware's r3, r4 and r5.
    #[allow(dead_code, reason = "called from start.S only")]
    fn boot_main(r3: u64, r4: u64, r5: u64) -> !;

    /// Defined by `kernel`: where a CPU arrives that was started by `start::secondary`, on its first thread.
    #[allow(dead_code, reason = "called from secondary.S only")]
    fn secondary_main() -> !;

    /// Defined by `kernel`: an exception came. Interrupts are off; what it leaves in the frame is what is resumed.
    #[allow(dead_code, reason = "called from entry.S only")]
    fn exception_handler(frame: &mut ExceptionFrame);

    /// Defined by `kernel`: a function returned that the graph tracer follows. Answers where it really returns to.
    #[allow(dead_code, reason = "called from return_to_handler.S only")]
    fn ftrace_return_to_handler() -> u64;

    /// Defined by `kernel`: a module in C prints. `arguments` is the list of the variable arguments, a doubleword each.
    #[allow(dead_code, reason = "called from variadic.S only")]
    fn printk(format: *const c_char, arguments: *const u64) -> c_int;

    /// Defined by `kernel`: its CPUs, of which this is the first one's head: the CPU that `_start` runs on.
    pub(crate) static kernel_cpus: CpuHead;

    /// Defined by `kernel`: a module in C prints to a file of the tree.
    #[allow(dead_code, reason = "called from variadic.S only")]
    fn seq_print_list(file: *mut c_void, format: *const c_char, arguments: *const u64);

    /// Defined by `kernel`: a module in C prints to memory; answers how long the text is.
    #[allow(dead_code, reason = "called from variadic.S only")]
    fn snprint_list(to: *mut c_char, size: usize, format: *const c_char, arguments: *const u64) -> c_int;

    /// Defined by `kernel`: the same, but answers how much of it is there.
    #[allow(dead_code, reason = "called from variadic.S only")]
    fn scnprint_list(to: *mut c_char, size: usize, format: *const c_char, arguments: *const u64) -> c_int;
}
