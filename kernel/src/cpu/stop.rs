//! For a panic: what it reports must not change, nor be mixed with what others print.

use arch::{hcall, time};

use super::{Message, State, online, send, this};

/// How long a CPU may have interrupts off before it hears that it is to stop: 100 ms.
const PATIENCE: u64 = time::TICKS_PER_SECOND / 10;

/// Makes every other CPU stand still; the caller has interrupts off. Answers how many have not done so in time: they have
/// interrupts off, and are left to themselves.
pub(crate) fn stop_others() -> usize {
    let here = this().number();
    let others = || online().filter(|cpu| cpu.number() != here);
    others().for_each(|cpu| send(cpu, Message::STOP));
    let start = time::timebase();
    while others().next().is_some() && time::timebase() - start < PATIENCE {
        hcall::spin_hint();
    }
    others().count()
}

/// This CPU stands still from here on; interrupts are off.
pub(crate) fn park() -> ! {
    this().go(State::Online, State::Stopped);
    loop {
        hcall::spin_hint();
    }
}
