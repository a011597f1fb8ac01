//! What `/proc/cmdline` and `/proc/meminfo` say. Their functions have Linux's names and types, since those are what people
//! try live patching on: a patch of one changes what the file says.
#![allow(unsafe_code, reason = "live patches find them by these names")]

use alloc::string::{String, ToString};
use core::ffi::{c_int, c_void};
use core::fmt::Write;

use kernel_core::errno::Errno;

use crate::machine::machine;
use crate::module::{SeqFile, read};
use crate::{ensure, ensure_eq, ktest, livepatch, memory, module};

/// The content of `/proc/cmdline`.
///
/// # Errors
/// A replacement says so.
pub fn cmdline() -> Result<String, Errno> {
    read(cmdline_proc_show)
}

/// The content of `/proc/meminfo`.
///
/// # Errors
/// A replacement says so.
pub fn meminfo() -> Result<String, Errno> {
    read(meminfo_proc_show)
}

#[unsafe(no_mangle)]
extern "C" fn cmdline_proc_show(file: &mut SeqFile, _: *mut c_void) -> c_int {
    // Writing to a string cannot fail.
    let _ = writeln!(file.text, "{}", machine().boot_arguments);
    0
}

#[unsafe(no_mangle)]
extern "C" fn meminfo_proc_show(file: &mut SeqFile, _: *mut c_void) -> c_int {
    let heap = (memory::heap_size() as u64, memory::heap_in_use() as u64);
    for (name, bytes) in [
        ("MemTotal:", machine().memory_size()),
        ("HeapTotal:", heap.0),
        ("HeapFree:", heap.0 - heap.1),
        ("HeapUsed:", heap.1),
        ("ModulesUsed:", module::used_bytes()),
    ] {
        let _ = writeln!(file.text, "{name:15} {:>8} kB", bytes >> 10);
    }
    0
}

extern "C" fn somebody_elses_show(file: &mut SeqFile, _: *mut c_void) -> c_int {
    file.text.push_str("patched\n");
    0
}

extern "C" fn failing_show(_: &mut SeqFile, _: *mut c_void) -> c_int {
    -Errno::NoMemory.number()
}

ktest! {
    fn the_files_say_what_their_functions_say() {
        let patch = |function: extern "C" fn(&mut SeqFile, *mut c_void) -> c_int| {
            livepatch::KlpPatch::of_kernel("proc", &[("cmdline_proc_show", function as usize as u64)])
        };
        let text = |error: livepatch::KlpError| error.to_string();
        let before = (cmdline(), meminfo());
        livepatch::enable(patch(somebody_elses_show)).map_err(text)?;
        let during = cmdline();
        livepatch::disable("proc").map_err(text)?;
        livepatch::settle();
        livepatch::enable(patch(failing_show)).map_err(text)?;
        let failing = cmdline();
        livepatch::disable("proc").map_err(text)?;
        livepatch::settle();
        ensure_eq!(before.0.clone(), Ok(machine().boot_arguments.to_string() + "\n"), "before");
        ensure_eq!((during, failing), (Ok("patched\n".into()), Err(Errno::NoMemory)), "patched");
        ensure_eq!(cmdline(), before.0, "afterwards");
        let meminfo = before.1.unwrap_or_default();
        let first = meminfo.lines().next().unwrap_or_default();
        ensure!(first.starts_with("MemTotal:") && first.ends_with(" kB") && meminfo.lines().count() == 5, "{meminfo}");
        Ok(())
    }
}
