//! One instruction of one thread, whose CPU stands by.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use arch::entry::{self, ExceptionFrame};
use arch::msr;
use kernel_core::debugger::Effect;

use super::{memory, threads};
use crate::cpu::{self, MAXIMUM, hold};
use kernel_core::debugger::{Plan, Tid};

/// What a CPU has to put right behind a step.
struct Step {
    is_on: AtomicBool,
    /// MSR before it.
    msr: AtomicU64,
    /// The instruction.
    word: AtomicU32,
}

static STEPS: [Step; MAXIMUM] = [const {
    Step {
        is_on: AtomicBool::new(false),
        msr: AtomicU64::new(0),
        word: AtomicU32::new(0),
    }
}; MAXIMUM];

/// Prepares the step of a plan; answers the CPU that it happens on, and whether all others can stand by meanwhile.
///
/// # Errors
/// The thread does not run, so that it has no next instruction before somebody lets it run; or it is where a step would destroy
/// what the processor has saved for it.
pub(super) fn prepare(thread: Tid, plan: &mut Plan) -> Result<usize, ()> {
    let cpu = threads::cpu_of(thread).ok_or(())?;
    let prepared = hold::with_frame(cpu, |frame| {
        let word = memory::instruction(frame.nip).ok_or(())?;
        let effect = Effect::of(word);
        if frame.msr & msr::RI == 0 || entry::entry_range().contains(&frame.nip) {
            return Err(());
        }
        // A hypervisor call may wait for what others do.
        plan.alone &= effect != Effect::Leaves;
        let step = &STEPS[cpu];
        step.msr.store(frame.msr, Ordering::Relaxed);
        step.word.store(word, Ordering::Relaxed);
        step.is_on.store(true, Ordering::Release);
        frame.msr = Effect::before(frame.msr);
        Ok(cpu)
    });
    prepared.unwrap_or(Err(()))
}

/// Puts right what a step has done to the registers in `frame`, of the first exception on this CPU since; whether there was a
/// step.
pub(super) fn end(frame: &mut ExceptionFrame) -> bool {
    let step = &STEPS[cpu::this().number()];
    if !step.is_on.swap(false, Ordering::Acquire) {
        return false;
    }
    let before = step.msr.load(Ordering::Relaxed);
    let effect = Effect::of(step.word.load(Ordering::Relaxed));
    frame.msr = effect.behind(before, frame.msr);
    if let Effect::Reads(register) = effect {
        let register = &mut frame.gpr[usize::from(register)];
        *register = effect.behind(before, *register);
    }
    true
}
