//! What happens when the processor stops the running code.

mod cause;
mod fault;
mod tests;

use core::sync::atomic::{AtomicU64, Ordering};

use arch::entry::{ExceptionFrame, Vector};
use arch::{debug, entry, idle, msr};

pub use fault::Fault;

use crate::cpu::Message;
use crate::thread::{self, CurrentName, Outcome};
use crate::{backtrace, console, cpu, kgdb, println, step};

/// Every exception arrives here, on the interrupted thread's stack, with interrupts off (see `arch/ppc64/src/entry`). It has no
/// site: a CPU that has rested knows of no changed code before it is awake.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.notrace")]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 0)]
#[allow(
    unsafe_code,
    reason = "the upcall's symbol is declared in arch::upcalls, and it keeps itself out of all hooks"
)]
extern "C" fn exception_handler(frame: &mut ExceptionFrame) {
    cpu::wake_up(cpu::this());
    handle(frame);
}

#[inline(never)]
fn handle(frame: &mut ExceptionFrame) {
    let head = thread::current_head();
    count(frame.vector);
    match Vector(frame.vector) {
        Vector::DECREMENTER => {
            head.interrupts_active.fetch_add(1, Ordering::Relaxed);
            kgdb::poll(frame);
            thread::tick(frame);
            thread::current_head()
                .interrupts_active
                .fetch_sub(1, Ordering::Relaxed);
        }
        Vector::EXTERNAL | Vector::HYPERVISOR_DOORBELL => {
            head.interrupts_active.fetch_add(1, Ordering::Relaxed);
            let messages = cpu::receive();
            if messages.contains(Message::STOP) {
                cpu::park()
            }
            if messages.contains(Message::PAUSE) {
                cpu::pause(frame);
            }
            if messages.contains(Message::HOLD) {
                cpu::hold::stand_by(frame);
            }
            head.interrupts_active.fetch_sub(1, Ordering::Relaxed);
        }
        Vector::TRACE if kgdb::traced(frame) => {}
        Vector::TRACE => step::trace(frame),
        Vector::PROGRAM if kgdb::trapped(frame) => {}
        Vector::DATA_STORAGE if kgdb::watched(frame) => {}
        Vector::DATA_STORAGE | Vector::DATA_SEGMENT | Vector::MACHINE_CHECK if debug::catch(frame) => {}
        Vector::SYSTEM_RESET => system_reset(frame),
        _ => unexpected(frame),
    }
}

/// How many exceptions of each kind each CPU has taken: by the vector's first digit, of which the kinds that happen have one
/// each.
static COUNTS: [[AtomicU64; 16]; cpu::MAXIMUM] = [const { [const { AtomicU64::new(0) }; 16] }; cpu::MAXIMUM];

fn count(vector: u64) {
    let cpu = thread::current_cpu_head().number.load(Ordering::Relaxed) as usize;
    if let Some(counts) = COUNTS.get(cpu) {
        counts[(vector >> 8 & 15) as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// How many exceptions of a kind a CPU has taken. Kinds are told apart by the first digit of their vectors.
pub(crate) fn taken(vector: Vector, cpu: usize) -> u64 {
    COUNTS.get(cpu).map_or(0, |counts| {
        counts[(vector.0 >> 8 & 15) as usize].load(Ordering::Relaxed)
    })
}

/// The monitor's `nmi`: says where the CPU is, and goes on.
fn system_reset(frame: &mut ExceptionFrame) {
    let kernel_msr = thread::current_cpu_head().kernel_msr.load(Ordering::Relaxed);
    let with_interrupt = idle::repair(frame, thread::current_head(), kernel_msr);
    console::urgently(|| {
        let number = cpu::this().number();
        let with_interrupt = if with_interrupt {
            ", together with an interrupt"
        } else {
            ""
        };
        println!("system reset of CPU {number}, in thread '{CurrentName}'{with_interrupt}");
        backtrace::print_from(frame);
    });
    // An exception was only half saved: SRR0 and SRR1 had what it interrupted.
    assert!(
        frame.msr & msr::RI != 0 || entry::survives_reset(frame.nip),
        "a system reset at {:#x}, where nothing can go on",
        frame.nip
    );
    cpu::this().count_reset();
}

/// Ends a sacrificial thread; anybody else's fault is the kernel's end, with the same message.
fn unexpected(frame: &mut ExceptionFrame) {
    if kgdb::faulted(frame) {
        return;
    }
    let fault = Fault::of(frame);
    let head = thread::current_head();
    let locks_held = head.locks_held.load(Ordering::Relaxed);
    let in_interrupt = head.interrupts_active.load(Ordering::Relaxed) != 0;
    // A machine check may come while SRR0 and SRR1 are in use.
    let can_go_on = frame.msr & msr::RI != 0;
    if thread::is_current_sacrificial() && locks_held == 0 && !in_interrupt && can_go_on {
        let fault = fault.keep();
        log::info!("{fault}");
        thread::end_current(Outcome::Faulted(fault));
    }
    panic!("{fault}");
}
