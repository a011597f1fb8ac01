//! Behind a return helper: who is returned to in the end.

use arch::ftrace::return_to_handler_entry;
use arch::livepatch::{ReturnDesign, ReturnStub, livepatch_stack_pushed};

use super::records::{RECORD_SIZE, caller_frame};
use super::trace::{Caller, Position, Trace};
use super::{Kind, Reason};
use crate::ftrace::slot_at;

/// The stub of `return-stack` that an address is in.
#[allow(unsafe_code, reason = "reads a slot of the stub area")]
pub(crate) fn return_stub(address: u64) -> Option<ReturnStub> {
    let slot = slot_at(address)?;
    // SAFETY: the slot is or was in use.
    unsafe { ReturnStub::at(slot) }
}

/// Whether an address is one that a return design, or the graph tracer, puts in the place of A's.
pub(in crate::unwind) fn is_helper(address: u64) -> bool {
    let helpers = ReturnDesign::ALL.into_iter().filter_map(ReturnDesign::helper);
    let own = return_stub(address).map(|stub| stub.helper());
    address == return_to_handler_entry() || helpers.chain(own).any(|helper| helper == address)
}

impl Trace<'_> {
    /// Who is returned to behind the return helpers that a return address leads through. A sibling call from C to another
    /// patched function leaves more than one on the same frame.
    pub(super) fn behind_helpers(&mut self, mut caller: Caller) -> Result<Caller, Reason> {
        loop {
            let (address, stack_pointer) = (caller.return_address, caller.stack_pointer);
            let is = |design: ReturnDesign| design.helper() == Some(address);
            if address == return_to_handler_entry() {
                caller.return_address = self.records.graph.take(stack_pointer)?;
                caller.kind = Kind::GraphStack;
                continue;
            }
            let stub = return_stub(address).filter(|stub| stub.helper() == address);
            let (design, return_address, toc) = if let Some(stub) = stub {
                self.meet(stub);
                let record = self.records.returns.take(stack_pointer)?;
                (ReturnDesign::ReturnStack, record.return_address, record.toc)
            } else if is(ReturnDesign::LivepatchStack) {
                let record = self.records.livepatch.take(&self.stacks, stack_pointer)?;
                (ReturnDesign::LivepatchStack, record.return_address, record.toc)
            } else if is(ReturnDesign::CallerFrame) {
                let (return_address, toc) = caller_frame::read(&self.stacks, stack_pointer)?;
                (ReturnDesign::CallerFrame, return_address, toc)
            } else {
                return Ok(caller);
            };
            caller.return_address = return_address;
            caller.kind = Kind::Patched { design, toc };
        }
    }

    /// The designs with a stack advance its pointer before they write the record, and LR is A's until they call C: whoever
    /// is interrupted in between has a record that must not be used. r11 says where it is.
    pub(super) fn leave_out_unused_record(&mut self, position: &Position) -> Result<(), Reason> {
        let Some(live) = &position.live else {
            return Ok(());
        };
        let stub = return_stub(position.address);
        if stub.is_some_and(|stub| stub.pushed().contains(&position.address)) {
            self.records
                .returns
                .unused
                .leave_out(live.gpr[11].wrapping_add(RECORD_SIZE))
        } else if livepatch_stack_pushed().contains(&position.address) {
            self.records.livepatch.unused.leave_out(live.gpr[11])
        } else {
            Ok(())
        }
    }
}
