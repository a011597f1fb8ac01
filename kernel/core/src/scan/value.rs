//! What is known of a register, and of all of them at one instruction.
//!
//! Addresses on the stack are counted from r1 as the caller left it: its frame header is at 0, the function's own frame
//! below. So nothing here depends on how large a frame is or how often it was opened.

use super::decode::Gpr;

/// What is known of a register's contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing.
    Unknown,
    /// A number.
    Constant(i64),
    /// What the caller passed in this register, r3 to r10.
    Argument(Gpr),
    /// The address so many bytes above r1 at the entry.
    Stack(i64),
    /// Such an address as `addis` leaves it: with the lower half still to come, or complete by chance.
    Upper(i64),
    /// Such an address and something unknown: an element of an array on the stack.
    Indexed(i64),
    /// r1 after an `alloca`, and copies of it: somewhere below the fixed frame.
    Dynamic,
}

/// No frame is as large; arithmetic on what is nonsense anyway ends here.
const FAR: i64 = 1 << 40;

impl Value {
    fn stack(offset: i64) -> Value {
        if offset.abs() < FAR {
            Value::Stack(offset)
        } else {
            Value::Unknown
        }
    }

    pub(super) fn plus(self, other: Value) -> Value {
        match (self.complete(), other.complete()) {
            (Value::Constant(a), Value::Constant(b)) => Value::Constant(a.wrapping_add(b)),
            (Value::Stack(offset), Value::Constant(c)) | (Value::Constant(c), Value::Stack(offset)) => {
                Value::stack(offset.saturating_add(c))
            }
            (Value::Indexed(offset), Value::Constant(c)) | (Value::Constant(c), Value::Indexed(offset)) => {
                match Value::stack(offset.saturating_add(c)) {
                    Value::Stack(offset) => Value::Indexed(offset),
                    other => other,
                }
            }
            // The sum of two addresses is none.
            (Value::Stack(_) | Value::Indexed(_), Value::Stack(_) | Value::Indexed(_)) => Value::Unknown,
            (Value::Stack(offset) | Value::Indexed(offset), _)
            | (_, Value::Stack(offset) | Value::Indexed(offset)) => Value::Indexed(offset),
            (Value::Dynamic, _) | (_, Value::Dynamic) => Value::Dynamic,
            _ => Value::Unknown,
        }
    }

    pub(super) fn minus(self, other: Value) -> Value {
        match (self.complete(), other.complete()) {
            (_, Value::Constant(c)) => self.plus(Value::Constant(c.wrapping_neg())),
            (Value::Stack(offset) | Value::Indexed(offset), Value::Unknown | Value::Argument(_)) => {
                Value::Indexed(offset)
            }
            (Value::Dynamic, Value::Unknown | Value::Argument(_)) => Value::Dynamic,
            _ => Value::Unknown,
        }
    }

    /// The same with nothing still to come.
    pub(super) fn complete(self) -> Value {
        match self {
            Value::Upper(offset) => Value::Stack(offset),
            other => other,
        }
    }

    /// With low bits cleared.
    pub(super) fn aligned(self) -> Value {
        match self.complete() {
            Value::Stack(offset) => Value::Indexed(offset),
            Value::Indexed(_) | Value::Dynamic => self,
            _ => Value::Unknown,
        }
    }

    /// What is known where two paths meet. An address that differs keeps the offset it had first: it walks an object,
    /// and the object is the one that the walk began in. (Also: values only change twice, so walks end.)
    fn join(self, new: Value) -> Value {
        match (self, new) {
            (a, b) if a == b => a,
            (Value::Upper(_), _) | (_, Value::Upper(_)) => self.complete().join(new.complete()),
            (Value::Stack(offset) | Value::Indexed(offset), Value::Stack(_) | Value::Indexed(_)) => {
                Value::Indexed(offset)
            }
            (Value::Dynamic, Value::Stack(_) | Value::Indexed(_))
            | (Value::Stack(_) | Value::Indexed(_), Value::Dynamic) => Value::Dynamic,
            _ => Value::Unknown,
        }
    }
}

/// r1, the stack pointer.
pub(super) const R1: Gpr = 1;

/// What is known at one instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) registers: [Value; 32],
    /// What lies at 0(r1): the back chain, which is how frames of any size are closed.
    pub(super) chain: Value,
    /// Whether r12 was written since the entry or the last call. A function that is called through CTR wants its own
    /// address there, so a `bctr` without it goes to a jump table.
    pub(super) r12_is_set: bool,
}

/// The stack pointer differs between two paths that meet.
pub(super) struct Conflict;

impl State {
    /// As a caller leaves it.
    pub(super) fn entry() -> State {
        let mut registers = [Value::Unknown; 32];
        registers[R1] = Value::Stack(0);
        for (number, register) in registers.iter_mut().enumerate().take(11).skip(3) {
            *register = Value::Argument(number);
        }
        State {
            registers,
            chain: Value::Unknown,
            r12_is_set: false,
        }
    }

    /// Adds what another path brings. Returns whether anything changed.
    pub(super) fn join(&mut self, new: &State) -> Result<bool, Conflict> {
        match (self.registers[R1], new.registers[R1]) {
            (Value::Stack(a), Value::Stack(b)) if a != b => return Err(Conflict),
            _ => {}
        }
        let mut changed = new.r12_is_set && !self.r12_is_set;
        self.r12_is_set |= new.r12_is_set;
        let chains = (&mut self.chain, &new.chain);
        let pairs = self.registers.iter_mut().zip(&new.registers);
        for (old, new) in pairs.chain([chains]) {
            let joined = old.join(*new);
            changed |= joined != *old;
            *old = joined;
        }
        Ok(changed)
    }

    /// What is left after a call: the registers that a callee keeps.
    pub(super) fn after_call(&mut self) {
        for register in [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] {
            self.registers[register] = Value::Unknown;
        }
        self.r12_is_set = false;
    }

    /// Sets r1. The back chain of whatever frame it points at inside the function is r1 at the entry.
    pub(super) fn set_stack_pointer(&mut self, value: Value) {
        self.registers[R1] = value;
        self.chain = match value {
            Value::Stack(offset) if offset < 0 => Value::Stack(0),
            Value::Dynamic => Value::Stack(0),
            _ => Value::Unknown,
        };
    }
}
