//! Messages from CPU to CPU: a bit each in a word of the receiver, and an interrupt that makes it look there.

use core::sync::atomic::{Ordering, fence};

use bitflags::bitflags;

use super::{Cpu, synchronise, this};
use crate::platform;

bitflags! {
    /// What a CPU is told. A message that is already there when it is sent again is one message.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Message: u32 {
        /// Somebody has become runnable on it.
        const RESCHEDULE = 1 << 0;
        /// It is to execute what is in memory now: see `synchronise.rs`.
        const SYNCHRONISE = 1 << 1;
        /// It is to stand still, for good: see `stop.rs`.
        const STOP = 1 << 2;
        /// It is to say that it has got this. For cases, which count the answers.
        const ANSWER = 1 << 3;
        /// It is to stand still until the world goes on: see `world.rs`.
        const PAUSE = 1 << 4;
        /// It is to stand still until a debugger lets it go: see `hold.rs`.
        const HOLD = 1 << 5;
    }
}

/// Tells a CPU something, which may be the caller's own. It takes the message as soon as it takes interrupts. What the caller
/// wrote before, the receiver sees after it has taken the message.
pub fn send(cpu: &Cpu, message: Message) {
    cpu.mailbox.fetch_or(message.bits(), Ordering::Release);
    // The bit is there for every CPU before the interrupt is.
    fence(Ordering::SeqCst);
    cpu.sent.fetch_add(1, Ordering::Relaxed);
    platform::send_interrupt(cpu.server());
}

/// In the handler of an external interrupt or a doorbell, with interrupts off: takes the interrupt, and answers what this CPU was told.
pub(crate) fn receive() -> Message {
    let cpu = this();
    let messages = platform::take_interrupt(cpu.server(), || {
        fence(Ordering::SeqCst);
        cpu.received.fetch_add(1, Ordering::Relaxed);
        Message::from_bits_truncate(cpu.mailbox.swap(0, Ordering::Acquire))
    });
    let messages = messages.unwrap_or(Message::empty());
    if messages.contains(Message::SYNCHRONISE) {
        synchronise::answer();
    }
    if messages.contains(Message::ANSWER) {
        cpu.answers.fetch_add(1, Ordering::Release);
    }
    messages
}
