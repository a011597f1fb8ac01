//! Starting the CPUs that the firmware has left stopped, and what each does first.

use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use arch::start::secondary;
use arch::thread::STACK_SIZE;
use arch::{entry, hcall, time};

use super::{CPUS, Cpu, MAXIMUM, State, count, park, this};
use crate::machine::machine;
use crate::memory::{self, Guarded};
use crate::{boot_arguments, platform, thread};

/// How long a CPU may take from its start to its first word: 2 s.
const PATIENCE: u64 = 2 * time::TICKS_PER_SECOND;

/// Starts the machine's other CPUs, one after the other: all that the kernel can use, or as many as `cpus=` allows. What goes
/// wrong with one is logged, and the kernel goes on without it.
///
/// # Panics
/// `cpus=` is no number of CPUs.
pub(crate) fn bring_up() {
    let servers: Vec<u32> = machine().servers.iter().flatten().copied().collect();
    let boot = platform::boot_server(&servers);
    CPUS[0].head.server.store(boot.into(), Ordering::Relaxed);
    let wanted = wanted();
    if servers.len() > MAXIMUM && wanted == MAXIMUM {
        log::warn!(
            target: "cpu",
            "the machine has {} CPUs; {MAXIMUM} of them are used, which is all that this kernel can",
            servers.len()
        );
    }
    let result = platform::open_interrupts();
    let others: Vec<u32> = match result {
        Ok(()) => servers.iter().copied().filter(|server| *server != boot).collect(),
        Err(reason) => {
            log::error!(target: "cpu", "no CPU can interrupt another: {reason}");
            Vec::new()
        }
    };
    for (cpu, server) in CPUS.iter().skip(1).zip(others).take(wanted - 1) {
        if let Err(reason) = start(cpu, server) {
            log::error!(
                target: "cpu",
                "CPU {} does not start (server {server:#x}): {reason}",
                cpu.number()
            );
        }
    }
    log::info!(target: "cpu", "{} of {} CPUs are online", count(), servers.len());
}

/// What `cpus=` says, the boot CPU included.
fn wanted() -> usize {
    let Some(text) = boot_arguments::get("cpus") else {
        return MAXIMUM;
    };
    let number = text.parse().ok().filter(|number| (1..=MAXIMUM).contains(number));
    number.unwrap_or_else(|| panic!("boot argument cpus={text}: it takes a number from 1 to {MAXIMUM}"))
}

/// Starts one, and waits until it is online.
fn start(cpu: &'static Cpu, server: u32) -> Result<(), alloc::string::String> {
    cpu.head.server.store(server.into(), Ordering::Relaxed);
    let size = STACK_SIZE as u64;
    cpu.stacks.call_once(|| Guarded::new(&[size, size]));
    let idle = thread::idle_for(&cpu.head);
    cpu.go(State::Absent, State::Starting);
    let entry = secondary::offer(cpu.number(), server, idle.head());
    let result = platform::start_cpu(server, entry).and_then(|()| {
        let asked = time::timebase();
        while !cpu.is_online() && time::timebase() - asked < PATIENCE {
            hcall::spin_hint();
        }
        match cpu.go(State::Starting, State::GivenUp) {
            true => Err("it was started, and has not come within 2 s".into()),
            false => Ok(()),
        }
    });
    secondary::withdraw(cpu.number());
    result
}

/// Where a CPU arrives that `start` has started (see `secondary.S`): on its idle thread, with interrupts off.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the upcall's symbol is declared in arch::upcalls")]
extern "C" fn secondary_main() -> ! {
    let cpu = this();
    if let Some(stacks) = cpu.stacks.get() {
        entry::prepare_cpu(&cpu.head, stacks.part(0), stacks.part(1));
    }
    platform::prepare_cpu();
    memory::init_cpu(&cpu.head);
    time::silence_decrementer();
    let can_be_interrupted = platform::open_interrupts().is_ok();
    if !can_be_interrupted || !cpu.go(State::Starting, State::Online) {
        park()
    }
    thread::idle_loop()
}
