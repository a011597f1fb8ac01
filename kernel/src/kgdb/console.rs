//! The terminal that the debugger is at.

use core::convert::Infallible;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use heapless::{Deque, Vec};
use kernel_core::debugger::Connection;
use spin::mutex::SpinMutex;

use crate::machine::machine;
use crate::platform;

/// Bytes that the hypervisor takes or gives at a time.
const CHUNK: usize = 16;
/// Ctrl-C.
const INTERRUPT: u8 = 3;

/// The terminal's unit; 0: none is open.
static TERMINAL: AtomicU32 = AtomicU32::new(0);
/// What has come and is not read yet. Whoever has it has interrupts off and is done soon.
static INPUT: SpinMutex<Deque<u8, { 2 * CHUNK }>> = SpinMutex::new(Deque::new());
/// How often an answer was sent.
static ANSWERS: AtomicU64 = AtomicU64::new(0);

/// Opens the terminal `hvcN`.
///
/// # Errors
/// There is none of this name, or it is the console.
pub(super) fn open(name: &str) -> Result<(), &'static str> {
    let number = name.strip_prefix("hvc").and_then(|number| number.parse().ok());
    let number: usize = number.ok_or("it takes hvc1, or another terminal's number")?;
    let console = platform::console_terminal();
    let console = console.ok_or("this machine has one console and no other terminals")?;
    let terminal = machine().terminals.get(number);
    let terminal = *terminal.ok_or("the machine has no such terminal")?;
    if terminal == console {
        return Err("this is the console");
    }
    TERMINAL.store(terminal, Ordering::Release);
    Ok(())
}

/// Whether one is open.
pub(super) fn is_open() -> bool {
    TERMINAL.load(Ordering::Relaxed) != 0
}

/// The next byte, if one has come. The caller has interrupts off.
pub(super) fn next() -> Option<u8> {
    let mut input = INPUT.lock();
    if input.is_empty() {
        receive(&mut input);
    }
    input.pop_front()
}

/// Takes Ctrl-C, if that is what comes next; anything else stays. The caller has interrupts off.
pub(super) fn take_interrupt() -> bool {
    let mut input = INPUT.lock();
    if input.is_empty() {
        receive(&mut input);
    }
    let is_next = input.front() == Some(&INTERRUPT);
    if is_next {
        input.pop_front();
    }
    is_next
}

fn receive(input: &mut Deque<u8, { 2 * CHUNK }>) {
    let mut bytes = [0; CHUNK];
    let count = platform::read_from(TERMINAL.load(Ordering::Relaxed), &mut bytes);
    for byte in &bytes[..count] {
        // It was empty, and has room.
        let _ = input.push_back(*byte);
    }
}

/// What somebody wants of a kernel that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// That it stops.
    Interrupt,
    /// An answer to a packet, which is still to be read.
    Packet,
}

/// Looks for a call among what has come; everything before it is noise. One that is not attached wants an answer before it can
/// want anything else. The caller has interrupts off.
pub(super) fn look_for_call(is_attached: bool) -> Option<Call> {
    // Another CPU looks.
    let mut input = INPUT.try_lock()?;
    if input.is_empty() {
        receive(&mut input);
    }
    while let Some(byte) = input.front() {
        match byte {
            b'$' => return Some(Call::Packet),
            &INTERRUPT if is_attached => {
                input.pop_front();
                return Some(Call::Interrupt);
            }
            _ => input.pop_front(),
        };
    }
    None
}

/// How often an answer was sent.
pub(super) fn answers() -> u64 {
    ANSWERS.load(Ordering::Relaxed)
}

/// The way to the debugger.
#[derive(Debug, Default)]
pub(super) struct Line {
    chunk: Vec<u8, CHUNK>,
}

impl Line {
    fn push_out(&mut self) {
        platform::write_to(TERMINAL.load(Ordering::Relaxed), &self.chunk);
        self.chunk.clear();
    }
}

impl Connection for Line {
    type Error = Infallible;

    fn write(&mut self, byte: u8) -> Result<(), Infallible> {
        if self.chunk.push(byte).is_err() {
            self.push_out();
            // It is empty now.
            let _ = self.chunk.push(byte);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.push_out();
        ANSWERS.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
