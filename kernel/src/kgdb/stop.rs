//! From a reason to stop to going on.
#![allow(
    unsafe_code,
    reason = "room for a packet, which the protocol's side wants for ever"
)]

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::entry::ExceptionFrame;
use arch::{hcall, time};
use kernel_core::debugger::{Equipment, Event, Plan, Reason, Signal, Stub};
use spin::mutex::SpinMutex;

use super::console::{self, Line};
use super::machine::Machine;
use super::{breakpoints, step, watchpoint};
use crate::cpu::{self, hold};

/// How long somebody who has come may take to say something that can be understood, in ticks of the timebase: 2 s. Then it was
/// noise, and the kernel goes on.
const PATIENCE: u64 = 2 * time::TICKS_PER_SECOND;
/// The longest packet.
const PACKET: usize = 4096;

/// The protocol's side. The holder has it while it talks.
static STUB: SpinMutex<Stub<Machine, Line>> = SpinMutex::new(Stub::new(Machine, equip));
/// There is a debugger.
static IS_ATTACHED: AtomicBool = AtomicBool::new(false);
/// The holder talks with it.
static IS_TALKING: AtomicBool = AtomicBool::new(false);

/// The kernel has gone on from a stop.
static HAS_GONE_ON: AtomicBool = AtomicBool::new(false);

/// Why to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The debugger, who waits for it, is told.
    Reason(Reason),
    /// Somebody has come.
    Attached,
}

/// How a stop has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The debugger has said what comes now.
    Plan(Plan),
    /// Somebody else was faster, and the debugger does not know of this one.
    Late,
}

/// Whether there is a debugger.
pub(super) fn is_attached() -> bool {
    IS_ATTACHED.load(Ordering::Relaxed)
}

/// Whether somebody has come and let the kernel go on.
pub(super) fn has_gone_on() -> bool {
    HAS_GONE_ON.load(Ordering::Relaxed)
}

/// Whether this CPU is in the middle of talking with it: what happens now happens to the debugger itself.
pub(super) fn is_busy() -> bool {
    hold::is_holder() && IS_TALKING.load(Ordering::Relaxed)
}

/// Stops everything, talks with the debugger, and lets everything go on. The running thread has met an exception with this
/// frame, and goes on with what is there when this returns.
pub(super) fn stop(frame: &mut ExceptionFrame, why: Why) -> End {
    if hold::is_holder() {
        // The others stand by since before a step.
        hold::stay(frame);
    } else if !hold::take(frame) {
        return End::Late;
    }
    IS_TALKING.store(true, Ordering::Relaxed);
    breakpoints::lift();
    watchpoint::lift();
    let (plan, cpu) = session(why);
    IS_TALKING.store(false, Ordering::Relaxed);
    match cpu {
        // Only this thread goes on, and comes back soon.
        Some(cpu) if plan.alone && cpu == cpu::this().number() => {}
        Some(cpu) if plan.alone => hold::hand_over(cpu, frame),
        _ => {
            breakpoints::plant();
            watchpoint::plant();
            HAS_GONE_ON.store(true, Ordering::Relaxed);
            hold::let_go();
        }
    }
    End::Plan(plan)
}

/// Talks until the debugger has a plan that can be carried out; answers it, and the CPU that executes one instruction by it.
fn session(mut why: Why) -> (Plan, Option<usize>) {
    let mut stub = STUB.lock();
    loop {
        match why {
            Why::Reason(reason) => stub.stopped(reason),
            Why::Attached => stub.attached(),
        }
        let mut plan = match talk(&mut stub, why == Why::Attached) {
            Event::Resume(plan) => {
                // It may be the first that was understood of somebody who has come, and waits for what comes of it.
                IS_ATTACHED.store(true, Ordering::Relaxed);
                plan
            }
            Event::None | Event::Leave => {
                IS_ATTACHED.store(false, Ordering::Relaxed);
                breakpoints::clear();
                watchpoint::clear();
                let deliver = true;
                return (
                    Plan {
                        deliver,
                        ..Plan::GO_ON
                    },
                    None,
                );
            }
        };
        match plan.step.map(|thread| step::prepare(thread, &mut plan)) {
            None => return (plan, None),
            Some(Ok(cpu)) => return (plan, Some(cpu)),
            // Not SIGTRAP: GDB would try again.
            Some(Err(())) => why = Why::Reason(Reason::Signal(Signal::SIGINT)),
        }
    }
}

/// Feeds what comes, until the kernel goes on. `Event::None`: nothing was understood of somebody who has come.
fn talk(stub: &mut Stub<Machine, Line>, is_new: bool) -> Event {
    let (start, answers) = (time::timebase(), console::answers());
    loop {
        let Some(byte) = console::next() else {
            let is_silent = is_new && console::answers() == answers;
            if is_silent && time::timebase() - start > PATIENCE {
                return Event::None;
            }
            hcall::spin_hint();
            continue;
        };
        match stub.feed(byte) {
            Event::None => {}
            event => return event,
        }
        if console::answers() != answers {
            IS_ATTACHED.store(true, Ordering::Relaxed);
        }
    }
}

/// Room for a packet.
struct Room(UnsafeCell<[u8; PACKET]>);

// SAFETY: only `equip` gives it away, to one stub at a time.
unsafe impl Sync for Room {}

static ROOM: Room = Room(UnsafeCell::new([0; PACKET]));

/// What the stub needs. There is one stub, which asks again only when it has dropped what it had.
fn equip() -> Equipment<Line> {
    // SAFETY: the stub is the only one who asks, under the lock around it, and has dropped the reference that it had before.
    (unsafe { &mut *ROOM.0.get() }, Line::default())
}
