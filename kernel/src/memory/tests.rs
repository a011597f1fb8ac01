//! Cases for protection: the self-check finds what is wrong, and the window to code is where and when it has to be.

use alloc::string::ToString;
use alloc::vec::Vec;

use arch::mmu::window;
use arch::thread::GUARD_SIZE;
use arch::{image, text};
use kernel_core::radix::{Leaf, PAGE_SIZE, Rights};

use super::check::{Report, check};
use super::protection::{mapping, open_windows, plant};
use super::{Guarded, protected};
use crate::machine::machine;
use crate::symbols::Symbolized;
use crate::{ensure, ensure_eq, ktest, step, thread};

/// A right that none of [`Rights`] has together with another: to execute.
const EXECUTE: u64 = 1;

/// What the self-check says while the page at `address` is mapped by `word`.
fn complaint(address: u64, word: u64) -> Result<alloc::string::String, alloc::string::String> {
    let old = plant(address, word);
    let result = check();
    plant(address, old);
    check()?;
    match result {
        Ok(report) => Err(alloc::format!("it found nothing: {report}")),
        Err(complaint) => Ok(complaint),
    }
}

ktest! {
    needs protected;

    fn nothing_can_be_written_and_executed() {
        let report = check()?;
        let Report { cpus, census, guards } = report;
        ensure!(cpus > 0 && machine().has_radix, "{report}");
        ensure!(census.executable > 0 && census.read_only > 0 && census.writable > 0, "{report}");
        ensure_eq!(census.both, 0, "pages that can be written and executed");
        ensure!(guards > 4, "{report}");
        Ok(())
    }

    fn the_self_check_finds_what_can_be_written_and_executed() {
        let stack = Guarded::new(&[PAGE_SIZE]);
        let page = stack.part(0).start;
        let word = Leaf::new(page, Rights::ReadWrite).word() | EXECUTE;
        let complaint = complaint(page, word)?;
        let wanted = alloc::format!("process 1: {page:#x}, 0x1000 bytes, can be written and executed: {page:#x} rwx");
        ensure_eq!(complaint, wanted, "what the self-check says");
        Ok(())
    }

    fn the_self_check_finds_what_is_mapped_elsewhere() {
        let stack = Guarded::new(&[PAGE_SIZE]);
        let page = stack.part(0).start;
        let complaint = complaint(page, Leaf::new(page + PAGE_SIZE, Rights::Read).word())?;
        ensure!(complaint.contains(" is mapped elsewhere: "), "{complaint}");
        Ok(())
    }

    fn the_self_check_finds_a_guard_page_that_is_mapped() {
        let stack = thread::current().head().stack_low.load(core::sync::atomic::Ordering::Relaxed);
        let page = stack - PAGE_SIZE;
        let complaint = complaint(page, Leaf::new(page, Rights::Read).word())?;
        ensure!(complaint.starts_with("the guard page of a stack is mapped: "), "{complaint}");
        Ok(())
    }

    /// Looks between any two instructions of a write.
    fn the_window_to_code_is_there_for_one_write_on_one_cpu() {
        ensure!(open_windows().is_empty() && mapping(window::ADDRESS).is_none(), "it is open before");
        let site = code as fn() -> u64 as usize as u64;
        // SAFETY: reads an instruction.
        #[allow(unsafe_code, reason = "code is read by its address")]
        let word = unsafe { text::read_word(site) };
        let own = thread::current_cpu_head().process();
        let mut seen: Vec<(heapless::Vec<u32, { arch::cpu::MAXIMUM }>, u64)> = Vec::with_capacity(4096);
        step::run(
            &mut |frame| {
                if seen.len() < seen.capacity() {
                    seen.push((open_windows(), frame.nip));
                }
            },
            || {
                // SAFETY: the word that is there already.
                #[allow(unsafe_code, reason = "code is written")]
                unsafe {
                    text::write_word(site, word);
                }
            },
        );
        ensure!(seen.len() < seen.capacity(), "the write took {} instructions", seen.len());
        let open: Vec<bool> = seen.iter().map(|(windows, _)| !windows.is_empty()).collect();
        let changes = open.windows(2).filter(|pair| pair[0] != pair[1]).count();
        ensure_eq!((open.first(), open.last(), changes), (Some(&false), Some(&false), 2), "open at first, at last, changes");
        let others = seen.iter().find(|(windows, _)| windows.iter().any(|process| *process != own));
        ensure!(others.is_none(), "process {own} writes: {}", alloc::format!("{others:?}"));
        ensure!(open_windows().is_empty(), "it is open afterwards");
        ensure_eq!(code(), 7, "what the function answers");
        Ok(())
    }
}

#[inline(never)]
fn code() -> u64 {
    core::hint::black_box(7)
}

/// What `stdu r1,-N(r1)` has but for N, and the bits that say so: how a function makes its frame.
const MAKES_FRAME: [u32; 2] = [0xf821_0001, 0xffff_0003];
/// `stdux r1,r1,…`: a frame larger than that can make, or of a size that only the run decides.
const MAKES_LARGE_FRAME: [u32; 2] = [0x7c21_016a, 0xffff_07ff];

ktest! {
    /// Otherwise a stack could overflow past its guard.
    fn no_frame_of_the_kernel_is_larger_than_the_guard_below_a_stack() {
        let mut largest = (0, 0);
        for address in image::text().step_by(4) {
            // SAFETY: reads an instruction.
            #[allow(unsafe_code, reason = "code is read by its address")]
            let word = unsafe { text::read_word(address) };
            let is = |[bits, mask]: [u32; 2]| word & mask == bits;
            ensure!(!is(MAKES_LARGE_FRAME), "{} makes a frame of any size", Symbolized(address));
            if is(MAKES_FRAME) {
                largest = largest.max((u64::from((word as u16 & !3).wrapping_neg()), address));
            }
        }
        let (size, address) = largest;
        ensure!((1..GUARD_SIZE as u64).contains(&size), "{} makes a frame of {size} bytes", Symbolized(address));
        Ok(())
    }

    fn an_address_is_said_to_be_somebodys() {
        let here = super::OwnerOf(code as fn() -> u64 as usize as u64).to_string();
        ensure_eq!(here.as_str(), "text of the kernel", "whose a function is");
        let stack = super::OwnerOf(core::ptr::from_ref(&here) as u64).to_string();
        let wanted = alloc::format!("stack of thread '{}'", thread::CurrentName);
        ensure_eq!(stack, wanted, "whose a variable is");
        ensure_eq!(super::OwnerOf(super::outside_ram()).to_string().as_str(), "nobody's", "whose the end is");
        Ok(())
    }
}
