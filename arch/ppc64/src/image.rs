//! Where the parts of the kernel image lie: the symbols of `boot/tocsin.ld`, as address ranges.
#![allow(
    unsafe_code,
    reason = "the linker script defines the symbols; only their addresses are taken"
)]

use core::ops::Range;

/// Names a pair of linker symbols and the function that gives the range between them.
macro_rules! ranges {
    ($($(#[$doc:meta])* $function:ident: $start:ident..$end:ident;)+) => {
        unsafe extern "C" {
            $(static $start: [u8; 0]; static $end: [u8; 0];)+
        }
        $(
            $(#[$doc])*
            pub fn $function() -> Range<u64> {
                &raw const $start as u64..&raw const $end as u64
            }
        )+
    };
}

ranges! {
    /// All code.
    text: __text_start..__text_end;
    /// The common trampolines, the return designs and their helpers.
    trampolines: __trampolines_start..__trampolines_end;
    /// These, the rest of the assembly and what the trampolines call: never hooked.
    notrace: __notrace_start..__notrace_end;
    /// Constants and tables that nobody writes to.
    rodata: __rodata_start..__rodata_end;
    /// Variables, the zeroed ones included.
    data: __data_start..__bss_end;
    /// The cases of the in-kernel suite.
    ktest: __ktest_start..__ktest_end;
    /// The functions whose sites have the shape of C code.
    classic_sites: __classic_sites_start..__classic_sites_end;
    /// The sorted index of the unwind tables.
    eh_frame_hdr: __eh_frame_hdr_start..__eh_frame_hdr_end;
    /// The compiler's unwind tables.
    eh_frame: __eh_frame_start..__eh_frame_end;
    /// The ELF note with the build id.
    build_id: __build_id_start..__build_id_end;
    /// The symbol table.
    kallsyms: __kallsyms_start..__kallsyms_end;
    /// Where hook stubs go.
    stub_area: __stub_area_start..__stub_area_end;
    /// Where the heads of hooks are, one for each slot of the stub area.
    hook_heads: __hook_heads_start..__hook_heads_end;
    /// The buffer that the boot crate fills before the kernel starts: the device tree.
    noinit: __noinit_start..__noinit_end;
    /// What is for modules in any boot.
    module_area: __module_area_start..__module_area_end;
    /// The code that only the cases need.
    cases: __cases_start..__cases_end;
    /// The whole image, the module area included.
    image: __image_start..__image_end;
}
