//! The pages that stacks run into when they overflow.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::livepatch::ReturnRecord;
use arch::thread::{RETURN_STACK_DEPTH, ThreadHead};

use super::all;
use crate::cpu::{self, Cpu};
use crate::memory::PAGE_SIZE;

/// What overflows into a guard page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardPage {
    /// A thread's stack, downwards.
    Stack,
    /// A thread's return records: from the first one downwards, or from the last one upwards.
    ReturnStack,
    /// The CPU's stack for exceptions that find r1 unusable.
    EmergencyStack,
    /// The CPU's stack for system resets and machine checks.
    ResetStack,
}

impl fmt::Display for GuardPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GuardPage::Stack => "stack",
            GuardPage::ReturnStack => "return stack",
            GuardPage::EmergencyStack => "emergency stack",
            GuardPage::ResetStack => "reset stack",
        })
    }
}

fn page_below(address: u64) -> Range<u64> {
    address.saturating_sub(PAGE_SIZE)..address
}

/// A thread's. The page between its records and its stack is the guard of both, if the two lie side by side: what the stack
/// overflows into comes first.
fn of_thread(head: &ThreadHead) -> [(GuardPage, Range<u64>); 3] {
    let limit = head.return_limit.load(Ordering::Relaxed);
    let base = limit.saturating_sub((RETURN_STACK_DEPTH * size_of::<ReturnRecord>()) as u64);
    [
        (
            GuardPage::Stack,
            page_below(head.stack_low.load(Ordering::Relaxed)),
        ),
        (GuardPage::ReturnStack, page_below(base)),
        (GuardPage::ReturnStack, limit..limit + PAGE_SIZE),
    ]
}

fn of_cpu(cpu: &Cpu) -> [(GuardPage, Range<u64>); 2] {
    let cpu = cpu.head();
    [
        (GuardPage::EmergencyStack, page_below(cpu.emergency_stack().start)),
        (GuardPage::ResetStack, page_below(cpu.reset_stack().start)),
    ]
}

/// The guard pages of all threads and CPUs, each once: what they guard, and their addresses.
pub(crate) fn guard_pages() -> Vec<(GuardPage, u64)> {
    let mut threads = all();
    threads.extend(cpu::online().filter_map(Cpu::idle_thread).cloned());
    let pages = threads
        .iter()
        .flat_map(|thread| of_thread(&thread.head))
        .chain(cpu::online().flat_map(of_cpu));
    let mut pages: Vec<_> = pages.map(|(guard, page)| (guard, page.start)).collect();
    pages.sort_by_key(|(_, start)| *start);
    pages.dedup_by_key(|(_, start)| *start);
    pages
}
