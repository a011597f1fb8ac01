//! Entry with a flat device tree: it is copied to where it can stay.
#![allow(unsafe_code, reason = "the tree is found by the address in r3")]

use kernel_core::device_tree::{HEADER_LENGTH, TreeError, total_size};

/// Copies the tree at `address` into `buffer`, unless it is there already; answers its size.
///
/// # Errors
/// There is no tree there, or it is too large; the message says which.
///
/// # Safety
/// `address` is what the firmware passed in r3: if a tree begins there, all of it is memory.
pub(crate) unsafe fn take_over(address: u64, buffer: &mut [u8]) -> Result<usize, FlatTreeError> {
    if address == 0 || !address.is_multiple_of(8) {
        return Err(FlatTreeError::Address);
    }
    // SAFETY: an aligned address in memory, as the caller says; the header is plain bytes.
    let header = unsafe { (address as *const [u8; HEADER_LENGTH]).read() };
    let size = total_size(&header).map_err(FlatTreeError::Tree)? as usize;
    if size > buffer.len() {
        return Err(FlatTreeError::Size {
            size,
            room: buffer.len(),
        });
    }
    // SAFETY: the tree has `size` bytes, the buffer at least as many; `copy` allows that they are the same.
    unsafe { core::ptr::copy(address as *const u8, buffer.as_mut_ptr(), size) };
    Ok(size)
}

/// Why there is no tree to take over.
#[derive(Debug)]
pub(crate) enum FlatTreeError {
    /// r3 cannot be a tree's address.
    Address,
    /// What is there does not begin as a tree.
    Tree(TreeError<'static>),
    /// It is larger than the room for it.
    Size { size: usize, room: usize },
}

impl core::fmt::Display for FlatTreeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            FlatTreeError::Address => f.write_str("that is no address of one"),
            FlatTreeError::Tree(error) => write!(f, "{error}"),
            FlatTreeError::Size { size, room } => write!(f, "it has {size} bytes, there is room for {room}"),
        }
    }
}
