//! Cases for what threads do wrong: each ends by it, with a message that names it, and the kernel goes on.
#![allow(unsafe_code, reason = "every case does what must not be done")]

use alloc::format;
use alloc::string::String;
use core::hint::black_box;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::sync::atomic::AtomicU64;

use arch::{image, trap};

use crate::memory::{self, PAGE_SIZE, outside_is_noticed, outside_ram, protected, stacks_in_use};
use crate::module::{self, Module};
use crate::thread::{Builder, Outcome};
use crate::{ensure, ensure_eq, initrd, ktest};

/// What the kernel says of a thread named `victim` that runs `body`.
fn cause_of(body: impl FnOnce() + Send + 'static) -> Result<String, String> {
    match Builder::new("victim").sacrificial().spawn(body).join() {
        Err(Outcome::Faulted(fault)) => {
            ensure_eq!(fault.thread.as_str(), "victim", "the thread");
            let message = format!("{fault}");
            let cause = fault.cause.ok_or(format!("no cause is named: {message}"))?;
            ensure!(message.starts_with(&format!("{cause}: ")), "{message}");
            Ok(cause)
        }
        other => Err(format!("the thread ended otherwise: {other:?}")),
    }
}

fn store(address: u64) -> Result<String, String> {
    // SAFETY: the processor does not let it happen, or nothing is there.
    cause_of(move || unsafe { trap::store(address, 0) })
}

fn load(address: u64) -> Result<String, String> {
    cause_of(move || {
        // SAFETY: memory, or nothing.
        black_box(unsafe { trap::load(address) });
    })
}

fn jump(address: u64) -> Result<String, String> {
    // SAFETY: the processor does not let it happen.
    cause_of(move || unsafe { trap::jump(address) })
}

fn overflows() -> Result<String, String> {
    cause_of(|| {
        black_box(trap::overflow_stack(u64::MAX));
    })
}

/// Some small frames, and then large ones until there is no more room.
#[inline(never)]
fn go_down(small: u64) -> u64 {
    let here = black_box([small; 40]);
    match small {
        0 => go_down_fast(u64::MAX),
        _ => go_down(small - 1) + black_box(here)[0],
    }
}

#[inline(never)]
fn go_down_fast(depth: u64) -> u64 {
    // Only its end is written to.
    let mut here = [MaybeUninit::<u64>::uninit(); 1200];
    here[0].write(depth);
    black_box(&mut here);
    match depth {
        0 => 0,
        _ => go_down_fast(depth - 1) + black_box(&here).len() as u64,
    }
}

/// Two `blr`: it would be code.
static DATA: AtomicU64 = AtomicU64::new(0x4e80_0020_4e80_0020);
static CONSTANT: [u64; 4] = [1, 2, 3, 4];

#[inline(never)]
fn function() -> u64 {
    black_box(3)
}

/// The first page of the module that can be used so.
fn page(module: &Module, is_it: impl Fn(u64) -> bool) -> Result<u64, String> {
    let Range { start, end } = module.range.clone();
    let mut pages = (start..end).step_by(PAGE_SIZE as usize);
    pages
        .find(|page| is_it(*page))
        .ok_or(format!("{} has no such page", module.info.name))
}

ktest! {
    needs protected;

    fn a_stack_overflow_is_named_and_its_memory_comes_back() {
        let wanted = "stack overflow of thread 'victim'";
        ensure_eq!(overflows()?.as_str(), wanted, "the first time");
        let before = (memory::heap_at_rest(), stacks_in_use());
        for _ in 0..8 {
            ensure_eq!(overflows()?.as_str(), wanted, "the cause");
        }
        ensure_eq!((memory::heap_at_rest(), stacks_in_use()), before, "heap and stacks in use after 8 of them");
        Ok(())
    }

    /// Wherever the last frame that fits ends, and whether or not the next one is larger than a page.
    fn a_frame_does_not_step_over_the_guard() {
        for small in 0..24 {
            let cause = cause_of(move || {
                black_box(go_down(small));
            })?;
            ensure_eq!(cause.as_str(), "stack overflow of thread 'victim'", "after {small} small frames");
        }
        Ok(())
    }

    fn a_write_to_text_is_named() {
        let cause = store(function as fn() -> u64 as usize as u64)?;
        ensure_eq!(cause.as_str(), "write to text of function kernel::exceptions::tests::function in thread 'victim'", "the cause");
        ensure_eq!(function(), 3, "what the function answers");
        Ok(())
    }

    fn a_write_to_constants_is_named() {
        let address = &raw const CONSTANT as u64;
        let cause = store(address)?;
        ensure_eq!(cause, format!("write to constants at {address:#x}, rodata of the kernel, in thread 'victim'"), "the cause");
        ensure_eq!(black_box(&CONSTANT)[0], 1, "the constant");
        Ok(())
    }

    fn a_jump_to_data_is_named() {
        let address = &raw const DATA as u64;
        let cause = jump(address)?;
        ensure_eq!(cause, format!("jump to data at {address:#x}, data of the kernel, in thread 'victim'"), "the cause");
        Ok(())
    }

    fn a_jump_to_a_stack_is_named() {
        let here = 0u64;
        let address = &raw const here as u64 & !3;
        let cause = jump(address)?;
        let name = crate::thread::CurrentName;
        ensure_eq!(cause, format!("jump to data at {address:#x}, stack of thread '{name}', in thread 'victim'"), "the cause");
        Ok(())
    }

    fn a_null_dereference_is_named() {
        ensure_eq!(load(0)?.as_str(), "null dereference: load from 0x0 in thread 'victim'", "a load");
        ensure_eq!(load(8)?.as_str(), "null dereference: load from 0x8 in thread 'victim'", "a load behind it");
        ensure_eq!(store(16)?.as_str(), "null dereference: store to 0x10 in thread 'victim'", "a store");
        ensure_eq!(jump(0)?.as_str(), "null dereference: jump to 0x0 in thread 'victim'", "a jump");
        Ok(())
    }

    fn a_load_or_jump_outside_ram_is_named() {
        let address = outside_ram();
        ensure_eq!(load(address)?, format!("load outside RAM at {address:#x} in thread 'victim'"), "a load");
        ensure_eq!(jump(address)?, format!("jump outside RAM at {address:#x} in thread 'victim'"), "a jump");
        Ok(())
    }

    /// Quadrants of the address that nobody has a process for, and more than a tree translates.
    fn an_access_where_nothing_can_be_is_named() {
        for address in [1 << 51, 1 << 60, 0xc000_0000_0000_0000, 0xc000_0000_0040_0000, u64::MAX - 7] {
            let cause = store(address)?;
            let wanted = format!(" outside RAM at {address:#x} in thread 'victim'");
            ensure!(cause.ends_with(&wanted), "{cause}");
        }
        Ok(())
    }

    fn an_access_to_the_window_is_named() {
        let cause = store(arch::mmu::window::ADDRESS + 8)?;
        ensure_eq!(cause.as_str(), "store to the window to code, which is closed, in thread 'victim'", "the cause");
        Ok(())
    }

    fn an_access_to_what_is_not_in_use_is_named() {
        let address = image::module_area().end - 8;
        let cause = load(address)?;
        ensure_eq!(cause, format!("load from unmapped address {address:#x}, module area, in thread 'victim'"), "the cause");
        Ok(())
    }

    fn a_store_to_somebodys_guard_page_is_named() {
        let name = crate::thread::CurrentName;
        let low = crate::thread::current().head().stack_low.load(core::sync::atomic::Ordering::Relaxed);
        let cause = store(low - 8)?;
        let wanted = format!("store to {:#x}, guard page of the stack of thread '{name}' in thread 'victim'", low - 8);
        ensure_eq!(cause, wanted, "the cause");
        Ok(())
    }

    fn a_module_is_protected_as_the_kernel_is() {
        let file = initrd::file("modules/three_slots.ko").ok_or("three_slots.ko is not in the initrd")?;
        let module = module::load("three_slots", file).map_err(|error| format!("{error}"))?;
        let tried = wrong_uses(&module);
        module::unload("three_slots").map_err(|error| format!("{error}"))?;
        tried?;
        let address = module.range.start;
        let cause = jump(address)?;
        ensure_eq!(cause, format!("jump to unmapped address {address:#x}, module area, in thread 'victim'"), "a jump to where it was");
        Ok(())
    }
}

/// What must not be done with each part of a module.
fn wrong_uses(module: &Module) -> Result<(), String> {
    let function = module.symbol("three_slots").ok_or("there is no three_slots")?;
    let cause = store(function.address)?;
    let wanted = "write to text of function three_slots of module three_slots in thread 'victim'";
    ensure_eq!(cause.as_str(), wanted, "a store to text");
    let writable = |page| memory::rights_at(page) == Some(memory::Rights::ReadWrite);
    let data = page(module, writable)?;
    let cause = jump(data)?;
    let wanted = format!("jump to data at {data:#x}, data of module three_slots, in thread 'victim'");
    ensure_eq!(cause, wanted, "a jump to data");
    let rodata = page(module, |page| {
        memory::rights_at(page) == Some(memory::Rights::Read)
    })?;
    let cause = store(rodata)?;
    let wanted =
        format!("write to constants at {rodata:#x}, rodata of module three_slots, in thread 'victim'");
    ensure_eq!(cause, wanted, "a store to rodata");
    let cause = jump(rodata)?;
    let wanted = format!("jump to data at {rodata:#x}, rodata of module three_slots, in thread 'victim'");
    ensure_eq!(cause, wanted, "a jump to rodata");
    Ok(())
}

ktest! {
    needs outside_is_noticed;

    fn a_store_outside_ram_is_named() {
        let address = outside_ram();
        ensure_eq!(store(address)?, format!("store outside RAM at {address:#x} in thread 'victim'"), "the cause");
        Ok(())
    }
}

ktest! {
    /// Without translation as well: the instruction is found to be none.
    fn a_jump_to_what_is_no_code_is_named() {
        let data = alloc::boxed::Box::new([0u64; 2]);
        let address = &raw const *data as u64;
        let cause = jump(address)?;
        ensure_eq!(cause, format!("jump to data at {address:#x}, heap, in thread 'victim'"), "the cause");
        Ok(())
    }
}
