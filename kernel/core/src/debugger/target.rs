//! What the protocol asks of the machine, put as what a [`Debuggee`] can do.

use core::convert::Infallible;

use gdbstub::common::{Signal, Tid};
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::multithread::{
    MultiThreadBase, MultiThreadResume, MultiThreadResumeOps, MultiThreadSchedulerLocking,
    MultiThreadSchedulerLockingOps, MultiThreadSingleStep, MultiThreadSingleStepOps,
};
use gdbstub::target::ext::base::single_register_access::{SingleRegisterAccess, SingleRegisterAccessOps};
use gdbstub::target::ext::breakpoints::{
    Breakpoints, BreakpointsOps, HwWatchpoint, HwWatchpointOps, SwBreakpoint, SwBreakpointOps, WatchKind,
};
use gdbstub::target::ext::monitor_cmd::{ConsoleOutput, MonitorCmd, MonitorCmdOps};
use gdbstub::target::ext::thread_extra_info::{ThreadExtraInfo, ThreadExtraInfoOps};
use gdbstub::target::{Target, TargetError, TargetResult};

use super::registers::{Ppc64, Register, Registers};
use super::{Plan, Watch};

/// No thread's number: it stands for the thread that has stopped, which the protocol's side falls back to when it has lost
/// its thread.
pub const ITSELF: Tid = Tid::MIN;

/// EFAULT: an address, or what is there, cannot be used so.
const FAULT: u8 = 14;
/// Bytes of memory that one request may ask for: GDB asks for less than a packet, and who asks for more would have the line
/// for itself for hours.
const LARGEST: usize = 64 << 10;

/// A machine that is stopped. Nothing of this may wait for what runs.
pub trait Debuggee {
    /// The thread that has stopped.
    fn stopped(&self) -> Tid;
    /// Tells all threads, the one that has stopped first.
    fn threads(&mut self, each: &mut dyn FnMut(Tid));
    /// Writes a thread's name and what it does; answers how many bytes that is.
    fn describe(&self, thread: Tid, text: &mut [u8]) -> usize;
    /// A thread's registers.
    fn registers(&mut self, thread: Tid) -> Option<Registers>;
    /// Changes one; whether that is possible.
    fn set_register(&mut self, thread: Tid, register: Register, value: u64) -> bool;
    /// Reads memory; answers how many bytes could be read.
    fn read(&mut self, address: u64, bytes: &mut [u8]) -> usize;
    /// Writes memory; whether all of it could be written.
    fn write(&mut self, address: u64, bytes: &[u8]) -> bool;
    /// Sets a breakpoint; whether there can be one.
    fn add_breakpoint(&mut self, address: u64) -> bool;
    /// Takes one away; whether there was one.
    fn remove_breakpoint(&mut self, address: u64) -> bool;
    /// Watches memory; whether the processor can.
    fn watch(&mut self, watch: Watch) -> bool;
    /// Watches it no longer; whether it was watched.
    fn unwatch(&mut self, watch: Watch) -> bool;
    /// Does what a user asks for in words.
    fn command(&mut self, line: &str, output: &mut dyn FnMut(&str));
}

/// A debuggee, for `gdbstub`.
#[derive(Debug)]
pub(super) struct Adapter<D> {
    pub(super) debuggee: D,
    pub(super) plan: Plan,
    /// Bytes of memory that the request may still ask for.
    pub(super) left: usize,
}

impl<D: Debuggee> Adapter<D> {
    pub(super) const fn new(debuggee: D) -> Self {
        Adapter {
            debuggee,
            plan: Plan::GO_ON,
            left: LARGEST,
        }
    }

    /// A new request comes.
    pub(super) fn refill(&mut self) {
        self.left = LARGEST;
    }

    fn thread(&self, thread: Tid) -> Tid {
        if thread == ITSELF {
            self.debuggee.stopped()
        } else {
            thread
        }
    }
}

impl<D: Debuggee> Target for Adapter<D> {
    type Arch = Ppc64;
    type Error = Infallible;

    fn base_ops(&mut self) -> BaseOps<'_, Ppc64, Infallible> {
        BaseOps::MultiThread(self)
    }

    // What goes wrong on the line is sent again.
    fn use_no_ack_mode(&self) -> bool {
        false
    }

    fn use_fork_stop_reason(&self) -> bool {
        false
    }

    fn use_vfork_stop_reason(&self) -> bool {
        false
    }

    fn use_vforkdone_stop_reason(&self) -> bool {
        false
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }

    fn support_monitor_cmd(&mut self) -> Option<MonitorCmdOps<'_, Self>> {
        Some(self)
    }
}

impl<D: Debuggee> MultiThreadBase for Adapter<D> {
    fn read_registers(&mut self, registers: &mut Registers, thread: Tid) -> TargetResult<(), Self> {
        let thread = self.thread(thread);
        *registers = self.debuggee.registers(thread).ok_or(TargetError::NonFatal)?;
        Ok(())
    }

    /// All, or those before the first that cannot be changed. What is not known now cannot be known by who writes it.
    fn write_registers(&mut self, registers: &Registers, thread: Tid) -> TargetResult<(), Self> {
        let thread = self.thread(thread);
        let now = self.debuggee.registers(thread).ok_or(TargetError::NonFatal)?;
        for (register, value) in registers.known() {
            let is_new = now.get(register).is_some_and(|now| now != value);
            if is_new && !self.debuggee.set_register(thread, register, value) {
                return Err(TargetError::NonFatal);
            }
        }
        Ok(())
    }

    fn support_single_register_access(&mut self) -> Option<SingleRegisterAccessOps<'_, Tid, Self>> {
        Some(self)
    }

    fn read_addrs(&mut self, address: u64, bytes: &mut [u8], _: Tid) -> TargetResult<usize, Self> {
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or(TargetError::Errno(FAULT))?;
        match self.debuggee.read(address, bytes) {
            0 => Err(TargetError::Errno(FAULT)),
            count => Ok(count),
        }
    }

    fn write_addrs(&mut self, address: u64, bytes: &[u8], _: Tid) -> TargetResult<(), Self> {
        if self.debuggee.write(address, bytes) {
            Ok(())
        } else {
            Err(TargetError::Errno(FAULT))
        }
    }

    fn list_active_threads(&mut self, each: &mut dyn FnMut(Tid)) -> Result<(), Infallible> {
        self.debuggee.threads(each);
        Ok(())
    }

    fn support_resume(&mut self) -> Option<MultiThreadResumeOps<'_, Self>> {
        Some(self)
    }

    fn support_thread_extra_info(&mut self) -> Option<ThreadExtraInfoOps<'_, Self>> {
        Some(self)
    }
}

impl<D: Debuggee> SingleRegisterAccess<Tid> for Adapter<D> {
    fn read_register(
        &mut self,
        thread: Tid,
        register: Register,
        bytes: &mut [u8],
    ) -> TargetResult<usize, Self> {
        let thread = self.thread(thread);
        let registers = self.debuggee.registers(thread).ok_or(TargetError::NonFatal)?;
        let Some(value) = registers.get(register) else {
            return Ok(0);
        };
        let size = register.size();
        let room = bytes.get_mut(..size).ok_or(TargetError::NonFatal)?;
        room.copy_from_slice(&value.to_le_bytes()[..size]);
        Ok(size)
    }

    fn write_register(&mut self, thread: Tid, register: Register, bytes: &[u8]) -> TargetResult<(), Self> {
        let value = register.value(bytes).ok_or(TargetError::NonFatal)?;
        let thread = self.thread(thread);
        if self.debuggee.set_register(thread, register, value) {
            Ok(())
        } else {
            Err(TargetError::NonFatal)
        }
    }
}

impl<D: Debuggee> ThreadExtraInfo for Adapter<D> {
    fn thread_extra_info(&self, thread: Tid, text: &mut [u8]) -> Result<usize, Infallible> {
        Ok(self.debuggee.describe(self.thread(thread), text))
    }
}

impl<D: Debuggee> MultiThreadResume for Adapter<D> {
    fn resume(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn clear_resume_actions(&mut self) -> Result<(), Infallible> {
        self.plan = Plan::GO_ON;
        Ok(())
    }

    fn set_resume_action_continue(&mut self, _: Tid, signal: Option<Signal>) -> Result<(), Infallible> {
        self.plan.deliver |= signal.is_some();
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<MultiThreadSingleStepOps<'_, Self>> {
        Some(self)
    }

    fn support_scheduler_locking(&mut self) -> Option<MultiThreadSchedulerLockingOps<'_, Self>> {
        Some(self)
    }
}

impl<D: Debuggee> MultiThreadSingleStep for Adapter<D> {
    /// One thread at a time: the first that is named.
    fn set_resume_action_step(&mut self, thread: Tid, signal: Option<Signal>) -> Result<(), Infallible> {
        let thread = self.thread(thread);
        self.plan.step.get_or_insert(thread);
        self.plan.deliver |= signal.is_some();
        Ok(())
    }
}

impl<D: Debuggee> MultiThreadSchedulerLocking for Adapter<D> {
    fn set_resume_action_scheduler_lock(&mut self) -> Result<(), Infallible> {
        self.plan.alone = true;
        Ok(())
    }
}

impl<D: Debuggee> Breakpoints for Adapter<D> {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }

    fn support_hw_watchpoint(&mut self) -> Option<HwWatchpointOps<'_, Self>> {
        Some(self)
    }
}

impl<D: Debuggee> SwBreakpoint for Adapter<D> {
    fn add_sw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Self> {
        Ok(self.debuggee.add_breakpoint(address))
    }

    fn remove_sw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Self> {
        Ok(self.debuggee.remove_breakpoint(address))
    }
}

impl<D: Debuggee> HwWatchpoint for Adapter<D> {
    fn add_hw_watchpoint(&mut self, address: u64, length: u64, kind: WatchKind) -> TargetResult<bool, Self> {
        Ok(self.debuggee.watch(Watch {
            address,
            length,
            kind,
        }))
    }

    fn remove_hw_watchpoint(
        &mut self,
        address: u64,
        length: u64,
        kind: WatchKind,
    ) -> TargetResult<bool, Self> {
        Ok(self.debuggee.unwatch(Watch {
            address,
            length,
            kind,
        }))
    }
}

impl<D: Debuggee> MonitorCmd for Adapter<D> {
    fn handle_monitor_cmd(&mut self, line: &[u8], mut output: ConsoleOutput<'_>) -> Result<(), Infallible> {
        let mut tell = |text: &str| output.write_raw(text.as_bytes());
        match core::str::from_utf8(line) {
            Ok(line) => self.debuggee.command(line, &mut tell),
            Err(_) => tell("this is no text\n"),
        }
        Ok(())
    }
}
