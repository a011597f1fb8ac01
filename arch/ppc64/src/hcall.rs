//! Hypervisor calls of the pseries machine (PAPR, "hcall()").
#![allow(
    unsafe_code,
    reason = "`sc 1` leaves the kernel; each wrapper states what the hypervisor may touch"
)]

use core::arch::asm;
use core::ffi::CStr;

/// H_GET_TERM_CHAR: read from a virtual terminal.
const GET_TERM_CHAR: u64 = 0x54;
/// H_PUT_TERM_CHAR: write to a virtual terminal.
const PUT_TERM_CHAR: u64 = 0x58;
/// H_EOI: an interrupt has been dealt with.
const EOI: u64 = 0x64;
/// H_CPPR: which interrupts this CPU takes.
const CPPR: u64 = 0x68;
/// H_IPI: interrupt a CPU, or take that back.
const IPI: u64 = 0x6c;
/// H_XIRR: which interrupt came.
const XIRR: u64 = 0x74;
/// H_CEDE: give the processor away until an interrupt comes.
pub(crate) const CEDE: u64 = 0xe0;
/// H_SET_MODE: change how the hypervisor runs this partition.
const SET_MODE: u64 = 0x31c;
/// H_SET_MODE's resource 4, the endianness of exceptions, and its value 1, little-endian.
const SET_MODE_ENDIANNESS: u64 = 4;

/// Its resource 2: what this CPU watches, DAWR and DAWRX.
const SET_MODE_WATCHPOINT: u64 = 2;

/// H_REGISTER_PROC_TBL: say where the process table is.
const REGISTER_PROCESS_TABLE: u64 = 0x37c;
/// Its flags: change what is registered, to a table, of radix trees, whose translations this partition invalidates itself.
const NEW_RADIX_TABLE: u64 = 0x10 | 0x08 | 0x04 | 0x01;

/// QEMU's way into RTAS, the run-time services of the platform: real address of the argument cells in r4.
const RTAS: u64 = 0xf000;

/// What a hypervisor call answers: a status (0 is success) and up to four values.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// H_SUCCESS is 0, errors are negative.
    pub status: i64,
    /// r4 to r7 after the call.
    pub values: [u64; 4],
}

/// Makes a hypervisor call with up to five arguments in r4 to r8.
///
/// # Safety
/// The caller knows what call `function` does with these arguments to memory and to the machine.
pub unsafe fn call(function: u64, arguments: [u64; 5]) -> Answer {
    let status: i64;
    let [mut r4, mut r5, mut r6, mut r7, r8] = arguments;
    // SAFETY: PAPR lets an hcall change r0, r3 to r12, CTR, XER and CR and nothing else; the caller answers for the rest.
    unsafe {
        asm!(
            "sc 1",
            inlateout("r3") function => status,
            inlateout("r4") r4, inlateout("r5") r5, inlateout("r6") r6, inlateout("r7") r7,
            inlateout("r8") r8 => _,
            lateout("r0") _, lateout("r9") _, lateout("r10") _, lateout("r11") _, lateout("r12") _,
            lateout("ctr") _, lateout("xer") _, lateout("cr0") _, lateout("cr1") _,
            lateout("cr5") _, lateout("cr6") _, lateout("cr7") _,
        );
    }
    Answer {
        status,
        values: [r4, r5, r6, r7],
    }
}

/// Whether a call's status asks to make the call again: H_BUSY, or one of the H_LONG_BUSY values, which also say how
/// long it may take.
pub fn is_busy(status: i64) -> bool {
    status == 1 || (9900..=9905).contains(&status)
}

/// Writes at most 16 bytes to a virtual terminal; see [`is_busy`].
pub fn put_terminal_characters(terminal: u64, bytes: &[u8]) -> i64 {
    let length = bytes.len().min(16);
    let mut words = [[0u8; 8]; 2];
    for (slot, byte) in words.as_flattened_mut().iter_mut().zip(&bytes[..length]) {
        *slot = *byte;
    }
    let [first, second] = words.map(u64::from_be_bytes);
    // SAFETY: H_PUT_TERM_CHAR takes the characters in registers; it touches no memory of ours.
    unsafe { call(PUT_TERM_CHAR, [terminal, length as u64, first, second, 0]) }.status
}

/// Reads at most 16 bytes from a virtual terminal into `bytes`; answers how many there were.
pub fn get_terminal_characters(terminal: u64, bytes: &mut [u8; 16]) -> usize {
    // SAFETY: H_GET_TERM_CHAR answers in registers; it touches no memory of ours.
    let answer = unsafe { call(GET_TERM_CHAR, [terminal, 0, 0, 0, 0]) };
    let [length, first, second, _] = answer.values;
    bytes[..8].copy_from_slice(&first.to_be_bytes());
    bytes[8..].copy_from_slice(&second.to_be_bytes());
    if answer.status == 0 {
        (length as usize).min(16)
    } else {
        0
    }
}

/// The least favoured priority: of a CPU that takes every interrupt, and of an IPI that is none.
const LEAST_FAVOURED: u64 = 0xff;
/// The priority of every IPI.
const IPI_PRIORITY: u64 = 4;

/// Lets this CPU take interrupts of every priority. Answers the call's status.
pub fn accept_interrupts() -> i64 {
    // SAFETY: H_CPPR touches no memory; whoever takes interrupts has a handler.
    unsafe { call(CPPR, [LEAST_FAVOURED, 0, 0, 0, 0]) }.status
}

/// Interrupts the CPU with this server. Answers the call's status.
pub fn send_interrupt(server: u32) -> i64 {
    // SAFETY: H_IPI touches no memory; every CPU that the kernel runs on has a handler.
    unsafe { call(IPI, [server.into(), IPI_PRIORITY, 0, 0, 0]) }.status
}

/// Takes back what [`send_interrupt`] did to this CPU, which has this server. In the handler, before it looks for what the
/// interrupt is about: who sends it again afterwards interrupts again. (Measured: done later, some are lost.)
pub fn clear_interrupt(server: u32) {
    // SAFETY: H_IPI touches no memory.
    unsafe { call(IPI, [server.into(), LEAST_FAVOURED, 0, 0, 0]) };
}

/// An interrupt that this CPU has taken: the priority that it had before, and who interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenInterrupt(u32);

impl TakenInterrupt {
    /// Who interrupts: this is an IPI.
    pub const IPI: u32 = 2;

    /// Accepts the most favoured interrupt that is pending; `None` when there is none.
    pub fn take() -> Option<TakenInterrupt> {
        // SAFETY: H_XIRR answers in a register.
        let word = unsafe { call(XIRR, [0; 5]) }.values[0] as u32;
        let taken = TakenInterrupt(word);
        (taken.source() != 0).then_some(taken)
    }

    /// Who interrupts.
    pub fn source(self) -> u32 {
        self.0 & 0xff_ffff
    }

    /// It has been dealt with: this CPU takes the next one.
    pub fn end(self) {
        // SAFETY: H_EOI touches no memory.
        unsafe { call(EOI, [self.0.into(), 0, 0, 0, 0]) };
    }
}

/// Asks that exceptions be taken in little-endian mode, on all CPUs.
pub fn set_little_endian_exceptions() {
    // SAFETY: the vectors hold little-endian code or nothing yet.
    let answer = unsafe { call(SET_MODE, [1, SET_MODE_ENDIANNESS, 0, 0, 0]) };
    assert!(
        answer.status == 0,
        "H_SET_MODE(little-endian exceptions) answered {}",
        answer.status
    );
}

/// Gives this CPU's watchpoint registers these values; whether that is possible.
pub(crate) fn set_watchpoint(address: u64, control: u64) -> bool {
    // SAFETY: it touches no memory, and what the CPU meets by it is an exception.
    unsafe { call(SET_MODE, [0, SET_MODE_WATCHPOINT, address, control, 0]) }.status == 0
}

/// Registers a process table of one page at the real address `table`, for all CPUs. Answers the call's status.
///
/// # Safety
/// It is a process table, and stays one. No CPU translates addresses yet.
pub unsafe fn register_process_table(table: u64) -> i64 {
    /// log2 of the table's size, less 12.
    const ONE_PAGE: u64 = 0;
    // SAFETY: as the caller says.
    unsafe { call(REGISTER_PROCESS_TABLE, [NEW_RADIX_TABLE, table, 0, ONE_PAGE, 0]) }.status
}

/// Turns the machine off (PAPR, 7.3.8). Answers the service's status only if it did not.
pub fn power_off(token: u32) -> i32 {
    /// Power on again for no event whatever.
    const NEVER: u32 = 0;
    // SAFETY: `power-off` takes two masks and touches no memory but its cells.
    unsafe { rtas(token, [NEVER, NEVER]) }
}

/// Tells the platform that the system has failed (PAPR, 7.3.9.1). Answers the service's status only if the machine goes on.
pub fn report_failure(token: u32, message: &'static CStr) -> i32 {
    // SAFETY: `ibm,os-term` reads the message, whose address is below 4 GiB as all of the image, and touches no
    // memory but its cells.
    unsafe { rtas(token, [message.as_ptr() as usize as u32]) }
}

/// Starts the stopped CPU `server` at the real address `entry`, in big-endian 64-bit mode with `argument` in r3 (PAPR,
/// 7.3.8.2). Answers the service's status; 0 is success. (Measured: -1 from a CPU that runs, -3 when there is no such server.)
///
/// # Safety
/// `entry` is code that a CPU can start at that has no stack.
pub unsafe fn start_cpu(token: u32, server: u32, entry: u32, argument: u32) -> i32 {
    // SAFETY: `start-cpu` touches no memory but its cells; the caller answers for what the CPU does.
    unsafe { rtas(token, [server, entry, argument]) }
}

/// Whether the CPU `server` runs (PAPR, 7.3.8.3, "query-cpu-stopped-state").
pub fn is_running(token: u32, server: u32) -> bool {
    const NOT_STOPPED: u32 = 2;
    // SAFETY: the service touches no memory but its cells.
    let answer = unsafe { rtas_results(token, [server]) };
    answer == [0, NOT_STOPPED]
}

/// Calls a run-time service that has a status for its only result, or answers -1 when there is no RTAS.
///
/// # Safety
/// The caller knows what service `token` does with these arguments to memory and to the machine.
unsafe fn rtas<const ARGUMENTS: usize>(token: u32, arguments: [u32; ARGUMENTS]) -> i32 {
    // SAFETY: as the caller says.
    let [status] = unsafe { rtas_results(token, arguments) };
    status as i32
}

/// Calls a run-time service. What it answers is all ones where there is no RTAS.
///
/// # Safety
/// The caller knows what service `token` does with these arguments to memory and to the machine.
unsafe fn rtas_results<const ARGUMENTS: usize, const RESULTS: usize>(
    token: u32,
    arguments: [u32; ARGUMENTS],
) -> [u32; RESULTS] {
    const { assert!(ARGUMENTS + RESULTS <= 5) };
    let mut cells = [0; 8];
    cells[..3].copy_from_slice(&[token, ARGUMENTS as u32, RESULTS as u32]);
    cells[3..3 + ARGUMENTS].copy_from_slice(&arguments);
    cells[3 + ARGUMENTS..][..RESULTS].fill(u32::MAX);
    cells = cells.map(u32::to_be);
    // SAFETY: the service reads and writes the cells, which are ours; the caller answers for the rest.
    unsafe { call(RTAS, [cells.as_mut_ptr() as u64, 0, 0, 0, 0]) };
    core::array::from_fn(|result| u32::from_be(cells[3 + ARGUMENTS + result]))
}

/// To be executed in every loop that waits: the emulator gives the processor to somebody else (`or 27,27,27`, which the
/// Power ISA 3.0B, book II, 3.2, calls a yield).
pub fn spin_hint() {
    // SAFETY: changes no register.
    unsafe { asm!("or 27, 27, 27", options(nomem, nostack, preserves_flags)) };
}
