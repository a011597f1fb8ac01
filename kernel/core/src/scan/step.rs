//! What one instruction changes in what is known, and what it does to the caller's frame.

use super::decode::{Gpr, Index, Insn, Memory};
use super::facts::{At, Reason, Sightings, Use};
use super::value::{R1, State, Value};

/// One instruction on its way through a [`State`]. `seen` is there on the last walk only.
pub(super) struct Step<'s> {
    pub(super) state: &'s mut State,
    pub(super) seen: Option<&'s mut Sightings>,
    pub(super) at: At,
}

impl Step<'_> {
    /// Applies an instruction that goes on with the next one.
    pub(super) fn apply(&mut self, insn: Insn) {
        match insn {
            Insn::Computes { to } => self.set(to, Value::Unknown),
            Insn::AddImmediate { to, from, immediate } => {
                let sum = self.base(from).plus(Value::Constant(immediate));
                let upper = immediate & 0xffff == 0 && immediate != 0 && to != R1;
                match sum {
                    Value::Stack(offset) if upper => self.set(to, Value::Upper(offset)),
                    _ => {
                        if from.is_some() {
                            self.address(to, sum);
                        }
                        self.set(to, sum);
                    }
                }
            }
            Insn::OrImmediate { to, from, immediate } => {
                let value = match self.state.registers[from] {
                    Value::Constant(c) => Value::Constant(c | immediate),
                    _ => Value::Unknown,
                };
                self.set(to, value);
            }
            Insn::Add { to, left, right } => {
                let sum = self.state.registers[left].plus(self.state.registers[right]);
                self.address(to, sum);
                self.set(to, sum);
            }
            Insn::Subtract { to, from, amount } => {
                let difference = self.state.registers[from].minus(self.state.registers[amount]);
                self.address(to, difference);
                self.set(to, difference);
            }
            Insn::Copy { to, from } => self.set(to, self.state.registers[from]),
            Insn::Align { to, from } => self.set(to, self.state.registers[from].aligned()),
            Insn::Memory(memory) => self.memory(memory),
            Insn::ToCtr { from: 12 } => self.state.r12_is_set = true,
            Insn::SystemCall => self.call(),
            insn if insn.is_call() => self.call(),
            _ => {}
        }
    }

    fn call(&mut self) {
        (3..=10).for_each(|argument| self.given_away(argument));
        self.state.after_call();
    }

    /// What is in `register` leaves the function's hands. An address that only has its upper half is complete, then.
    fn given_away(&mut self, register: Gpr) {
        if let Value::Upper(offset) = self.state.registers[register] {
            self.address(register, Value::Stack(offset));
        }
    }

    /// The value of a base register. An upper half in it has found its lower one.
    fn base(&mut self, register: Option<Gpr>) -> Value {
        let Some(register) = register else {
            return Value::Constant(0);
        };
        let value = &mut self.state.registers[register];
        *value = value.complete();
        *value
    }

    /// An address was computed. One that becomes r1 is a frame closed, or a matter of `set`.
    fn address(&mut self, to: Gpr, value: Value) {
        let (offset, indexed) = match value {
            Value::Stack(offset) => (offset, false),
            Value::Indexed(offset) => (offset, true),
            _ => return,
        };
        if let (Some(seen), true) = (self.seen.as_mut(), to != R1) {
            seen.caller_frame(offset, 0, indexed, Use::Address, self.at);
        }
    }

    fn memory(&mut self, memory: Memory) {
        let index = match memory.index {
            Index::Immediate(displacement) => Value::Constant(displacement),
            Index::Register(register) => self.state.registers[register],
        };
        let base = self.base(memory.base);
        let address = base.plus(index);
        self.access(memory, address);
        // Both ways to name 0(r1): by r1 itself, whatever it is, and by a copy whose offset is known.
        let is_chain = memory.bytes == 8
            && (memory.base == Some(R1) && memory.index == Index::Immediate(0)
                || matches!(address, Value::Stack(_)) && address == self.state.registers[R1]);
        let loaded = if is_chain {
            self.state.chain
        } else {
            Value::Unknown
        };
        let stored = self.state.registers[memory.register];
        if memory.store && memory.registers == 1 {
            self.given_away(memory.register);
            if is_chain {
                self.state.chain = stored;
            }
        }
        if !memory.store {
            for register in memory.register..(memory.register + memory.registers).min(32) {
                self.set(register, loaded);
            }
        }
        if let (true, Some(base)) = (memory.update, memory.base) {
            self.set(base, address);
            if base == R1 && memory.store {
                self.state.chain = stored;
            }
        }
    }

    fn access(&mut self, memory: Memory, address: Value) {
        let Some(seen) = self.seen.as_mut() else {
            return;
        };
        let how = match self.state.registers[memory.register] {
            _ if !memory.store => Use::Load,
            Value::Argument(register) if memory.registers == 1 => Use::Store(Some(register)),
            _ => Use::Store(None),
        };
        match address {
            Value::Stack(offset) => seen.caller_frame(offset, memory.bytes, false, how, self.at),
            Value::Indexed(offset) => seen.caller_frame(offset, memory.bytes, true, how, self.at),
            _ => {}
        }
    }

    fn set(&mut self, to: Gpr, value: Value) {
        if to != R1 {
            self.state.registers[to] = value;
            self.state.r12_is_set |= to == 12;
            return;
        }
        let value = match value {
            Value::Stack(offset) if offset <= 0 => value,
            Value::Indexed(_) | Value::Dynamic => Value::Dynamic,
            // What an `alloca` of a scope had saved comes back.
            Value::Unknown if self.state.registers[R1] == Value::Dynamic => Value::Dynamic,
            _ => Value::Unknown,
        };
        match value {
            Value::Dynamic => {
                if let Some(seen) = self.seen.as_mut() {
                    seen.dynamic_frame(self.at);
                }
            }
            Value::Unknown => self.undecided(Reason::StackPointerLost),
            _ => {}
        }
        self.state.set_stack_pointer(value);
    }

    fn undecided(&mut self, reason: Reason) {
        if let Some(seen) = self.seen.as_mut() {
            seen.undecided(reason, self.at);
        }
    }
}
