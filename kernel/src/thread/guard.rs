//! The pages that stacks run into when they overflow.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::livepatch::ReturnRecord;
use arch::thread::{GUARD_SIZE, RETURN_STACK_DEPTH, ThreadHead};

use super::{Thread, all, current_head, scheduler};
use crate::cpu::{self, Cpu};
use crate::memory::PAGE_SIZE;

/// Bytes below a stack, and behind the last record, that are not mapped.
const GUARD: u64 = GUARD_SIZE as u64;

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

fn pages_below(address: u64) -> Range<u64> {
    address.saturating_sub(GUARD)..address
}

/// A thread's. The pages between its records and its stack are the guard of both, if the two lie side by side: what the stack
/// overflows into comes first.
fn of_thread(head: &ThreadHead) -> [(GuardPage, Range<u64>); 3] {
    let limit = head.return_limit.load(Ordering::Relaxed);
    let base = limit.saturating_sub((RETURN_STACK_DEPTH * size_of::<ReturnRecord>()) as u64);
    [
        (
            GuardPage::Stack,
            pages_below(head.stack_low.load(Ordering::Relaxed)),
        ),
        (GuardPage::ReturnStack, pages_below(base)),
        (GuardPage::ReturnStack, limit..limit + GUARD),
    ]
}

/// Those of the running thread. Until there are threads it is the boot thread, which has no return records yet.
fn of_current() -> impl Iterator<Item = (GuardPage, Range<u64>)> {
    let head = current_head();
    let is_boot = head.stack_high.load(Ordering::Relaxed) == 0;
    let boot = is_boot.then(|| (GuardPage::Stack, pages_below(arch::start::boot_stack().start)));
    let own = (!is_boot).then(|| of_thread(head));
    boot.into_iter().chain(own.into_iter().flatten())
}

fn of_cpu(cpu: &Cpu) -> [(GuardPage, Range<u64>); 2] {
    let cpu = cpu.head();
    [
        (
            GuardPage::EmergencyStack,
            pages_below(cpu.emergency_stack().start),
        ),
        (GuardPage::ResetStack, pages_below(cpu.reset_stack().start)),
    ]
}

/// The guard pages of all threads and CPUs, each once: what they guard, and their addresses.
pub(crate) fn guard_pages() -> Vec<(GuardPage, u64)> {
    let threads = all();
    let pages = threads
        .iter()
        .flat_map(|thread| of_thread(&thread.head))
        .chain(cpu::online().flat_map(of_cpu));
    let page_size = PAGE_SIZE as usize;
    let pages = pages.flat_map(|(guard, pages)| pages.step_by(page_size).map(move |page| (guard, page)));
    let mut pages: Vec<_> = pages.collect();
    pages.sort_by_key(|(_, start)| *start);
    pages.dedup_by_key(|(_, start)| *start);
    pages
}

/// What of the running thread or of its CPU has overflowed when `address` cannot be used.
pub(crate) fn own_guard(address: u64) -> Option<GuardPage> {
    of_current()
        .chain(of_cpu(cpu::this()))
        .find(|(_, page)| page.contains(&address))
        .map(|(guard, _)| guard)
}

/// An address in a guard page, to be printed as what that guards. Allocates nothing and does not wait for long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GuardedBy(pub(crate) u64);

impl GuardedBy {
    fn look<T>(self, found: impl FnOnce(GuardPage, &Thread) -> T) -> Option<T> {
        let guard = |thread: &Thread| {
            let mut guards = of_thread(&thread.head).into_iter();
            guards
                .find(|(_, page)| page.contains(&self.0))
                .map(|(guard, _)| guard)
        };
        let result = scheduler::look(|threads| {
            let mut guards = threads.iter();
            let (guard, thread) = guards.find_map(|thread| Some((guard(thread)?, thread)))?;
            Some(found(guard, thread))
        });
        result.flatten()
    }

    /// Whether it is in the guard page of some thread.
    pub(crate) fn is_guarded(self) -> bool {
        self.look(|_, _| ()).is_some()
    }
}

impl fmt::Display for GuardedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look(|guard, thread| write!(f, "the {guard} of thread '{}'", thread.name))
            .unwrap_or_else(|| f.write_str("a stack"))
    }
}

/// Prints whose stack or return records an address in the stack area belongs to. Allocates nothing and does not wait for long.
pub(crate) fn describe_stack(f: &mut fmt::Formatter<'_>, address: u64) -> fmt::Result {
    let written = scheduler::look(|threads| {
        let owner = threads.iter().find(|thread| thread.memory.contains(address))?;
        Some(write!(f, "stack of thread '{}'", owner.name))
    });
    match written {
        Some(Some(result)) => result,
        _ => f.write_str("stack area"),
    }
}
