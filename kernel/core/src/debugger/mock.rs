//! A machine that is none, and a line that keeps what is said, for tests.

use std::cell::RefCell;
use std::convert::Infallible;

use super::stub::Equipment;
use super::{Breakpoints, Connection, Debuggee, Register, Registers, Stub, Tid, Watch};

/// Where its memory begins, and how much there is.
pub(super) const START: u64 = 0x40_0000;
pub(super) const SIZE: usize = 0x4000;
/// How many threads it has. Their numbers begin behind the one that stands for the stopped one.
pub(super) const THREADS: usize = 5;

thread_local! {
    static SAID: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What has been said since the last call.
pub(super) fn said() -> Vec<u8> {
    SAID.take()
}

pub(super) struct Line;

impl Connection for Line {
    type Error = Infallible;

    fn write(&mut self, byte: u8) -> Result<(), Infallible> {
        SAID.with_borrow_mut(|said| said.push(byte));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Mock {
    pub(super) memory: Vec<u8>,
    pub(super) registers: Vec<Registers>,
    pub(super) breakpoints: Breakpoints<4>,
    pub(super) watch: Option<Watch>,
    pub(super) commands: Vec<String>,
}

impl Mock {
    pub(super) fn new() -> Mock {
        let registers = |thread: usize| {
            let mut registers = Registers::default();
            for number in 0..Register::COUNT {
                let register = Register::from_number(number).expect("a register");
                // Of a thread that sleeps not all are known.
                if thread == 0 || number % 2 == 0 {
                    registers.set(register, (thread << 8 | number) as u64);
                }
            }
            registers
        };
        Mock {
            memory: (0..SIZE).map(|index| index as u8).collect(),
            registers: (0..THREADS).map(registers).collect(),
            breakpoints: Breakpoints::new(),
            watch: None,
            commands: Vec::new(),
        }
    }

    fn place(&self, address: u64, length: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(address.checked_sub(START)?).ok()?;
        (start < SIZE).then(|| start..SIZE.min(start.saturating_add(length)))
    }
}

pub(super) fn tid(thread: usize) -> Tid {
    Tid::new(thread + 2).expect("not 0")
}

fn index(thread: Tid) -> usize {
    thread.get().wrapping_sub(2)
}

impl Debuggee for Mock {
    fn stopped(&self) -> Tid {
        tid(2)
    }

    fn threads(&mut self, each: &mut dyn FnMut(Tid)) {
        [2, 0, 1, 3, 4].into_iter().map(tid).for_each(each);
    }

    fn describe(&self, thread: Tid, text: &mut [u8]) -> usize {
        let name: &[u8] = if index(thread) < THREADS { b"thread" } else { b"" };
        text[..name.len()].copy_from_slice(name);
        name.len()
    }

    fn registers(&mut self, thread: Tid) -> Option<Registers> {
        self.registers.get(index(thread)).cloned()
    }

    fn set_register(&mut self, thread: Tid, register: Register, value: u64) -> bool {
        let registers = self.registers.get_mut(index(thread));
        registers
            .map(|registers| registers.set(register, value))
            .is_some()
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> usize {
        let Some(place) = self.place(address, bytes.len()) else {
            return 0;
        };
        let length = place.len();
        bytes[..length].copy_from_slice(&self.memory[place]);
        length
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> bool {
        match self.place(address, bytes.len()) {
            Some(place) if place.len() == bytes.len() => {
                self.memory[place].copy_from_slice(bytes);
                true
            }
            _ => false,
        }
    }

    fn add_breakpoint(&mut self, address: u64) -> bool {
        self.place(address, 4).is_some() && self.breakpoints.add(address)
    }

    fn remove_breakpoint(&mut self, address: u64) -> bool {
        self.breakpoints.remove(address)
    }

    fn watch(&mut self, watch: Watch) -> bool {
        let can_be = self.watch.is_none() && watch.registers().is_some();
        if can_be {
            self.watch = Some(watch);
        }
        can_be
    }

    fn unwatch(&mut self, watch: Watch) -> bool {
        let is_there = self.watch == Some(watch);
        if is_there {
            self.watch = None;
        }
        is_there
    }

    fn command(&mut self, line: &str, output: &mut dyn FnMut(&str)) {
        self.commands.push(line.into());
        output(line);
        output("\n");
    }
}

/// A stub for a mock. Its room for packets is small, so that packets that are too large come.
pub(super) fn stub() -> Stub<Mock, Line> {
    fn equip() -> Equipment<Line> {
        (Box::leak(vec![0; 512].into_boxed_slice()), Line)
    }
    Stub::new(Mock::new(), equip)
}

/// A packet with this text.
pub(super) fn packet(text: &[u8]) -> Vec<u8> {
    let sum = text.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    let mut packet = vec![b'$'];
    packet.extend(text);
    packet.extend(format!("#{sum:02x}").bytes());
    packet
}
