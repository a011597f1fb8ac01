//! What is counted.

use core::sync::atomic::{AtomicU64, Ordering};

use arch::entry::Vector;
use arch::interrupts;

use crate::cpu::{self, Cpu, MAXIMUM};
use crate::exceptions;

/// A number that many count up.
#[derive(Debug)]
pub(super) struct Count(AtomicU64);

impl Count {
    const fn new() -> Count {
        Count(AtomicU64::new(0))
    }

    /// One more.
    pub(super) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one CPU has done.
pub(super) struct OfCpu {
    /// Calls that B had to answer, and did.
    pub(super) original: Count,
    /// Calls that C had to answer, and did.
    pub(super) replaced: Count,
    /// Calls that one of both had to answer, since threads were moving.
    pub(super) moving: Count,
    /// Calls with a wrong answer.
    pub(super) wrong: Count,
    /// Calls that were left out, since they would not have come out right under a design that may be in effect.
    pub(super) left_out: Count,
    /// Decrementers set to interrupt a call.
    pub(super) armed: Count,
}

static CPUS: [OfCpu; MAXIMUM] = [const {
    OfCpu {
        original: Count::new(),
        replaced: Count::new(),
        moving: Count::new(),
        wrong: Count::new(),
        left_out: Count::new(),
        armed: Count::new(),
    }
}; MAXIMUM];

/// What the CPU of this number has done.
pub(super) fn of_cpu(number: usize) -> &'static OfCpu {
    &CPUS[number]
}

/// What the CPU that runs the caller has done. The caller may be on another one by now.
pub(super) fn here() -> &'static OfCpu {
    of_cpu(interrupts::without(cpu::number))
}

/// A sum over all CPUs.
pub(super) fn sum(count: impl Fn(&OfCpu) -> &Count) -> u64 {
    CPUS.iter().map(|cpu| count(cpu).get()).sum()
}

/// Changes of what calls meet.
pub(super) struct Changes {
    pub(super) enabled: Count,
    pub(super) disabled: Count,
    pub(super) reversed: Count,
    pub(super) replaced: Count,
    /// Times that somebody had to wait for another's transition.
    pub(super) waited: Count,
    pub(super) closed: Count,
    pub(super) loaded: Count,
    pub(super) unloaded: Count,
    /// Times that a module had to stay, since a thread could come back to it.
    pub(super) lingered: Count,
    /// Modules that were refused, as they had to be: to come during a transition, to go while in use.
    pub(super) refused: Count,
    /// Functions that were hooked for a while.
    pub(super) traced: Count,
    /// Times that a tracer was chosen, as a user does; and of all functions at once.
    pub(super) traced_by_users: Count,
    pub(super) traced_all: Count,
    /// Threads that ended in C.
    pub(super) killed: Count,
}

pub(super) static CHANGES: Changes = Changes {
    enabled: Count::new(),
    disabled: Count::new(),
    reversed: Count::new(),
    replaced: Count::new(),
    waited: Count::new(),
    closed: Count::new(),
    loaded: Count::new(),
    unloaded: Count::new(),
    lingered: Count::new(),
    refused: Count::new(),
    traced: Count::new(),
    traced_by_users: Count::new(),
    traced_all: Count::new(),
    killed: Count::new(),
};

/// Interrupts of one CPU up to now: decrementer, sent to it, taken of these.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Interrupts {
    pub(super) decrementer: u64,
    pub(super) sent: u64,
    pub(super) received: u64,
}

/// Those of all CPUs.
pub(super) type AllInterrupts = [Interrupts; MAXIMUM];

impl Interrupts {
    /// Those of all CPUs up to now.
    pub(super) fn of_all() -> AllInterrupts {
        let mut all = AllInterrupts::default();
        for cpu in cpu::online() {
            all[cpu.number()] = Interrupts::of(cpu);
        }
        all
    }

    fn of(cpu: &Cpu) -> Interrupts {
        Interrupts {
            decrementer: exceptions::taken(Vector::DECREMENTER, cpu.number()),
            sent: cpu.sent(),
            received: cpu.received(),
        }
    }

    /// Those since `before`.
    pub(super) fn since(self, before: Interrupts) -> Interrupts {
        Interrupts {
            decrementer: self.decrementer - before.decrementer,
            sent: self.sent - before.sent,
            received: self.received - before.received,
        }
    }
}
