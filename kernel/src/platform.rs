//! Who the kernel turns to for what the processor cannot do itself: a hypervisor, or firmware.
//!
//! Which one is decided once, by the device tree. Before that it is a hypervisor, so that a broken tree can be reported
//! where it is most likely read.
#![allow(
    unsafe_code,
    reason = "the device tree is taken at its word for where the firmware is"
)]

use alloc::format;
use alloc::string::String;

use arch::opal::Opal;
use arch::{hcall, hypervisor, idle, time};
use kernel_core::device_tree::{DEFAULT_TERMINAL, Platform, Rtas};
use spin::Once;

use crate::thread;

/// Characters that a hypervisor takes at a time.
const CHUNK: usize = 16;

static PLATFORM: Once<Platform> = Once::new();

/// The platform from here on. The boot CPU is made ready for it.
pub(crate) fn init(platform: Platform) {
    PLATFORM.call_once(|| platform);
    prepare_cpu();
}

fn platform() -> Platform {
    PLATFORM.get().copied().unwrap_or(Platform::Pseries {
        terminal: DEFAULT_TERMINAL,
        rtas: Rtas::default(),
    })
}

fn opal(base: u64, entry: u64) -> Opal {
    // SAFETY: from the device tree; the memory that the tree reserves is nobody else's.
    unsafe { Opal::new(base, entry) }
}

/// Sets this CPU up as the kernel needs it: where there is a hypervisor, that has done it.
pub(crate) fn prepare_cpu() {
    if let Platform::PowerNv { .. } = platform() {
        hypervisor::prepare_cpu();
    }
}

/// Starts a thread that calls the firmware now and then, where that does something only when it is called. What it has to do
/// first is to tell the service processor that the start is over: else that resets the machine after a minute.
pub(crate) fn serve_firmware() {
    /// A fifth of a second: how often skiboot looks after the service processor.
    const INTERVAL: u64 = time::TICKS_PER_SECOND / 5;
    if let Platform::PowerNv { base, entry } = platform() {
        thread::spawn("opal", move || {
            loop {
                opal(base, entry).poll();
                thread::sleep(INTERVAL);
            }
        });
    }
}

/// Writes to the console, and waits until it has taken everything.
pub(crate) fn write(bytes: &[u8]) {
    match platform() {
        Platform::Pseries { terminal, .. } => {
            for chunk in bytes.chunks(CHUNK) {
                while hcall::is_busy(hcall::put_terminal_characters(terminal.into(), chunk)) {
                    hcall::spin_hint();
                }
            }
        }
        Platform::PowerNv { base, entry } => opal(base, entry).console_write(bytes),
    }
}

/// Reads what has come from the console, and does not wait for it; answers how many bytes there were.
pub(crate) fn read(bytes: &mut [u8; CHUNK]) -> usize {
    match platform() {
        Platform::Pseries { terminal, .. } => hcall::get_terminal_characters(terminal.into(), bytes),
        Platform::PowerNv { base, entry } => opal(base, entry).console_read(bytes),
    }
}

/// Writes to another terminal of the machine, at most as many bytes as are read at a time; see [`Machine::terminals`].
///
/// [`Machine::terminals`]: kernel_core::device_tree::Machine::terminals
pub(crate) fn write_to(terminal: u32, bytes: &[u8]) {
    for chunk in bytes.chunks(CHUNK) {
        while hcall::is_busy(hcall::put_terminal_characters(terminal.into(), chunk)) {
            hcall::spin_hint();
        }
    }
}

/// Reads what has come from another terminal, and does not wait for it; answers how many bytes there were.
pub(crate) fn read_from(terminal: u32, bytes: &mut [u8; CHUNK]) -> usize {
    hcall::get_terminal_characters(terminal.into(), bytes)
}

/// The terminal that the console is, where it is one of several.
pub(crate) fn console_terminal() -> Option<u32> {
    match platform() {
        Platform::Pseries { terminal, .. } => Some(terminal),
        Platform::PowerNv { .. } => None,
    }
}

/// Makes every CPU take exceptions in little-endian mode. The others have not been started.
pub(crate) fn set_little_endian_exceptions() {
    match platform() {
        Platform::Pseries { .. } => hcall::set_little_endian_exceptions(),
        Platform::PowerNv { base, entry } => opal(base, entry).set_little_endian_exceptions(),
    }
}

/// Tells a hypervisor where the process table is, a page at the real address `table`; or why that cannot be. Without one every
/// CPU is told: see [`use_partition_table`].
///
/// # Safety
/// It is a process table, and stays one. No CPU translates addresses yet.
pub(crate) unsafe fn register_process_table(table: u64) -> Result<(), &'static str> {
    match platform() {
        Platform::Pseries { .. } => {
            // SAFETY: as the caller says.
            match unsafe { hcall::register_process_table(table) } {
                0 => Ok(()),
                _ => Err("the hypervisor does not let it translate addresses by radix tables"),
            }
        }
        Platform::PowerNv { .. } => Ok(()),
    }
}

/// Tells this CPU where the partition table is, which leads to the process table. Where there is a hypervisor this is its
/// affair.
///
/// # Safety
/// It is a partition table, and stays one. This CPU does not translate addresses yet.
pub(crate) unsafe fn use_partition_table(table: u64) {
    if let Platform::PowerNv { .. } = platform() {
        // SAFETY: as the caller says.
        unsafe { hypervisor::use_partition_table(table) };
    }
}

/// Which of the machine's servers the caller's CPU is.
pub(crate) fn boot_server(servers: &[u32]) -> u32 {
    match platform() {
        Platform::Pseries { rtas, .. } => {
            // The firmware has started one CPU, and the kernel none yet.
            let running = rtas
                .query_cpu_stopped_state
                .and_then(|token| servers.iter().find(|server| hcall::is_running(token, **server)));
            running.or(servers.first()).copied().unwrap_or(0)
        }
        Platform::PowerNv { .. } => hypervisor::processor_identification(),
    }
}

/// Starts the CPU `server` at the address `entry`, which is of `arch::start::secondary`; or what the firmware answers.
pub(crate) fn start_cpu(server: u32, entry: u64) -> Result<(), String> {
    match platform() {
        Platform::Pseries { rtas, .. } => {
            let token = rtas.start_cpu.ok_or("the firmware has no start-cpu")?;
            // SAFETY: a CPU can begin there, and finds its stack by its server.
            match unsafe { hcall::start_cpu(token, server, entry as u32, server) } {
                0 => Ok(()),
                status => Err(format!("RTAS start-cpu answered {status}")),
            }
        }
        Platform::PowerNv {
            base,
            entry: opal_entry,
        } => {
            // SAFETY: a CPU can begin there, and finds its stack by its server.
            match unsafe { opal(base, opal_entry).start_cpu(server.into(), entry) } {
                0 => Ok(()),
                status => Err(format!("OPAL_START_CPU answered {status}")),
            }
        }
    }
}

/// Lets this CPU take interrupts from others, once MSR\[EE\] is on; or why it cannot.
pub(crate) fn open_interrupts() -> Result<(), String> {
    match platform() {
        Platform::Pseries { .. } => match hcall::accept_interrupts() {
            0 => Ok(()),
            status => Err(format!("H_CPPR answered {status}")),
        },
        Platform::PowerNv { .. } => Ok(()),
    }
}

/// Interrupts the CPU `server`, which may be the caller's own. What was written before is there when it takes the interrupt.
pub(crate) fn send_interrupt(server: u32) {
    match platform() {
        Platform::Pseries { .. } => {
            let status = hcall::send_interrupt(server);
            assert!(status == 0, "H_IPI to server {server:#x} answered {status}");
        }
        Platform::PowerNv { .. } => hypervisor::ring_doorbell(server),
    }
}

/// In the handler of an external interrupt or a doorbell, on the CPU `server`: takes what another CPU has sent, and calls `look` to find out
/// what it is about. `None`: there was nothing, or it was not from a CPU.
pub(crate) fn take_interrupt<T>(server: u32, look: impl FnOnce() -> T) -> Option<T> {
    match platform() {
        Platform::Pseries { .. } => {
            let interrupt = hcall::TakenInterrupt::take()?;
            let result = (interrupt.source() == hcall::TakenInterrupt::IPI).then(|| {
                hcall::clear_interrupt(server);
                look()
            });
            interrupt.end();
            result
        }
        Platform::PowerNv { .. } => {
            hypervisor::doorbell_has_rung();
            Some(look())
        }
    }
}

/// Waits with interrupts off until there is one, and takes it. Interrupts are off when this returns.
pub(crate) fn idle() {
    match platform() {
        Platform::Pseries { .. } => idle::cede(),
        Platform::PowerNv { .. } => idle::stop(),
    }
}

/// Turns the machine off; returns if it cannot be.
pub(crate) fn power_off() {
    match platform() {
        Platform::Pseries { rtas, .. } => {
            if let Some(token) = rtas.power_off {
                hcall::power_off(token);
            }
        }
        Platform::PowerNv { base, entry } => {
            opal(base, entry).power_down();
        }
    }
}

/// Ends the run as a failure, if the platform knows such an end; returns if it does not. OPAL does not: the machine is
/// turned off, and the host must see from the console how the run ended.
pub(crate) fn report_failure() {
    match platform() {
        Platform::Pseries { rtas, .. } => {
            if let Some(token) = rtas.os_term {
                hcall::report_failure(token, c"Tocsin: the run has failed");
            }
        }
        Platform::PowerNv { .. } => power_off(),
    }
}
