//! Threads and their registers.
//!
//! The protocol's number of a thread is the kernel's and 2: 0 is nobody there, and 1 is the thread that has stopped. A thread
//! that a CPU is on has its registers in an exception's frame; one that sleeps has those that a call preserves, on its stack.
#![allow(unsafe_code, reason = "a CPU that stands by names its thread by address")]

use core::fmt::Write;
use core::mem::offset_of;
use core::sync::atomic::Ordering;

use arch::abi::FrameHeader;
use arch::entry::ExceptionFrame;
use arch::thread::SWITCH_FRAME_SIZE;
use kernel_core::debugger::{Register, Registers, Tid};

use super::memory;
use crate::cpu::{self, hold};
use crate::thread::{self, State, Thread};

/// What is added to the kernel's number.
const OFFSET: usize = 2;
/// The first register that a call preserves, and how many follow: those that a switch saves.
const FIRST_SAVED: usize = 14;

fn number(thread: &Thread) -> Tid {
    Tid::MIN.saturating_add(thread.id() as usize + OFFSET - 1)
}

/// The threads that CPUs are on, this one's first, each with its CPU.
fn running() -> impl Iterator<Item = (usize, &'static Thread)> {
    let here = cpu::this().number();
    let of = |is_here: bool| hold::standing().filter(move |(cpu, _)| (*cpu == here) == is_here);
    of(true).chain(of(false)).map(|(cpu, head)| {
        // SAFETY: the CPU stands by in the middle of this thread, which so cannot end.
        (cpu, unsafe { thread::of_head(head) })
    })
}

/// The thread that has stopped.
pub(super) fn stopped() -> Tid {
    let here = cpu::this().number();
    let mut running = running();
    let (_, thread) = running.next().filter(|(cpu, _)| *cpu == here).unzip();
    thread.map_or(Tid::MIN, number)
}

/// Tells all threads, the one that has stopped first. When somebody was stopped who changes the list of threads, those that CPUs
/// are on are all that can be told.
pub(super) fn list(each: &mut dyn FnMut(Tid)) {
    running().for_each(|(_, thread)| each(number(thread)));
    let is_running = |thread: &Thread| running().any(|(_, other)| core::ptr::eq(other, thread));
    thread::peek(|threads| {
        let others = threads.iter().filter(|thread| !is_running(thread));
        others.for_each(|thread| each(number(thread)));
    });
}

/// What `look` answers of a thread, and of the CPU that is on it; `None`: there is no such thread.
fn with<T>(wanted: Tid, look: impl FnOnce(&Thread, Option<usize>) -> T) -> Option<T> {
    if let Some((cpu, thread)) = running().find(|(_, thread)| number(thread) == wanted) {
        return Some(look(thread, Some(cpu)));
    }
    let found = thread::peek(|threads| {
        let thread = threads.iter().find(|thread| number(thread) == wanted)?;
        Some(look(thread, None))
    });
    found.flatten()
}

/// The CPU that is on a thread.
pub(super) fn cpu_of(thread: Tid) -> Option<usize> {
    with(thread, |_, cpu| cpu).flatten()
}

/// Writes a thread's name and what it does; answers how many bytes that is.
pub(super) fn describe(wanted: Tid, text: &mut [u8]) -> usize {
    let mut written = heapless::String::<128>::new();
    with(wanted, |thread, cpu| {
        // What does not fit is left out.
        let _ = match (cpu, thread.raw_state()) {
            (Some(cpu), _) => write!(written, "{}, on CPU {cpu}", thread.name()),
            (None, State::Runnable) => write!(written, "{}, ready", thread.name()),
            (None, State::Blocked) => write!(written, "{}, waits", thread.name()),
            (None, State::Asleep) => write!(written, "{}, asleep", thread.name()),
            (None, State::Ended) => write!(written, "{}, ended", thread.name()),
        };
    });
    let length = written.len().min(text.len());
    text[..length].copy_from_slice(&written.as_bytes()[..length]);
    length
}

/// A thread's registers.
pub(super) fn registers(thread: Tid) -> Option<Registers> {
    with(thread, |thread, cpu| match cpu {
        Some(cpu) => hold::with_frame(cpu, |frame| of_frame(frame)),
        None => of_sleeper(thread),
    })
    .flatten()
}

fn of_frame(frame: &ExceptionFrame) -> Registers {
    let mut registers = Registers::default();
    for (number, value) in frame.gpr.iter().enumerate() {
        registers.set(Register::General(number as u8), *value);
    }
    for (register, value) in [
        (Register::Pc, frame.nip),
        (Register::Msr, frame.msr),
        (Register::Cr, frame.cr),
        (Register::Lr, frame.lr),
        (Register::Ctr, frame.ctr),
        (Register::Xer, frame.xer),
    ] {
        registers.set(register, value);
    }
    registers
}

/// Where a thread that sleeps keeps a register; `None`: nowhere.
fn place(thread: &Thread, register: Register) -> Option<u64> {
    let frame = thread.head().saved_stack_pointer.load(Ordering::Relaxed);
    let caller = frame.checked_add(SWITCH_FRAME_SIZE as u64)?;
    let saved = frame + size_of::<FrameHeader>() as u64;
    Some(match register {
        Register::General(2) => frame + offset_of!(FrameHeader, toc_save) as u64,
        Register::General(number) => saved + 8 * usize::from(number).checked_sub(FIRST_SAVED)? as u64,
        Register::Pc | Register::Lr => caller + offset_of!(FrameHeader, lr_save) as u64,
        Register::Cr => caller + offset_of!(FrameHeader, cr_save) as u64,
        Register::Msr | Register::Ctr | Register::Xer | Register::FloatingPoint(_) => return None,
    })
}

fn of_sleeper(thread: &Thread) -> Option<Registers> {
    let frame = thread.head().saved_stack_pointer.load(Ordering::Relaxed);
    let mut registers = Registers::default();
    for register in (0..Register::COUNT).filter_map(Register::from_number) {
        let value = match register {
            Register::General(1) => frame.checked_add(SWITCH_FRAME_SIZE as u64),
            Register::General(13) => Some(core::ptr::from_ref(thread) as u64),
            Register::Cr => place(thread, register).and_then(memory::word).map(u64::from),
            _ => place(thread, register).and_then(memory::doubleword),
        };
        if let Some(value) = value {
            registers.set(register, value);
        }
    }
    // Without it nobody knows where the thread is.
    registers.get(Register::Pc).map(|_| registers)
}

/// Changes a register of a thread; whether that is possible. The stack pointer of a thread that sleeps is where it sleeps, r13 is
/// who it is, and MSR is the kernel's.
pub(super) fn set_register(thread: Tid, register: Register, value: u64) -> bool {
    let is_fixed = match register {
        Register::General(13) | Register::Msr | Register::FloatingPoint(_) => true,
        Register::Pc => !value.is_multiple_of(4),
        _ => false,
    };
    if is_fixed {
        return false;
    }
    let changed = with(thread, |thread, cpu| match cpu {
        Some(cpu) => hold::with_frame(cpu, |frame| set_in_frame(frame, register, value)).is_some(),
        None if register == Register::General(1) => false,
        None => place(thread, register).is_some_and(|place| {
            let bytes = value.to_le_bytes();
            memory::write(place, &bytes[..register.size()])
        }),
    });
    changed == Some(true)
}

fn set_in_frame(frame: &mut ExceptionFrame, register: Register, value: u64) {
    let place = match register {
        Register::General(number) => &mut frame.gpr[usize::from(number)],
        Register::Pc => &mut frame.nip,
        Register::Msr => &mut frame.msr,
        Register::Cr => &mut frame.cr,
        Register::Lr => &mut frame.lr,
        Register::Ctr => &mut frame.ctr,
        Register::Xer => &mut frame.xer,
        Register::FloatingPoint(_) => return,
    };
    *place = value;
}
