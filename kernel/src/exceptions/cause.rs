//! What a thread did wrong, from what the processor says of it and from what is at the address.
//!
//! Nothing here allocates or waits for long: a panic prints it, with any lock held.

use core::fmt::{self, Display};

use arch::entry::{ExceptionFrame, Vector};
use arch::mmu::window;
use arch::thread::RETURN_STACK_DEPTH;

use crate::machine::machine;
use crate::memory::{Owner, OwnerOf, PAGE_SIZE};
use crate::symbols;
use crate::thread::{CurrentName, GuardPage, GuardedBy, own_guard};
use crate::unwind;

/// What was wanted of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Load,
    Store,
    /// Executing what is there.
    Fetch,
    /// The processor does not say.
    Unknown,
}

/// What a thread did wrong. It is the running thread, whose name the message ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Something of its own, or of its CPU, ran into its guard page.
    Overflow(GuardPage),
    /// The same of another thread or CPU, by an address that has nothing to do with it.
    Guard(Access, u64),
    /// An address in the first page.
    Null(Access, u64),
    /// The window to code, which is closed.
    Window(Access),
    /// Where no memory is.
    OutsideRam(Access, u64),
    /// Code is written by nobody but [`arch::text`].
    WriteToText(u64),
    /// Something else that is only read.
    WriteToConstants(u64),
    /// What is there is mapped, and not for execution.
    JumpToData(u64),
    /// Memory that has no use at the moment.
    Unmapped(Access, u64),
    /// The trap of a stub of `return-stack` (`arch/ppc64/src/livepatch/return_stack.S`), on the way to this entry of the replacement.
    FullReturnStack(u64),
}

/// Bits of DSISR and, for a fetch, of SRR1 (Power ISA 3.0B, book III, 6.5.3 and 6.5.5).
mod status {
    /// The address is mapped, but not for this.
    pub(super) const PROTECTED: u64 = 0x0800_0000;
    /// SRR1: it is mapped, but not for execution.
    pub(super) const NO_EXECUTE: u64 = 0x1000_0000;
    /// DSISR: it was a store.
    pub(super) const STORE: u64 = 0x0200_0000;
}

/// What SRR1 and DSISR say of a machine check by an access to where no memory is: those that POWER8 to POWER10 have, which
/// QEMU has followed since 8.1.
mod machine_check {
    /// SRR1: an access to data, which DSISR tells more of.
    pub(super) const DATA: u64 = 1 << (63 - 42);
    /// SRR1: the bits, besides, that tell fetches and stores apart.
    pub(super) const SOURCE: u64 = 1 << (63 - 36) | 7 << (63 - 45);
    /// SRR1: the address of a store was nobody's.
    pub(super) const STORE: u64 = 1 << (63 - 36) | 1 << (63 - 43) | 1 << (63 - 45);
    /// SRR1: the address of a fetch was nobody's.
    pub(super) const FETCH: u64 = 1 << (63 - 36) | 1 << (63 - 44) | 1 << (63 - 45);
}

impl Cause {
    /// The cause of an exception of the running thread; `None`: the exception's name says everything.
    pub(super) fn of(frame: &ExceptionFrame) -> Option<Cause> {
        let stub = unwind::return_stub(frame.nip).filter(|stub| stub.is_full(frame.nip));
        if let (Some(stub), Vector::PROGRAM) = (stub, Vector(frame.vector)) {
            return Some(Cause::FullReturnStack(stub.callee()));
        }
        match Vector(frame.vector) {
            Vector::DATA_STORAGE => {
                let is_store = frame.dsisr & status::STORE != 0;
                let access = if is_store { Access::Store } else { Access::Load };
                Some(of_address(
                    access,
                    frame.dar,
                    frame.dsisr & status::PROTECTED != 0,
                ))
            }
            Vector::DATA_SEGMENT => Some(of_address(Access::Unknown, frame.dar, false)),
            Vector::INSTRUCTION_STORAGE | Vector::INSTRUCTION_SEGMENT => {
                let is_mapped = frame.msr & (status::NO_EXECUTE | status::PROTECTED) != 0;
                Some(of_address(Access::Fetch, frame.nip, is_mapped))
            }
            Vector::MACHINE_CHECK => of_machine_check(frame),
            // Without translation whatever is there is executed, until it is no instruction.
            Vector::PROGRAM | Vector::ILLEGAL if !Owner::of(frame.nip).is_code() => {
                Some(of_address(Access::Fetch, frame.nip, true))
            }
            _ => None,
        }
    }
}

fn of_machine_check(frame: &ExceptionFrame) -> Option<Cause> {
    let source = frame.msr & machine_check::SOURCE;
    let (access, address) = match source {
        machine_check::STORE => (Access::Store, frame.dar),
        machine_check::FETCH => (Access::Fetch, frame.nip),
        _ if frame.msr & machine_check::DATA != 0 => (Access::Load, frame.dar),
        _ => return None,
    };
    (!is_ram(address)).then_some(Cause::OutsideRam(access, address))
}

/// The cause of an access that was not allowed. `is_mapped`: something is there.
fn of_address(access: Access, address: u64, is_mapped: bool) -> Cause {
    if let Some(guard) = own_guard(address) {
        return Cause::Overflow(guard);
    }
    match address {
        0..PAGE_SIZE => Cause::Null(access, address),
        _ if (window::ADDRESS..window::ADDRESS + PAGE_SIZE).contains(&address) => Cause::Window(access),
        _ if !is_ram(address) => Cause::OutsideRam(access, address),
        _ if GuardedBy(address).is_guarded() => Cause::Guard(access, address),
        _ if !is_mapped => Cause::Unmapped(access, address),
        _ if access == Access::Fetch => Cause::JumpToData(address),
        _ if Owner::of(address).is_code() && OwnerOf(address).is_executable() => Cause::WriteToText(address),
        _ => Cause::WriteToConstants(address),
    }
}

fn is_ram(address: u64) -> bool {
    machine().memory.iter().any(|range| range.contains(&address))
}

impl Access {
    fn name(self) -> &'static str {
        match self {
            Access::Load => "load",
            Access::Store => "store",
            Access::Fetch => "jump",
            Access::Unknown => "access",
        }
    }
}

/// With the word that an address follows.
impl Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Load => "load from",
            Access::Store => "store to",
            Access::Fetch => "jump to",
            Access::Unknown => "access to",
        })
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Cause::Overflow(guard @ (GuardPage::Stack | GuardPage::ReturnStack)) => {
                return write!(f, "{guard} overflow of thread '{CurrentName}'");
            }
            Cause::FullReturnStack(function) => {
                write!(
                    f,
                    "return stack of thread '{CurrentName}' is full at depth {RETURN_STACK_DEPTH}, "
                )?;
                return write!(f, "in {}", FunctionAt(function));
            }
            Cause::Overflow(guard) => write!(f, "{guard} overflow of the CPU"),
            Cause::Guard(access, address) => {
                write!(f, "{access} {address:#x}, guard page of {}", GuardedBy(address))
            }
            Cause::Null(access, address) => write!(f, "null dereference: {access} {address:#x}"),
            Cause::Window(access) => write!(f, "{access} the window to code, which is closed,"),
            Cause::OutsideRam(access, address) => {
                write!(f, "{} outside RAM at {address:#x}", access.name())
            }
            Cause::WriteToText(address) => write!(f, "write to text of {}", FunctionAt(address)),
            Cause::WriteToConstants(address) => {
                write!(f, "write to constants at {address:#x}, {},", OwnerOf(address))
            }
            Cause::JumpToData(address) => write!(f, "jump to data at {address:#x}, {},", OwnerOf(address)),
            Cause::Unmapped(access, address) => {
                write!(f, "{access} unmapped address {address:#x}, {},", OwnerOf(address))
            }
        }?;
        write!(f, " in thread '{CurrentName}'")
    }
}

/// Code by the function that it belongs to, or by its address.
struct FunctionAt(u64);

impl Display for FunctionAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = None;
        symbols::resolve(self.0, &mut |location| {
            let what = if location.is_stub { "stub of" } else { "function" };
            let written = write!(f, "{what} {}", location.path());
            result = Some(match location.module {
                Some(module) => written.and_then(|()| write!(f, " of module {module}")),
                None => written,
            });
        });
        result.unwrap_or_else(|| write!(f, "no function, {}, at {:#x}", OwnerOf(self.0), self.0))
    }
}
