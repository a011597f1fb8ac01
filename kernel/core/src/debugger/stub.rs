//! Bytes in, answers out; when the machine goes on, and how.
//!
//! Whatever comes over the line, the worst that it does is that the debugger must ask again: `gdbstub` gives up at a packet that
//! it cannot read, and is then set up anew.

use gdbstub::common::{Signal, Tid};
use gdbstub::conn::Connection;
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::stub::{BaseStopReason, GdbStub, MultiThreadStopReason};
use gdbstub::target::ext::breakpoints::WatchKind;

use super::target::Adapter;
use super::{Debuggee, Plan};

/// Ctrl-C.
const INTERRUPT: u8 = 3;
/// What a packet begins with, and what its two digits of a sum follow.
const BEGIN: u8 = b'$';
const END: u8 = b'#';

/// Why the machine has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// One instruction was executed, or somebody has asked for it, or something is wrong.
    Signal(Signal),
    /// A breakpoint.
    Breakpoint,
    /// Memory that is watched was used.
    Watchpoint(u64, WatchKind),
}

/// What comes of a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The machine stays as it is.
    None,
    /// It goes on.
    Resume(Plan),
    /// It goes on, and the debugger has left.
    Leave,
}

/// What a stub needs to be set up: room for a packet, and the line.
pub type Equipment<C> = (&'static mut [u8], C);

type Machine<D, C> = GdbStubStateMachine<'static, Adapter<D>, C>;

/// The debugger's peer.
pub struct Stub<D: Debuggee + 'static, C: Connection + 'static> {
    /// `None` until somebody comes, and for a moment after an error.
    machine: Option<Machine<D, C>>,
    adapter: Adapter<D>,
    equip: fn() -> Equipment<C>,
    /// What is to come of a packet that has begun.
    rest: Rest,
}

/// What is to come of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// It has not begun.
    All,
    /// Its text, and its sum.
    Text,
    /// So many digits.
    Digits(u8),
}

impl<D: Debuggee, C: Connection> Stub<D, C> {
    /// A stub for a machine that runs. `equip` is called when what it has given before is not in use any more.
    pub const fn new(debuggee: D, equip: fn() -> Equipment<C>) -> Self {
        Stub {
            machine: None,
            adapter: Adapter::new(debuggee),
            equip,
            rest: Rest::All,
        }
    }

    /// The machine.
    pub fn debuggee(&mut self) -> &mut D {
        &mut self.adapter.debuggee
    }

    fn set_up(&mut self) -> Option<Machine<D, C>> {
        // What the old one has of the equipment goes first.
        self.machine = None;
        self.rest = Rest::All;
        let (buffer, line) = (self.equip)();
        let stub = GdbStub::builder(line).with_packet_buffer(buffer).build();
        // It fails without a buffer only.
        stub.ok()?.run_state_machine(&mut self.adapter).ok()
    }

    /// The machine is stopped because somebody has come, who will ask for everything.
    pub fn attached(&mut self) {
        self.machine = self.set_up();
    }

    /// The machine has stopped; the debugger, who waits for that, is told.
    pub fn stopped(&mut self, reason: Reason) {
        let thread = self.adapter.debuggee.stopped();
        if let Some(machine) = self.machine.take() {
            self.machine = match machine {
                GdbStubStateMachine::Running(inner) => {
                    inner.report_stop(&mut self.adapter, told(thread, reason)).ok()
                }
                // Who does not wait asks.
                machine => Some(machine),
            };
        }
        if self.machine.is_none() {
            self.machine = self.set_up();
        }
    }

    /// Takes a byte from the line while the machine is stopped.
    pub fn feed(&mut self, byte: u8) -> Event {
        if !self.is_for_the_machine(byte) {
            return Event::None;
        }
        let Some(machine) = self.machine.take().or_else(|| self.set_up()) else {
            return Event::None;
        };
        let next = match machine {
            GdbStubStateMachine::Idle(inner) => {
                self.adapter.refill();
                inner.incoming_data(&mut self.adapter, byte)
            }
            machine => Ok(machine),
        };
        let (machine, event) = match next {
            Ok(GdbStubStateMachine::CtrlCInterrupt(inner)) => {
                // It is stopped already.
                let none = None::<MultiThreadStopReason<u64>>;
                (inner.interrupt_handled(&mut self.adapter, none).ok(), Event::None)
            }
            Ok(GdbStubStateMachine::Disconnected(inner)) => (Some(inner.return_to_idle()), Event::Leave),
            Ok(GdbStubStateMachine::Running(mut inner)) => {
                // The packet was acknowledged, and no answer has pushed that out.
                let _ = inner.borrow_conn().flush();
                (Some(inner.into()), Event::Resume(self.adapter.plan))
            }
            Ok(machine) => (Some(machine), Event::None),
            Err(_) => (None, Event::None),
        };
        self.machine = machine;
        if self.machine.is_none() {
            self.machine = self.set_up();
        }
        event
    }

    /// Whether a byte is part of a packet, or asks to stop. Anything else between packets is noise, or acknowledges what was
    /// sent.
    fn is_for_the_machine(&mut self, byte: u8) -> bool {
        let (rest, is_part) = match (self.rest, byte) {
            (Rest::All, BEGIN) => (Rest::Text, true),
            (Rest::All, INTERRUPT) => (Rest::All, true),
            (Rest::All, _) => (Rest::All, false),
            (Rest::Text, END) => (Rest::Digits(2), true),
            (Rest::Text, _) => (Rest::Text, true),
            (Rest::Digits(2), _) => (Rest::Digits(1), true),
            (Rest::Digits(_), _) => (Rest::All, true),
        };
        self.rest = rest;
        is_part
    }
}

fn told(thread: Tid, reason: Reason) -> MultiThreadStopReason<u64> {
    match reason {
        Reason::Signal(signal) => BaseStopReason::SignalWithThread { tid: thread, signal },
        Reason::Breakpoint => BaseStopReason::SwBreak(thread),
        Reason::Watchpoint(addr, kind) => BaseStopReason::Watch {
            tid: thread,
            kind,
            addr,
        },
    }
}
