//! The machine that is stopped, as the protocol wants it.

use kernel_core::debugger::{Debuggee, Register, Registers, Tid, Watch};

use super::{breakpoints, memory, monitor, threads, watchpoint};

/// All of it.
#[derive(Debug)]
pub(super) struct Machine;

impl Debuggee for Machine {
    fn stopped(&self) -> Tid {
        threads::stopped()
    }

    fn threads(&mut self, each: &mut dyn FnMut(Tid)) {
        threads::list(each);
    }

    fn describe(&self, thread: Tid, text: &mut [u8]) -> usize {
        threads::describe(thread, text)
    }

    fn registers(&mut self, thread: Tid) -> Option<Registers> {
        threads::registers(thread)
    }

    fn set_register(&mut self, thread: Tid, register: Register, value: u64) -> bool {
        threads::set_register(thread, register, value)
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> usize {
        memory::read(address, bytes)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> bool {
        memory::write(address, bytes)
    }

    fn add_breakpoint(&mut self, address: u64) -> bool {
        breakpoints::add(address)
    }

    fn remove_breakpoint(&mut self, address: u64) -> bool {
        breakpoints::remove(address)
    }

    fn watch(&mut self, watch: Watch) -> bool {
        watchpoint::add(watch)
    }

    fn unwatch(&mut self, watch: Watch) -> bool {
        watchpoint::remove(watch)
    }

    fn command(&mut self, line: &str, output: &mut dyn FnMut(&str)) {
        monitor::execute(line, output);
    }
}
