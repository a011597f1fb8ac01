//! A debugger inside the kernel: with `gdb=hvc1` on the command line, GDB at the other end of the machine's second terminal.
//!
//! It stops everything, looks at everything, and lets everything go on. While it talks, its CPU is in an exception's handler
//! with interrupts off, all other CPUs stand by (`cpu/hold.rs`), and any lock may be held by whoever was stopped: so it takes
//! none that it would have to wait for, allocates nothing, and calls nobody but the hypervisor. What it cannot answer so is an
//! error in its answer. What the protocol means is in [`kernel_core::debugger`].
//!
//! | file | what |
//! |---|---|
//! | `console` | the terminal |
//! | `stop` | from a reason to stop to going on |
//! | `step` | one instruction of one thread |
//! | `breakpoints` | words in code |
//! | `watchpoint` | memory that is watched |
//! | `memory` | memory that may not be there |
//! | `threads` | threads and their registers |
//! | `machine` | all of it, as the protocol wants it |
//! | `monitor` | the shell's commands |

mod breakpoints;
mod console;
mod machine;
mod memory;
mod monitor;
mod step;
mod stop;
mod tests;
mod threads;
mod watchpoint;

use arch::debug::{self, Trap};
use arch::entry::{ExceptionFrame, Vector};
use arch::time;
use core::sync::atomic::{AtomicBool, Ordering};
use kernel_core::debugger::{Reason, Signal};

use crate::cpu::hold;
use crate::{boot_arguments, thread};

pub(crate) use breakpoints::{has_breakpoint_at, has_breakpoints, word_beneath, write_beneath};
pub(crate) use monitor::said;
use stop::{End, Why, has_gone_on, is_attached, is_busy, stop};
pub(crate) use watchpoint::apply as apply_watchpoint;

/// Ticks of the timebase after which an idle CPU looks for the debugger: 10 ms.
const PATIENCE: u64 = time::TICKS_PER_SECOND / 100;

/// A panic has stopped the kernel.
static HAS_PANICKED: AtomicBool = AtomicBool::new(false);

/// Opens the terminal that `gdb=` names, and waits for the debugger there if that is wanted. What is wrong with the argument is
/// logged, and the kernel goes on without a debugger.
pub(crate) fn start() {
    let Some(argument) = boot_arguments::get("gdb") else {
        return;
    };
    let (name, shall_wait) = match argument.split_once(',') {
        None => (argument, false),
        Some((name, "wait")) => (name, true),
        Some((_, other)) => {
            log::warn!(target: "kgdb", "boot argument gdb={argument}: there is no '{other}', only 'wait'");
            return;
        }
    };
    if let Err(reason) = console::open(name) {
        log::warn!(target: "kgdb", "boot argument gdb={argument}: {reason}");
        return;
    }
    monitor::start();
    log::info!(target: "kgdb", "listening on {name}");
    while shall_wait && !has_gone_on() {
        thread::sleep(PATIENCE);
    }
}

/// How long an idle CPU may rest where there is a debugger who may want it.
pub(crate) fn patience() -> Option<u64> {
    console::is_open().then_some(PATIENCE)
}

/// In every tick: looks whether somebody has come, or has asked to stop.
pub(crate) fn poll(frame: &mut ExceptionFrame) {
    if !console::is_open() || hold::is_taken() {
        return;
    }
    match console::look_for_call(is_attached()) {
        None => {}
        Some(console::Call::Interrupt) => {
            stop(frame, Why::Reason(Reason::Signal(Signal::SIGINT)));
        }
        Some(console::Call::Packet) => {
            stop(frame, Why::Attached);
        }
    }
}

/// In a program exception: whether it was a trap of a debugger's, which has been dealt with.
pub(crate) fn trapped(frame: &mut ExceptionFrame) -> bool {
    match debug::trap(frame) {
        None => false,
        Some(Trap::StandBy) => {
            hold::stand_by(frame);
            debug::skip_trap(frame);
            true
        }
        Some(Trap::Stop) => {
            debug::skip_trap(frame);
            if is_attached() && !is_busy() {
                step::end(frame);
                let signal = match HAS_PANICKED.load(Ordering::Relaxed) {
                    true => Signal::SIGABRT,
                    false => Signal::SIGTRAP,
                };
                while let End::Late = stop(frame, Why::Reason(Reason::Signal(signal))) {}
            }
            true
        }
        Some(Trap::Other) if is_busy() => breakpoints::give_up(frame.nip),
        Some(Trap::Other) if breakpoints::is_planted(frame.nip) => {
            step::end(frame);
            // Whatever stands there when it goes on is executed.
            stop(frame, Why::Reason(Reason::Breakpoint));
            true
        }
        // A breakpoint that is gone by now.
        Some(Trap::Other) => breakpoints::is_gone(frame.nip),
    }
}

/// In a data storage exception: whether it came by memory that is watched.
pub(crate) fn watched(frame: &mut ExceptionFrame) -> bool {
    if !debug::is_watched(frame) {
        return false;
    }
    match watchpoint::met() {
        Some(watch) if is_attached() && !is_busy() => {
            step::end(frame);
            // Who was late meets it again.
            stop(frame, Why::Reason(Reason::Watchpoint(watch.address, watch.kind)));
        }
        // It is gone by now.
        _ => watchpoint::apply(),
    }
    true
}

/// In a trace exception: whether it was a step of the debugger's.
pub(crate) fn traced(frame: &mut ExceptionFrame) -> bool {
    let was_step = step::end(frame);
    if was_step && is_attached() {
        stop(frame, Why::Reason(Reason::Signal(Signal::SIGTRAP)));
    }
    was_step
}

/// In an exception that nobody expects: tells the debugger, if there is one. Whether the thread shall go on, where its registers
/// say.
pub(crate) fn faulted(frame: &mut ExceptionFrame) -> bool {
    if !is_attached() || is_busy() {
        return false;
    }
    step::end(frame);
    match stop(frame, Why::Reason(Reason::Signal(signal(frame)))) {
        End::Plan(plan) => !plan.deliver,
        // It meets the exception again.
        End::Late => true,
    }
}

/// In a panic, before it is reported: stops, if there is a debugger.
pub(crate) fn panicked() {
    if is_attached() && !is_busy() && !HAS_PANICKED.swap(true, Ordering::Relaxed) {
        debug::stop();
    }
}

/// What a fault is among Unix's signals.
fn signal(frame: &ExceptionFrame) -> Signal {
    match Vector(frame.vector) {
        Vector::MACHINE_CHECK | Vector::ALIGNMENT => Signal::SIGBUS,
        // Not SIGTRAP, which GDB keeps to itself.
        Vector::PROGRAM if debug::trap(frame).is_some() => Signal::SIGABRT,
        Vector::PROGRAM | Vector::ILLEGAL => Signal::SIGILL,
        _ => Signal::SIGSEGV,
    }
}
