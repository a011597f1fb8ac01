//! Open Firmware's client interface (IEEE 1275-1994, 6.3, and its PowerPC binding): the services that a walk of the device
//! tree needs.
//!
//! VOF keeps its client entry in low memory and SLOF expects its own exception vectors: once the kernel's are installed
//! there is nobody to call any more.
#![allow(
    unsafe_code,
    reason = "the firmware is called by address, and writes where the arguments say"
)]

use core::arch::global_asm;
use core::ffi::CStr;
use core::fmt;
use core::mem::{offset_of, size_of};

use crate::abi::{FrameHeader, STACK_ALIGN};

/// The frame of `open_firmware_client_call`.
#[repr(C)]
struct ClientFrame {
    header: FrameHeader,
    gpr2: u64,
    /// r13 to r31.
    gpr13: [u64; 19],
    msr: u64,
    _align: u64,
}

const _: () = assert!(size_of::<ClientFrame>() % STACK_ALIGN == 0);

global_asm!(
    include_str!("../to_little_endian.S"),
    include_str!("client_call.S"),
    ".purgem to_little_endian",
    FRAME_SIZE = const size_of::<ClientFrame>(),
    GPR2 = const offset_of!(ClientFrame, gpr2),
    GPR13 = const offset_of!(ClientFrame, gpr13),
    MSR_SAVE = const offset_of!(ClientFrame, msr),
    LR_SAVE = const offset_of!(FrameHeader, lr_save),
    CR_SAVE = const offset_of!(FrameHeader, cr_save),
);

unsafe extern "C" {
    fn open_firmware_client_call(arguments: *mut u32, entry: u64) -> i64;
}

/// The most argument and return cells that any service here has.
const CELLS: usize = 6;
/// Longer than any property's name: IEEE 1275 says 31, QEMU's trees have up to 64.
const NAME: usize = 128;

/// A node of the firmware's device tree: its phandle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node(u32);

/// A service that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The service's name.
    pub service: &'static CStr,
    /// What it answered: the client entry's own result, or the service's first return cell.
    pub answer: i64,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = self.service.to_str().unwrap_or("?");
        write!(f, "Open Firmware's '{service}' answered {}", self.answer)
    }
}

impl core::error::Error for CallError {}

/// The name of a property, and the place from which the next one is asked for.
#[derive(Clone)]
pub struct PropertyName([u8; NAME]);

impl PropertyName {
    /// What stands before a node's first property.
    pub const fn before_first() -> Self {
        PropertyName([0; NAME])
    }

    /// The name. `None` when the firmware did not end it or it is no UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        self.as_c_str()?.to_str().ok()
    }

    fn as_c_str(&self) -> Option<&CStr> {
        CStr::from_bytes_until_nul(&self.0).ok()
    }
}

/// The firmware, for as long as it can be called.
#[derive(Debug)]
pub struct OpenFirmware {
    entry: u64,
}

impl OpenFirmware {
    /// The firmware whose client entry is at `entry`.
    ///
    /// # Safety
    /// The firmware passed `entry` in r5, memory that it uses is as it left it, and the caller runs with interrupts off
    /// below 4 GiB, stack and data included.
    pub unsafe fn new(entry: u64) -> Self {
        OpenFirmware { entry }
    }

    /// The root of the tree.
    ///
    /// # Errors
    /// The firmware refuses, or there is no root.
    pub fn root(&self) -> Result<Node, CallError> {
        self.peer(Node(0))?.ok_or(CallError {
            service: c"peer",
            answer: 0,
        })
    }

    /// The next node with the same parent.
    ///
    /// # Errors
    /// The firmware refuses.
    pub fn peer(&self, node: Node) -> Result<Option<Node>, CallError> {
        let [peer] = self.call(c"peer", [node.0])?;
        Ok((peer != 0).then_some(Node(peer)))
    }

    /// The first child.
    ///
    /// # Errors
    /// The firmware refuses.
    pub fn child(&self, node: Node) -> Result<Option<Node>, CallError> {
        let [child] = self.call(c"child", [node.0])?;
        Ok((child != 0).then_some(Node(child)))
    }

    /// Writes the node's full path into `path`; answers the path's length, which may be more than there was room for.
    ///
    /// # Errors
    /// The firmware refuses.
    pub fn path(&self, node: Node, path: &mut [u8]) -> Result<usize, CallError> {
        let [length] = self.call(c"package-to-path", [node.0, cell(path.as_mut_ptr()), size(path)])?;
        unsigned(c"package-to-path", length)
    }

    /// The property behind `previous`; `None` behind the last.
    ///
    /// # Errors
    /// The firmware refuses, or knows no property with the previous name.
    pub fn next_property(
        &self,
        node: Node,
        previous: &PropertyName,
    ) -> Result<Option<PropertyName>, CallError> {
        let mut next = PropertyName::before_first();
        let [flag] = self.call(
            c"nextprop",
            [node.0, cell(previous.0.as_ptr()), cell(next.0.as_mut_ptr())],
        )?;
        Ok((unsigned(c"nextprop", flag)? == 1).then_some(next))
    }

    /// Bytes of a property's value.
    ///
    /// # Errors
    /// The firmware refuses, or the node has no such property.
    pub fn property_length(&self, node: Node, name: &PropertyName) -> Result<usize, CallError> {
        let [length] = self.call(c"getproplen", [node.0, cell(name.0.as_ptr())])?;
        unsigned(c"getproplen", length)
    }

    /// Writes a property's value into `value`; answers its length, which may be more than there was room for.
    ///
    /// # Errors
    /// The firmware refuses, or the node has no such property.
    pub fn property(&self, node: Node, name: &PropertyName, value: &mut [u8]) -> Result<usize, CallError> {
        let [length] = self.call(
            c"getprop",
            [
                node.0,
                cell(name.0.as_ptr()),
                cell(value.as_mut_ptr()),
                size(value),
            ],
        )?;
        unsigned(c"getprop", length)
    }

    /// Asks the firmware to leave all devices alone from here on.
    ///
    /// # Errors
    /// The firmware refuses.
    pub fn quiesce(&self) -> Result<(), CallError> {
        let [] = self.call(c"quiesce", [])?;
        Ok(())
    }

    /// Calls a service with cells and answers its return cells.
    fn call<const ARGUMENTS: usize, const RETURNS: usize>(
        &self,
        service: &'static CStr,
        arguments: [u32; ARGUMENTS],
    ) -> Result<[u32; RETURNS], CallError> {
        const { assert!(ARGUMENTS + RETURNS <= CELLS) };
        let mut cells = [0; 3 + CELLS];
        cells[..3].copy_from_slice(&[cell(service.as_ptr()), ARGUMENTS as u32, RETURNS as u32]);
        cells[3..3 + ARGUMENTS].copy_from_slice(&arguments);
        cells = cells.map(u32::to_be);
        // SAFETY: `new`'s caller answers for the entry; the services used here write to the return cells and to the
        // buffers whose addresses and sizes are among the arguments, which their owners lent for writing.
        let answer = unsafe { open_firmware_client_call(cells.as_mut_ptr(), self.entry) };
        if answer != 0 {
            return Err(CallError { service, answer });
        }
        Ok(core::array::from_fn(|index| {
            u32::from_be(cells[3 + ARGUMENTS + index])
        }))
    }
}

/// An address as the firmware takes it. Everything that the kernel has at boot lies below 4 GiB.
fn cell<T>(pointer: *const T) -> u32 {
    pointer as usize as u32
}

/// A buffer's size as the firmware takes it.
fn size(buffer: &[u8]) -> u32 {
    u32::try_from(buffer.len()).unwrap_or(u32::MAX)
}

/// A return cell that is negative when the service failed.
fn unsigned(service: &'static CStr, cell: u32) -> Result<usize, CallError> {
    usize::try_from(cell as i32).map_err(|_| CallError {
        service,
        answer: (cell as i32).into(),
    })
}
