//! OPAL calls: the firmware of a machine without a hypervisor (skiboot, doc/opal-api).
#![allow(
    unsafe_code,
    reason = "the firmware is called by address; each wrapper states what it may touch"
)]

use core::arch::global_asm;
use core::mem::{offset_of, size_of};

use crate::abi::{FrameHeader, STACK_ALIGN};
use crate::{interrupts, msr};

/// The frame of `opal_call`.
#[repr(C)]
struct OpalFrame {
    header: FrameHeader,
    gpr2: u64,
    msr: u64,
}

const _: () = assert!(size_of::<OpalFrame>() % STACK_ALIGN == 0);

global_asm!(
    include_str!("../to_little_endian.S"),
    include_str!("call.S"),
    ".purgem to_little_endian",
    FRAME_SIZE = const size_of::<OpalFrame>(),
    GPR2 = const offset_of!(OpalFrame, gpr2),
    MSR_SAVE = const offset_of!(OpalFrame, msr),
    LR_SAVE = const offset_of!(FrameHeader, lr_save),
    CR_SAVE = const offset_of!(FrameHeader, cr_save),
    MSR_LE = const msr::LE,
    MSR_IR = const msr::IR,
    MSR_DR = const msr::DR,
);

unsafe extern "C" {
    fn opal_call(first: u64, second: u64, third: u64, token: u64, base: u64, entry: u64) -> i64;
}

/// OPAL_CONSOLE_WRITE: terminal, address of the length (a big-endian doubleword), address of the characters.
const CONSOLE_WRITE: u64 = 1;
/// OPAL_CONSOLE_READ: terminal, address of the room (a big-endian doubleword, in its place the length), address of the room.
const CONSOLE_READ: u64 = 2;
/// OPAL_CEC_POWER_DOWN: 0, at once.
const POWER_DOWN: u64 = 5;
/// OPAL_POLL_EVENTS: lets the firmware do what it has waiting; address for the events, or 0.
const POLL_EVENTS: u64 = 10;
/// OPAL_START_CPU: its server number, the real address where it starts.
const START_CPU: u64 = 41;
/// OPAL_REINIT_CPUS: what to change, on all CPUs.
const REINIT_CPUS: u64 = 70;
/// OPAL_REINIT_CPUS: exceptions are taken in little-endian mode.
const LITTLE_ENDIAN_EXCEPTIONS: u64 = 1 << 1;

/// What a call answers that is neither refused nor done.
mod status {
    pub(super) const SUCCESS: i64 = 0;
    pub(super) const BUSY: i64 = -2;
    pub(super) const PARTIAL: i64 = -3;
    pub(super) const BUSY_EVENT: i64 = -12;
}

/// The firmware.
#[derive(Clone, Copy, Debug)]
pub struct Opal {
    base: u64,
    entry: u64,
}

impl Opal {
    /// The firmware with this base that is called at `entry`.
    ///
    /// # Safety
    /// Both are from the device tree that the firmware passed, and memory that it keeps for itself is as it left it.
    pub unsafe fn new(base: u64, entry: u64) -> Self {
        Opal { base, entry }
    }

    /// # Safety
    /// The caller knows what the call does with these arguments to memory and to the machine.
    unsafe fn call(self, token: u64, [first, second, third]: [u64; 3]) -> i64 {
        // SAFETY: `new`'s caller answers for base and entry, ours for the rest; effective addresses are real ones.
        interrupts::without(|| unsafe { opal_call(first, second, third, token, self.base, self.entry) })
    }

    /// Writes to the console. Waits while that is full; what it refuses is lost.
    pub fn console_write(self, bytes: &[u8]) {
        /// The one that the firmware prints on itself.
        const TERMINAL: u64 = 0;
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut length = (rest.len() as u64).to_be();
            let arguments = [TERMINAL, &raw mut length as u64, rest.as_ptr() as u64];
            // SAFETY: reads the characters, of which there are as many as the length says, and writes the length.
            let written = match unsafe { self.call(CONSOLE_WRITE, arguments) } {
                status::SUCCESS | status::PARTIAL => u64::from_be(length) as usize,
                status::BUSY | status::BUSY_EVENT => 0,
                _ => return,
            };
            rest = rest.get(written..).unwrap_or_default();
            if !rest.is_empty() {
                self.poll();
            }
        }
    }

    /// Reads what has come from the console; answers how many bytes there were.
    pub fn console_read(self, bytes: &mut [u8]) -> usize {
        const TERMINAL: u64 = 0;
        let mut length = (bytes.len() as u64).to_be();
        let arguments = [TERMINAL, &raw mut length as u64, bytes.as_mut_ptr() as u64];
        // SAFETY: writes as many characters as there is room for at most, and the length.
        match unsafe { self.call(CONSOLE_READ, arguments) } {
            status::SUCCESS => (u64::from_be(length) as usize).min(bytes.len()),
            _ => 0,
        }
    }

    /// Lets the firmware do what it has waiting.
    pub fn poll(self) {
        // SAFETY: no address for the events, so it touches no memory of ours.
        unsafe { self.call(POLL_EVENTS, [0; 3]) };
    }

    /// Turns the machine off. Answers the call's status only if that refuses.
    pub fn power_down(self) -> i64 {
        loop {
            // SAFETY: touches no memory of ours.
            match unsafe { self.call(POWER_DOWN, [0; 3]) } {
                status::SUCCESS => break,
                status::BUSY | status::BUSY_EVENT => self.poll(),
                refused => return refused,
            }
        }
        // The service processor has been asked, and is talked to when the firmware is called.
        loop {
            self.poll();
        }
    }

    /// Makes all CPUs take exceptions in little-endian mode. The others must still be in the firmware.
    pub fn set_little_endian_exceptions(self) {
        // SAFETY: the vectors hold little-endian code or nothing yet.
        let status = unsafe { self.call(REINIT_CPUS, [LITTLE_ENDIAN_EXCEPTIONS, 0, 0]) };
        assert!(
            status == status::SUCCESS,
            "OPAL_REINIT_CPUS(little-endian exceptions) answered {status}"
        );
    }

    /// Starts a CPU at `entry`, in big-endian mode with its server number in r3; answers the call's status.
    ///
    /// # Safety
    /// `entry` is the real address of code that a CPU can start at that has no stack.
    pub unsafe fn start_cpu(self, server: u64, entry: u64) -> i64 {
        // SAFETY: as the caller says.
        unsafe { self.call(START_CPU, [server, entry, 0]) }
    }
}
