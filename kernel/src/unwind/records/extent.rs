//! Where the records of one kind lie that a walk has not used yet: side by side, the newest at the end.

use crate::unwind::Reason;

/// Records between two addresses.
#[derive(Clone, Debug)]
pub(in crate::unwind) struct Extent {
    base: u64,
    /// The end of the newest one.
    end: u64,
    /// Bytes of a record.
    record_size: u64,
}

impl Extent {
    pub(super) fn between(base: u64, end: u64, record_size: u64) -> Extent {
        Extent {
            base,
            end,
            record_size,
        }
    }

    /// Leaves those below `end`; none where that is none of their ends.
    pub(super) fn begin_at(&mut self, end: u64) {
        let is_sound =
            (self.base..=self.end).contains(&end) && (end - self.base).is_multiple_of(self.record_size);
        self.end = if is_sound { end } else { self.base };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.end == self.base
    }

    /// The end of the newest one.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The address of the newest one; an error for the frame at `stack_pointer`, which wants it, when there is none.
    pub(super) fn newest(&self, stack_pointer: u64) -> Result<u64, Reason> {
        match self.is_empty() {
            true => Err(Reason::NoRecord { stack_pointer }),
            false => Ok(self.end - self.record_size),
        }
    }

    /// Leaves the newest one out, which must end at `end`: nobody will return by it.
    pub(in crate::unwind) fn leave_out(&mut self, end: u64) -> Result<(), Reason> {
        let newest = self.newest(end)?;
        if self.end != end {
            return Err(Reason::NoRecord { stack_pointer: end });
        }
        self.end = newest;
        Ok(())
    }

    /// Goes on with those below `newest`, which has been used.
    pub(super) fn go_below(&mut self, newest: u64) {
        self.end = newest;
    }
}
