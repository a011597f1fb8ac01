//! Stopping every other CPU for a moment, in order to look at all threads while none of them moves.
#![allow(unsafe_code, reason = "the frames of stopped CPUs come by their addresses")]

use core::sync::atomic::{AtomicU64, Ordering};

use arch::entry::ExceptionFrame;
use arch::{hcall, interrupts, time};

use super::stand::Stand;
use super::{Cpu, MAXIMUM, Message, count, hold, online, relax, send, this};
use crate::sync::{IrqLock, Rank};
use crate::thread::Thread;

/// How long a CPU may have interrupts off before the kernel gives up: 10 s.
const PATIENCE: u64 = 10 * time::TICKS_PER_SECOND;

/// Who stops the others holds it.
static TURN: IrqLock<()> = IrqLock::new(Rank::World, ());

/// How often the world has gone on.
static GONE_ON: AtomicU64 = AtomicU64::new(0);

/// Where the CPUs stand that are stopped.
static STANDS: [Stand; MAXIMUM] = Stand::all();

/// The proof that all other CPUs are stopped. They hold no lock that spins, and are in the middle of no switch.
pub struct World(());

impl World {
    /// What a thread had in its registers when its CPU was stopped; `None` for the caller's own thread and for those that no
    /// CPU runs.
    pub fn interrupted(&self, thread: &Thread) -> Option<&ExceptionFrame> {
        // Of a CPU that is not stopped, the caller's among them, it is null.
        let mut stands = STANDS.iter();
        let stand = stands.find(|stand| core::ptr::eq(stand.thread(), thread.head()))?;
        // SAFETY: the CPU waits in its handler, on top of this frame, for as long as there is a `World`.
        unsafe { stand.frame().as_ref() }
    }
}

/// Runs `body` while no other CPU does anything. What they did before is visible to it, and what it does is visible to them
/// before they do anything else.
///
/// # Panics
/// When the caller has interrupts off while other CPUs run: two who stop each other would wait for ever. When a CPU does not
/// stop.
pub fn stop_the_world<R>(body: impl FnOnce(&World) -> R) -> R {
    must_be_interruptible();
    let _turn = loop {
        // Meanwhile this CPU can be stopped itself.
        if let Some(turn) = TURN.try_lock() {
            break turn;
        }
        hcall::spin_hint();
    };
    let here = this().number();
    let others = || online().filter(|cpu| cpu.number() != here);
    others().for_each(|cpu| send(cpu, Message::PAUSE));
    others().for_each(|cpu| wait(cpu, Stand::is_taken));
    let result = body(&World(()));
    GONE_ON.fetch_add(1, Ordering::Release);
    others().for_each(|cpu| wait(cpu, |stand| !stand.is_taken()));
    result
}

/// With interrupts off nobody may wait for other CPUs, which may wait for this one.
pub(super) fn must_be_interruptible() {
    assert!(
        interrupts::enabled() || count() == 1,
        "another CPU is waited for with interrupts off"
    );
}

fn wait(cpu: &Cpu, is_there: impl Fn(&Stand) -> bool) {
    wait_for(cpu, || is_there(&STANDS[cpu.number()]));
}

/// Waits until `condition`, which the CPU makes true when it takes an interrupt, holds.
pub(super) fn wait_for(cpu: &Cpu, condition: impl Fn() -> bool) {
    let mut start = time::timebase();
    while !condition() {
        assert!(
            time::timebase() - start < PATIENCE || !cpu.is_online(),
            "CPU {} takes no interrupts",
            cpu.number()
        );
        if !cpu.is_online() {
            return;
        }
        if relax() {
            // A debugger's time counts for nobody.
            start = time::timebase();
        }
    }
}

/// This CPU waits, with interrupts off, until the world goes on; `frame` is what it was interrupted with.
pub(crate) fn pause(frame: &mut ExceptionFrame) {
    let stand = &STANDS[this().number()];
    // It cannot go on before this CPU is seen to wait.
    let gone_on = GONE_ON.load(Ordering::Acquire);
    stand.enter(frame);
    while GONE_ON.load(Ordering::Acquire) == gone_on {
        hcall::spin_hint();
        hold::stand_by(frame);
    }
    stand.leave();
}
