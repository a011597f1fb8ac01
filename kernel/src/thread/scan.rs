//! Whether any thread may come back to a piece of memory.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::abi::{FRAME_HEADER_SIZE, STACK_ALIGN};
use arch::livepatch::{ReturnRecord, caller_frame_helper};
use arch::thread::{RETURN_STACK_DEPTH, ThreadHead};

use super::{Thread, all, current, current_head};
use crate::cpu::{World, stop_the_world};
use crate::unwind::{self, End, Trace};

/// The name of a thread, other than the running one and those with the numbers `except`, with an address in `range` anywhere in
/// the live part of its stack or in the records of its return designs and tracers.
///
/// Whatever a thread may return to or jump to lies there, in a frame, an exception frame or the switch frame: so `None` is proof
/// that nobody comes back. Of a thread that has such a word the exact trace decides, if there is one; if not, a stale word can
/// make the answer `Some` without need, and the caller tries again later.
pub fn find_stack_word_in(range: Range<u64>, except: &[u32]) -> Option<String> {
    stop_the_world(|world| {
        let mut others = others();
        others.retain(|thread| !except.contains(&thread.id));
        let found = others
            .iter()
            .find(|thread| may_come_back(world, thread, core::slice::from_ref(&range), &[]));
        found.map(|thread| thread.name.clone())
    })
}

/// A thread of these that is in the stub area or in a trampoline, or in what one of these called, or that returns into one of
/// `ranges`, and has an address in one of `ranges` on its stack.
pub(crate) fn in_trampoline_with<'a>(
    world: &World,
    threads: &'a [Arc<Thread>],
    ranges: &[Range<u64>],
) -> Option<&'a Thread> {
    let code = trampoline_code();
    let found = threads
        .iter()
        .find(|thread| has_word_in(world, thread, ranges) && may_come_back(world, thread, &code, ranges));
    found.map(|thread| &**thread)
}

/// The threads other than the running one that [`in_trampoline_with`] can be true of, whatever the ranges are: for who asks for
/// many. A trace of each that looks like one is dear, and still less than to ask all of them for each range.
pub(crate) fn others_in_trampolines(world: &World) -> Vec<Arc<Thread>> {
    let code = trampoline_code();
    let mut threads = others();
    threads.retain(|thread| may_come_back(world, thread, &code, &code));
    threads
}

fn trampoline_code() -> [Range<u64>; 2] {
    [arch::image::trampolines(), arch::image::stub_area()]
}

/// Whether a thread has an address in one of `code`, and it is not certain that it means nothing. `stubs`: of replacements that the
/// thread may return to.
fn may_come_back(world: &World, thread: &Thread, code: &[Range<u64>], stubs: &[Range<u64>]) -> bool {
    has_word_in(world, thread, code) && !is_certainly_outside(unwind::trace_other(world, thread), code, stubs)
}

/// Whether there is anything that [`may_return_to`] can be true of.
pub(crate) fn may_return_to_a_stub() -> bool {
    !records(current_head()).is_empty()
}

/// Whether the running thread returns to one of `stubs`, or that is not certain.
pub(crate) fn may_return_to(stubs: &[Range<u64>]) -> bool {
    may_return_to_a_stub() && !is_certainly_outside(unwind::here(), &[], stubs)
}

/// The records of `return-stack` that a thread has.
fn records(head: &ThreadHead) -> Range<u64> {
    let [end, limit] = [&head.return_sp, &head.return_limit].map(|word| word.load(Ordering::Relaxed));
    limit - (RETURN_STACK_DEPTH * size_of::<ReturnRecord>()) as u64..end
}

/// Whether an exact trace says that its thread is in none of `code` and returns to none of `stubs`: words that look like addresses
/// of it are stale, or plain numbers, and in a thread that sleeps for long they stay.
fn is_certainly_outside<'a>(trace: Trace<'a>, code: &[Range<u64>], stubs: &'a [Range<u64>]) -> bool {
    let mut trace = trace.watching(stubs);
    let is_outside = trace.by_ref().all(|frame| {
        let address = frame.address_inside();
        frame.is_reliable() && !code.iter().any(|range| range.contains(&address))
    });
    is_outside && trace.end() == Some(End::Outermost) && trace.met().is_none()
}

/// Every thread but the running one.
pub(crate) fn others() -> Vec<Arc<Thread>> {
    let me = current();
    let mut threads = all();
    threads.retain(|thread| !Arc::ptr_eq(thread, &me));
    threads
}

/// Whether any word that says where a thread goes on, other than the running one, is in one of `ranges`. If not, the thread is
/// in none of them and comes back to none: no trace is needed to know that.
pub(crate) fn has_word_in(world: &World, thread: &Thread, ranges: &[Range<u64>]) -> bool {
    // Most words are outside of all that any of them covers.
    let start = ranges.iter().map(|range| range.start).min().unwrap_or(0);
    let end = ranges.iter().map(|range| range.end).max().unwrap_or(0);
    let is_inside =
        |word: u64| (start..end).contains(&word) && ranges.iter().any(|range| range.contains(&word));
    // Of whom it is not known where his stack begins everything must be believed.
    stack_in_use(world, thread).is_none_or(|stack| words(thread, stack).any(is_inside))
}

/// The part of a thread's stack that it needs. All its registers are there: in the switch frame, or in the exception frame with
/// which its CPU was stopped. `None` if that one is not on the thread's stack.
fn stack_in_use(world: &World, thread: &Thread) -> Option<Range<u64>> {
    let head = &thread.head;
    let [low, high, sleeping_at] = [&head.stack_low, &head.stack_high, &head.saved_stack_pointer]
        .map(|word| word.load(Ordering::Relaxed));
    let start = match world.interrupted(thread) {
        None => sleeping_at,
        Some(frame) => core::ptr::from_ref(frame) as u64,
    };
    (low..high).contains(&start).then_some(start..high)
}

/// Everything that says where a thread goes on: the words of its stack, of its return records and of its graph
/// records. Return designs keep A's return address where no frame has it.
fn words(thread: &Thread, stack: Range<u64>) -> impl Iterator<Item = u64> {
    let head = &thread.head;
    let [low, livepatch_sp] = [&head.stack_low, &head.livepatch_sp].map(|word| word.load(Ordering::Relaxed));
    doublewords(stack.clone())
        .chain(doublewords(low..livepatch_sp))
        .chain(doublewords(records(head)))
        .chain(hidden_in_callers_frames(stack))
        .chain(thread.graph.return_addresses())
}

/// The return addresses that `caller-frame` keeps as differences (`arch/ppc64/src/livepatch/caller_frame.S`).
fn hidden_in_callers_frames(stack: Range<u64>) -> impl Iterator<Item = u64> {
    let helper = caller_frame_helper();
    let last = stack.end - FRAME_HEADER_SIZE as u64;
    (stack.start..=last)
        .step_by(STACK_ALIGN)
        .filter_map(move |frame| {
            let [_, crs, lr_save, toc] = [0, 8, 16, 24].map(|offset| doubleword(frame + offset));
            let difference = (crs >> 32) as i32;
            (lr_save == helper).then(|| toc.wrapping_add_signed(difference.into()))
        })
}

fn doublewords(range: Range<u64>) -> impl Iterator<Item = u64> {
    range.step_by(8).map(doubleword)
}

#[allow(unsafe_code, reason = "reads another thread's stack and records")]
fn doubleword(address: u64) -> u64 {
    // SAFETY: `words` asks for addresses in the thread's own stacks only, which live as long as the thread; the world is
    // stopped, so it does not run.
    unsafe { (address as *const u64).read_volatile() }
}
