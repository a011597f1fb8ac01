//! Interrupts at random instructions, and C that sleep: who closes the gate makes them.

use arch::time::TICKS_PER_SECOND;
use kernel_core::random::Random;
use kernel_core::stress::Digest;

use super::counts::CHANGES;
use super::failure;
use crate::cpu::{self, Message};
use crate::situations::GATE;
use crate::thread;

const MICROSECOND: u64 = TICKS_PER_SECOND / 1_000_000;

/// Sends an interrupt to some CPU, which may be the caller's own.
pub(super) fn interrupt_any(random: &mut Random) {
    if let Some(cpu) = cpu::get(random.index(cpu::count())) {
        cpu::send(cpu, Message::ANSWER);
    }
}

/// Interrupts, opens and closes until it is over.
pub(super) fn work(mut random: Random) -> Digest {
    let mut digest = Digest::default();
    while !failure::is_over() {
        if random.one_in(16) {
            GATE.close();
            CHANGES.closed.up();
            thread::sleep(random.below(300) * MICROSECOND);
            GATE.open();
        }
        interrupt_any(&mut random);
        digest.add(arch::time::timebase());
        thread::sleep(random.below(300) * MICROSECOND);
    }
    GATE.open();
    digest
}
