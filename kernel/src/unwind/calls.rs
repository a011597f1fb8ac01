//! From a function to who called it.

use core::mem::offset_of;

use arch::abi::{FRAME_HEADER_SIZE, FrameHeader};
use arch::ftrace::return_to_handler_entry;
use arch::image;
use arch::livepatch::ReturnDesign;
use arch::start::secondary;
use arch::thread::start_address;

use super::helpers::return_stub;
use super::tables::{self, Answer, ReturnRule, Row};
use super::trace::{Above, Caller, Position, Trace};
use super::{Kind, Reason};

impl Trace<'_> {
    /// What is known of the function at a position.
    fn row(&self, position: &Position) -> Result<Row, Reason> {
        let address = position.address;
        let interrupted = position.live.is_some();
        let is_next = interrupted || position.kind == Kind::NeverRan;
        match tables::look_up(
            if is_next { address } else { address.wrapping_sub(4) },
            interrupted,
        ) {
            Answer::Row(row) => Ok(row),
            Answer::NoTable => Err(Reason::NoTable { address }),
            Answer::Unproven => Err(Reason::Unproven { address }),
            Answer::NoCode => Err(Reason::OutsideText { address }),
            Answer::Busy => Err(Reason::Busy { address }),
        }
    }

    /// r1 of the caller, by the function's row and by the back chain, which must agree.
    fn callers_stack_pointer(&self, position: &Position, row: &Row) -> Result<u64, Reason> {
        let stack_pointer = position.stack_pointer;
        self.stacks.check(stack_pointer, FRAME_HEADER_SIZE)?;
        if row.frame_size == Some(0) {
            return Ok(stack_pointer);
        }
        let back_chain = self.stacks.back_chain(stack_pointer)?;
        // Of a frame whose size is not fixed the back chain alone tells, and nothing proves it. No compiler has made one here.
        let size = row.frame_size.ok_or(Reason::Unproven {
            address: position.address,
        })?;
        let expected = stack_pointer.wrapping_add(size);
        if back_chain == expected {
            Ok(back_chain)
        } else {
            Err(Reason::BackChain {
                stack_pointer,
                back_chain,
                expected,
            })
        }
    }

    /// What is above the function at a position.
    pub(super) fn above(&mut self, position: &Position) -> Result<Above, Reason> {
        let address = position.address;
        let row = self.row(position)?;
        match row.return_address {
            ReturnRule::ExceptionFrame => {
                let frame = position.stack_pointer;
                return Ok(Above::Exception { frame });
            }
            ReturnRule::SaveRegister => return Err(Reason::HalfAnException { address }),
            _ => {}
        }
        let stack_pointer = self.callers_stack_pointer(position, &row)?;
        self.leave_out_unused_record(position)?;
        let lost = Reason::Lost { address };
        let return_address = match (row.return_address, &position.live) {
            (ReturnRule::LinkRegister, Some(live)) => live.lr,
            (ReturnRule::Register(number), Some(live)) => live.gpr[usize::from(number)],
            (ReturnRule::Saved(offset), _) => self.stacks.read(stack_pointer.wrapping_add_signed(offset))?,
            // Only our own assembly says so.
            (ReturnRule::Undefined, _) => {
                let is_in = |address: u64| row.function.contains(&address);
                let outermost = [start_address(), image::text().start, secondary::start_address()];
                if outermost.into_iter().any(is_in) {
                    return self.outermost(stack_pointer);
                }
                if is_in(return_to_handler_entry()) {
                    self.records.graph.take_for_handler(stack_pointer)?
                } else {
                    // A helper that has not read its record yet: as if its caller's callee had still to return to it.
                    let helper = ReturnDesign::ALL.into_iter().filter_map(ReturnDesign::helper);
                    let own = return_stub(address).map(|stub| stub.helper());
                    helper.chain(own).find(|helper| is_in(*helper)).ok_or(lost)?
                }
            }
            _ => return Err(lost),
        };
        let caller = Caller {
            stack_pointer,
            return_address,
            kind: Kind::Call,
        };
        self.behind_helpers(caller).map(Above::Caller)
    }

    /// Nothing is above the outermost function, and no record is left.
    fn outermost(&self, stack_pointer: u64) -> Result<Above, Reason> {
        let back_chain = self
            .stacks
            .read(stack_pointer + offset_of!(FrameHeader, back_chain) as u64)?;
        if stack_pointer != self.stacks.outermost() || back_chain != 0 {
            return Err(Reason::NotOutermost { stack_pointer });
        }
        self.records.must_be_used_up(stack_pointer)?;
        Ok(Above::Nothing)
    }

    /// Where a caller stands.
    pub(super) fn go_to(&mut self, caller: Caller) -> Result<Position, Reason> {
        let Caller {
            stack_pointer,
            return_address: address,
            kind,
        } = caller;
        if arch::entry::exit_range().contains(&address) {
            return self.interrupted(stack_pointer);
        }
        // Nothing calls before mini-frame's helper.
        if ReturnDesign::MiniFrame.helper() != Some(address) {
            tables::check_return_address(address)?;
        }
        Ok(Position {
            address,
            stack_pointer,
            kind,
            live: None,
        })
    }
}
