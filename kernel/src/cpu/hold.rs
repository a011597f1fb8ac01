//! A debugger has stopped all other CPUs, for as long as it likes.
//!
//! One CPU at a time is the *holder*, from [`take`] to [`let_go`]. Whoever else is online *stands by*, on top of an exception's
//! frame, from which the holder has its registers and where it may change them. A CPU comes to that
//! 1. by an interrupt, which the holder sends;
//! 2. where it waits for another with interrupts off, which [`relax`] is for;
//! 3. while it stands still for somebody else already (`world.rs`);
//! 4. when it wants to be the holder itself.
//!
//! Who has interrupts off and does not wait is waited for, and left alone when that takes too long.
#![allow(
    unsafe_code,
    reason = "the frames of CPUs that stand by come by their addresses"
)]

use core::sync::atomic::{AtomicUsize, Ordering};

use arch::entry::ExceptionFrame;
use arch::thread::ThreadHead;
use arch::{debug, hcall, text, time};

use super::stand::Stand;
use super::{Cpu, MAXIMUM, Message, online, send, this};
use crate::kgdb;

/// How long a CPU may take to stand by: 1 s.
const PATIENCE: u64 = time::TICKS_PER_SECOND;

/// The holder, from `take` to the end of `let_go`: its number and 1; 0: nobody.
static HOLDER: AtomicUsize = AtomicUsize::new(0);
/// For whom all others stand by. They go on when it is 0, or their own.
static HELD_FOR: AtomicUsize = AtomicUsize::new(0);

/// Where the CPUs stand that stand by, and the holder.
static STANDS: [Stand; MAXIMUM] = Stand::all();

fn me() -> usize {
    this().number() + 1
}

/// Whether this CPU is the holder. Interrupts are off.
pub(crate) fn is_holder() -> bool {
    HOLDER.load(Ordering::Acquire) == me()
}

/// Whether anybody is.
pub(crate) fn is_taken() -> bool {
    HOLDER.load(Ordering::Acquire) != 0
}

/// Makes this CPU, which has met an exception with this frame and has interrupts off, the holder, and all others stand by.
/// When another was faster this one has stood by meanwhile, and the answer is false.
pub(crate) fn take(frame: &mut ExceptionFrame) -> bool {
    let me = me();
    while HOLDER
        .compare_exchange(0, me, Ordering::AcqRel, Ordering::Acquire)
        .is_err()
    {
        hcall::spin_hint();
        if stand_by(frame) {
            return false;
        }
    }
    STANDS[me - 1].enter(frame);
    hold_others();
    true
}

/// The holder, which has executed an instruction while all others stood by, has met an exception with this frame.
pub(crate) fn stay(frame: &mut ExceptionFrame) {
    STANDS[me() - 1].enter(frame);
}

/// Makes all other CPUs stand by; this one is the holder.
pub(crate) fn hold_others() {
    HELD_FOR.store(me(), Ordering::SeqCst);
    others().for_each(|cpu| send(cpu, Message::HOLD));
    let start = time::timebase();
    while others().any(|cpu| !stands(cpu)) && time::timebase() - start < PATIENCE {
        hcall::spin_hint();
    }
}

/// Lets all others go on, while this CPU stays the holder.
pub(crate) fn let_others_go() {
    HELD_FOR.store(0, Ordering::SeqCst);
    // Who stands by is seen to leave before anybody can hold it again.
    while others().any(stands) {
        hcall::spin_hint();
    }
}

/// Lets all others go on; this CPU is the holder no longer.
pub(crate) fn let_go() {
    let_others_go();
    STANDS[me() - 1].leave();
    HOLDER.store(0, Ordering::Release);
}

/// Makes another CPU, which stands by, the holder: it goes on, and this one stands by, on top of this frame, until it may.
pub(crate) fn hand_over(to: usize, frame: &mut ExceptionFrame) {
    HOLDER.store(to + 1, Ordering::Release);
    HELD_FOR.store(to + 1, Ordering::SeqCst);
    stand_by(frame);
}

/// Stands by for as long as somebody else wants it; whether somebody did. Interrupts are off.
pub(crate) fn stand_by(frame: &mut ExceptionFrame) -> bool {
    if !is_wanted() {
        return false;
    }
    let stand = &STANDS[me() - 1];
    stand.enter(frame);
    while is_wanted() {
        hcall::spin_hint();
    }
    if !is_holder() {
        stand.leave();
    }
    // The debugger may have changed code, and what it watches.
    text::synchronise_fetch();
    kgdb::apply_watchpoint();
    true
}

/// Whether this CPU is to stand by.
fn is_wanted() -> bool {
    let holder = HELD_FOR.load(Ordering::SeqCst);
    holder != 0 && holder != me()
}

/// In every loop that waits for another CPU with interrupts off: gives that its time, and stands by where that is wanted, which
/// is the answer.
pub(crate) fn relax() -> bool {
    hcall::spin_hint();
    let is_wanted = HELD_FOR.load(Ordering::Relaxed) != 0 && is_wanted();
    if is_wanted {
        debug::stand_by();
    }
    is_wanted
}

fn others() -> impl Iterator<Item = &'static Cpu> {
    let here = this().number();
    online().filter(move |cpu| cpu.number() != here)
}

fn stands(cpu: &Cpu) -> bool {
    STANDS[cpu.number()].is_taken()
}

/// The CPUs that stand by, and the holder: their numbers, and the thread that each runs.
pub(crate) fn standing() -> impl Iterator<Item = (usize, *const ThreadHead)> {
    let stands = STANDS.iter().enumerate();
    stands
        .filter(|(_, stand)| stand.is_taken())
        .map(|(cpu, stand)| (cpu, stand.thread()))
}

/// What `look` answers of the registers of a CPU that stands by, or of the holder; `None` when it is neither. For the holder.
pub(crate) fn with_frame<T>(cpu: usize, look: impl FnOnce(&mut ExceptionFrame) -> T) -> Option<T> {
    let frame = STANDS.get(cpu)?.frame();
    // SAFETY: the CPU stays in its handler, on top of this frame, and does not touch it, until it may go on, which the caller
    // decides.
    unsafe { frame.as_mut() }.map(look)
}
