//! `monitor`: the shell's commands, for a debugger.
//!
//! A command is executed by a thread of its own, for which everything goes on but the thread that has stopped, whose CPU runs
//! others meanwhile. So it can be had only where that thread could have been interrupted by the clock: not in the middle of what
//! must not be interrupted.

use alloc::string::String;
use core::sync::atomic::{AtomicU8, Ordering};

use arch::{interrupts, msr, time};
use spin::mutex::SpinMutex;

use super::console;
use crate::cpu::{self, hold};
use crate::sync::{IrqLock, Rank};
use crate::thread::{self, WaitQueue};
use crate::{shell, sync};

/// How long a command may take before the debugger has its answer without it, in ticks of the timebase: 20 s.
const PATIENCE: u64 = 20 * time::TICKS_PER_SECOND;
/// Bytes of the longest line.
const LONGEST: usize = 512;
/// Bytes of an answer that are told at a time.
const PIECE: usize = 512;

/// How far a command is.
mod state {
    pub(super) const NONE: u8 = 0;
    pub(super) const ASKED: u8 = 1;
    pub(super) const DONE: u8 = 2;
}

static STATE: AtomicU8 = AtomicU8::new(state::NONE);
static WAITING: WaitQueue = WaitQueue::new();
static LINE: SpinMutex<heapless::String<LONGEST>> = SpinMutex::new(heapless::String::new());
/// What the command has said.
static ANSWER: IrqLock<String> = IrqLock::new(Rank::Debugger, String::new());

/// Starts the thread that executes commands.
pub(super) fn start() {
    thread::spawn("kgdb", || {
        loop {
            WAITING.wait_until(|| STATE.load(Ordering::Acquire) == state::ASKED);
            let line = interrupts::without(|| LINE.lock().clone());
            ANSWER.lock().clear();
            shell::execute_for_debugger(&line);
            STATE.store(state::DONE, Ordering::Release);
        }
    });
}

/// Takes what a command says.
pub(crate) fn said(text: &str) {
    ANSWER.lock().push_str(text);
}

/// Executes a line and tells what it says. The caller is the holder.
pub(super) fn execute(line: &str, output: &mut dyn FnMut(&str)) {
    if let Err(reason) = ask(line) {
        output(reason);
        output("\n");
        return;
    }
    let is_done = wait();
    match ANSWER.peek() {
        Some(answer) => pieces(&answer).for_each(&mut *output),
        None => output("what it says cannot be read now\n"),
    }
    if is_done {
        STATE.store(state::NONE, Ordering::Release);
    } else {
        output("it is not done, and goes on when everything does\n");
    }
}

/// Hands the line over, if it can be executed now.
fn ask(line: &str) -> Result<(), &'static str> {
    if STATE.load(Ordering::Acquire) == state::DONE {
        // One that was not waited for to its end.
        STATE.store(state::NONE, Ordering::Release);
    }
    if STATE.load(Ordering::Acquire) != state::NONE {
        return Err("the command before this is not done");
    }
    let can_wait = hold::with_frame(cpu::this().number(), |frame| {
        let own_stack = !thread::current_cpu_head()
            .emergency_stack()
            .contains(&frame.address());
        own_stack && frame.msr & msr::EE != 0
    });
    let holds_none = sync::held_by_current() == 0;
    if can_wait != Some(true) || !holds_none {
        return Err("the thread has stopped where nothing else may run: with interrupts off, or with a lock");
    }
    let mut room = LINE.try_lock().ok_or("the command before this is not done")?;
    room.clear();
    room.push_str(line).map_err(|_| "the line is too long")
}

/// Lets everything but this thread go on until the command is done; whether it is.
fn wait() -> bool {
    let affinity = thread::current().affinity();
    hold::let_others_go();
    // What this CPU is the holder by is that it is this one.
    thread::set_affinity(1 << cpu::this().number());
    STATE.store(state::ASKED, Ordering::Release);
    WAITING.wake_all();
    let start = time::timebase();
    let is_done = || STATE.load(Ordering::Acquire) == state::DONE;
    while !is_done() && time::timebase() - start < PATIENCE {
        interrupts::enable();
        thread::yield_now();
        interrupts::disable();
        if console::take_interrupt() {
            shell::interrupt();
        }
    }
    thread::set_affinity(affinity);
    hold::hold_others();
    is_done()
}

/// A text, in pieces that fit into packets.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let mut end = rest.len().min(PIECE);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (piece, behind) = rest.split_at(end);
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}
