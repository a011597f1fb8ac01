//! Cases for what a debugger shares with the rest of the kernel. What it does with a GDB at the other end is in
//! `tests/tests/kgdb.rs`.

use alloc::string::{String, ToString};
use alloc::sync::Arc;

use arch::ftrace::ftrace_stub;
use arch::{debug, interrupts};
use kernel_core::insn::NOP;

use super::{breakpoints, memory};
use crate::ftrace::{FtraceError, FtraceOps, OpsFlags, Place, Site, register, unregister};
use crate::memory::outside_ram;
use crate::{ensure, ensure_eq, ktest, symbols};

#[inline(never)]
fn subject() -> u64 {
    core::hint::black_box(7)
}

/// What else is in a register when one fails.
static VALUE: u64 = 0x1122_3344_5566_7788;

fn site() -> Result<Site, String> {
    let symbol = symbols::kernel()
        .at(subject as fn() -> u64 as usize as u64)
        .ok_or("the function has no symbol")?
        .0;
    Ok(Site::of_kernel_symbol(&symbol).ok_or("the function has no site")?)
}

/// With a breakpoint in the code at this address, as while the kernel runs under a debugger.
fn with_breakpoint<T>(address: u64, body: impl FnOnce() -> T) -> Result<T, String> {
    ensure!(
        breakpoints::add(address),
        "there can be no breakpoint at {address:#x}"
    );
    interrupts::without(breakpoints::plant);
    let planted = breakpoints::is_planted(address);
    let result = body();
    interrupts::without(breakpoints::lift);
    breakpoints::remove(address);
    ensure!(planted, "the breakpoint is not in the code");
    Ok(result)
}

ktest! {
    fn a_hook_that_wants_a_breakpoints_site_is_refused_by_name() {
        let site = site()?;
        let ops = Arc::new(FtraceOps::new("kgdb_case", ftrace_stub, OpsFlags::empty()));
        let refused = with_breakpoint(site.address, || register(&site, &ops, Place::Last))?;
        let error = refused.err().ok_or("it is not refused")?;
        ensure!(matches!(error, FtraceError::Breakpoint { .. }), "{error}");
        ensure!(error.to_string().contains("kgdb::tests::subject"), "{error}");
        ensure_eq!(memory::instruction(site.address), Some(NOP), "the site's word behind it");
        register(&site, &ops, Place::Last).map_err(|error| error.to_string())?;
        unregister(&site, &ops).map_err(|error| error.to_string())
    }

    /// And the other way round: the word that the breakpoint puts back is the one that the hook has left.
    fn a_hook_goes_from_beneath_a_breakpoint() {
        let site = site()?;
        let ops = Arc::new(FtraceOps::new("kgdb_case", ftrace_stub, OpsFlags::empty()));
        register(&site, &ops, Place::Last).map_err(|error| error.to_string())?;
        let hooked = memory::instruction(site.address);
        ensure!(hooked != Some(NOP), "the site is not hooked");
        with_breakpoint(site.address, || ())?;
        ensure_eq!(memory::instruction(site.address), hooked, "the site's word behind a breakpoint");
        let gone = with_breakpoint(site.address, || unregister(&site, &ops))?;
        gone.map_err(|error| error.to_string())?;
        ensure_eq!(memory::instruction(site.address), Some(NOP), "the site's word behind the hook");
        ensure_eq!(subject(), 7, "what the function answers");
        Ok(())
    }

    fn a_breakpoint_in_its_own_code_stays_out_of_it() {
        let address = super::poll as fn(&mut arch::entry::ExceptionFrame) as usize as u64;
        ensure!(breakpoints::add(address), "it is refused");
        interrupts::without(breakpoints::plant);
        let planted = breakpoints::is_planted(address);
        interrupts::without(breakpoints::lift);
        breakpoints::remove(address);
        ensure!(!planted, "it is in the code");
        ensure!(!breakpoints::add(&raw const VALUE as u64), "there is a breakpoint where there is no code");
        Ok(())
    }

    fn memory_that_is_not_there_is_an_answer() {
        let mut bytes = [0; 8];
        ensure_eq!(memory::read(&raw const VALUE as u64, &mut bytes), 8, "bytes of a constant");
        ensure_eq!(u64::from_le_bytes(bytes), VALUE, "the constant");
        ensure_eq!(memory::read(outside_ram(), &mut bytes), 0, "bytes outside RAM");
        ensure_eq!(memory::read(u64::MAX - 3, &mut bytes), 0, "bytes at the end of all addresses");
        ensure!(!memory::write(outside_ram(), &bytes), "it can be written outside RAM");
        let before = memory::instruction(site()?.address);
        ensure!(memory::write(site()?.address, &NOP.to_le_bytes()), "code cannot be written");
        ensure_eq!(memory::instruction(site()?.address), before, "the code");
        Ok(())
    }

    fn to_stop_without_a_debugger_does_nothing() {
        debug::stop();
        Ok(())
    }
}

ktest! {
    needs crate::memory::protected;

    fn memory_that_is_protected_is_an_answer() {
        let mut bytes = [0; 8];
        ensure_eq!(memory::read(8, &mut bytes), 0, "bytes of page 0");
        let stack = crate::thread::current_head().stack_low.load(core::sync::atomic::Ordering::Relaxed);
        ensure_eq!(memory::read(stack - 8, &mut bytes), 0, "bytes of the stack's guard page");
        ensure!(!memory::write(&raw const VALUE as u64, &bytes), "a constant can be written");
        Ok(())
    }
}
