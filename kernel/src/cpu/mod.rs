//! The CPUs: what each has of its own, which of them run, and how one gets another's attention.
//!
//! | file | what |
//! |---|---|
//! | `bring_up.rs` | starts the CPUs that the firmware has left stopped, and where they arrive |
//! | `hold.rs` | a debugger has stopped all others, for as long as it likes |
//! | `mailbox.rs` | messages from CPU to CPU, with an interrupt each |
//! | `rest.rs` | waiting for something to do |
//! | `stand.rs` | where a CPU stands that another one has stopped |
//! | `stop.rs` | for a panic: all others stand still |
//! | `synchronise.rs` | all CPUs execute what was written to code |
//! | `world.rs` | all others are stopped for a moment |
//!
//! r13 leads to the running thread's head, that to the head of the CPU that runs it, and that is the beginning of a [`Cpu`].

mod bring_up;
pub(crate) mod hold;
mod mailbox;
mod rest;
mod stand;
mod stop;
mod synchronise;
mod tests;
mod world;

use core::mem::offset_of;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use arch::cpu::CpuHead;
use spin::Once;

use crate::memory::Guarded;
use crate::thread;

pub use arch::cpu::MAXIMUM;
pub(crate) use bring_up::bring_up;
pub(crate) use hold::relax;
pub(crate) use mailbox::receive;
pub use mailbox::{Message, send};
pub(crate) use rest::{rest, wake_up};
pub(crate) use stop::{park, stop_others};
pub use synchronise::{change_code, change_words, synchronise};
pub(crate) use world::pause;
pub use world::{World, stop_the_world};

/// One CPU. The CPUs are at the same place for as long as the machine runs.
#[repr(C)]
pub struct Cpu {
    head: CpuHead,
    /// A [`State`].
    state: AtomicU8,
    /// Messages that the CPU has not taken yet; see `mailbox.rs`.
    mailbox: AtomicU32,
    /// Interrupts that were sent to this CPU.
    sent: AtomicU64,
    /// Interrupts of these that it has taken. Two that were sent close together may come as one.
    received: AtomicU64,
    /// Times that it was asked to answer and did.
    answers: AtomicU64,
    /// System resets that it has come back from.
    resets: AtomicU64,
    /// It waits for an interrupt, and executes nothing before that: see `rest.rs`.
    rests: AtomicBool,
    /// Its emergency and its reset stack; those of the boot CPU are part of the image.
    stacks: Once<Guarded>,
}

const _: () = assert!(offset_of!(Cpu, head) == 0);

/// How far a CPU has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// The machine does not have it, or nobody has started it.
    Absent,
    /// It was asked to start.
    Starting,
    /// It runs threads and takes interrupts.
    Online,
    /// It did not come in time, and is not wanted any more.
    GivenUp,
    /// It stands still for good.
    Stopped,
}

/// Every CPU that there can be, by its number. The first thread heads and the boot code know the symbol (`arch::upcalls`).
#[allow(unsafe_code, reason = "the symbol is declared in arch::upcalls")]
#[unsafe(export_name = "kernel_cpus")]
static CPUS: [Cpu; MAXIMUM] = [
    Cpu::new(0, State::Online),
    Cpu::new(1, State::Absent),
    Cpu::new(2, State::Absent),
    Cpu::new(3, State::Absent),
    Cpu::new(4, State::Absent),
    Cpu::new(5, State::Absent),
    Cpu::new(6, State::Absent),
    Cpu::new(7, State::Absent),
];

impl Cpu {
    const fn new(number: u64, state: State) -> Self {
        Cpu {
            head: CpuHead::new(number),
            state: AtomicU8::new(state as u8),
            mailbox: AtomicU32::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            resets: AtomicU64::new(0),
            rests: AtomicBool::new(false),
            stacks: Once::new(),
        }
    }

    /// Its number: 0 for the boot CPU, then by their servers.
    pub fn number(&self) -> usize {
        self.head.number.load(Ordering::Relaxed) as usize
    }

    /// What the machine calls it.
    pub fn server(&self) -> u32 {
        self.head.server.load(Ordering::Relaxed) as u32
    }

    /// What assembly knows of it.
    pub fn head(&self) -> &CpuHead {
        &self.head
    }

    /// Whether it runs.
    pub fn is_online(&self) -> bool {
        self.is(State::Online)
    }

    /// Interrupts that other CPUs, or it, have sent to it.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Interrupts from CPUs that it has taken: as many as were sent, less those that came together with another.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// System resets that it has reported, and come back from.
    pub fn resets(&self) -> u64 {
        self.resets.load(Ordering::Relaxed)
    }

    /// Counts one of these.
    pub(crate) fn count_reset(&self) {
        self.resets.fetch_add(1, Ordering::Relaxed);
    }

    fn is(&self, state: State) -> bool {
        self.state.load(Ordering::Acquire) == state as u8
    }

    /// From one state to another, unless it is in a third one; whether it was in the first.
    fn go(&self, from: State, to: State) -> bool {
        // It is counted before it can be seen to run, and for as long as it can.
        if to == State::Online {
            COUNT.fetch_add(1, Ordering::AcqRel);
        }
        let changed = self
            .state
            .compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire);
        let no_more = if changed.is_ok() { from } else { to };
        if no_more == State::Online {
            COUNT.fetch_sub(1, Ordering::AcqRel);
        }
        changed.is_ok()
    }
}

/// The CPU that runs the caller, who has interrupts off: else it may be another by the time of the answer.
#[inline(always)]
pub fn this() -> &'static Cpu {
    &CPUS[thread::current_cpu_head().number.load(Ordering::Relaxed) as usize]
}

/// The CPU of this number, if it runs.
pub fn get(number: usize) -> Option<&'static Cpu> {
    CPUS.get(number).filter(|cpu| cpu.is_online())
}

/// The CPUs that run, by their numbers.
pub fn online() -> impl Iterator<Item = &'static Cpu> {
    CPUS.iter().filter(|cpu| cpu.is_online())
}

/// The number of the CPU that runs the caller, who has interrupts off.
#[inline(always)]
pub(crate) fn number() -> usize {
    thread::current_cpu_head().number.load(Ordering::Relaxed) as usize
}

/// How many run.
static COUNT: AtomicUsize = AtomicUsize::new(1);

/// How many run.
pub fn count() -> usize {
    COUNT.load(Ordering::Acquire)
}
