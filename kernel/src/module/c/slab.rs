//! `linux/slab.h`: memory from the kernel's heap. In front of what C gets are 16 bytes that say how much it is.
#![allow(unsafe_code, reason = "hands out raw memory")]

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::ffi::{CStr, c_char};
use core::ptr::null_mut;

/// `__GFP_ZERO` of `linux/gfp.h`.
const GFP_ZERO: u32 = 0x100;
/// What a request for nothing answers.
const ZERO_SIZE: *mut u8 = 16 as *mut u8;
/// What the kernel's heap could not have anyway; also what keeps sums from overflowing.
const LIMIT: usize = 1 << 30;

/// In front of each piece.
#[repr(C, align(16))]
struct Head {
    size: usize,
    /// The piece's own address times an odd number, so that what is no piece is noticed.
    seal: usize,
}

impl Head {
    fn seal(address: usize) -> usize {
        address.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

fn layout(size: usize) -> Option<Layout> {
    let size = size.checked_add(size_of::<Head>())?;
    (size <= LIMIT).then(|| Layout::from_size_align(size, align_of::<Head>()).ok())?
}

/// A piece of `size` bytes, or null.
#[unsafe(no_mangle)]
extern "C" fn kmalloc(size: usize, flags: u32) -> *mut u8 {
    if size == 0 {
        return ZERO_SIZE;
    }
    let Some(layout) = layout(size) else {
        return null_mut();
    };
    // SAFETY: the layout has a size that is not 0.
    let head = unsafe { alloc(layout) }.cast::<Head>();
    if head.is_null() {
        return null_mut();
    }
    let piece = head.wrapping_add(1).cast::<u8>();
    let seal = Head::seal(piece as usize);
    // SAFETY: there is room for a head, aligned as one.
    unsafe { head.write(Head { size, seal }) };
    if flags & GFP_ZERO != 0 {
        // SAFETY: behind the head there are `size` bytes.
        unsafe { piece.write_bytes(0, size) };
    }
    piece
}

/// The same, all zeros.
#[unsafe(no_mangle)]
extern "C" fn kzalloc(size: usize, flags: u32) -> *mut u8 {
    kmalloc(size, flags | GFP_ZERO)
}

/// Room for `count` elements.
#[unsafe(no_mangle)]
extern "C" fn kmalloc_array(count: usize, size: usize, flags: u32) -> *mut u8 {
    count
        .checked_mul(size)
        .map_or(null_mut(), |size| kmalloc(size, flags))
}

/// The same, all zeros.
#[unsafe(no_mangle)]
extern "C" fn kcalloc(count: usize, size: usize, flags: u32) -> *mut u8 {
    kmalloc_array(count, size, flags | GFP_ZERO)
}

/// The head of a piece; `None` for null, for a piece of no bytes, and for what is no piece, which the log then says.
///
/// # Safety
/// What it points to can be read.
unsafe fn head(piece: *const u8) -> Option<*mut Head> {
    if piece.is_null() || piece == ZERO_SIZE {
        return None;
    }
    let head = piece.cast::<Head>().wrapping_sub(1).cast_mut();
    let is_aligned = (piece as usize).is_multiple_of(align_of::<Head>());
    // SAFETY: as the caller promises; and it is aligned.
    if !is_aligned || unsafe { head.read() }.seal != Head::seal(piece as usize) {
        log::error!(target: "slab", "{piece:p} is not from kmalloc, or was freed already");
        return None;
    }
    Some(head)
}

/// Gives a piece back.
///
/// # Safety
/// Nobody uses it any more.
#[unsafe(no_mangle)]
unsafe extern "C" fn kfree(piece: *const u8) {
    // SAFETY: a piece, as the caller promises.
    let Some(head) = (unsafe { head(piece) }) else {
        return;
    };
    // SAFETY: it is a head.
    let Head { size, .. } = unsafe { head.read() };
    // SAFETY: as above. Who gives it back twice is noticed.
    unsafe { head.write(Head { size, seal: 0 }) };
    if let Some(layout) = layout(size) {
        // SAFETY: `kmalloc` got it with this layout.
        unsafe { dealloc(head.cast(), layout) };
    }
}

/// How many bytes a piece has.
///
/// # Safety
/// It is one.
#[unsafe(no_mangle)]
unsafe extern "C" fn ksize(piece: *const u8) -> usize {
    // SAFETY: as the caller promises.
    let head = unsafe { head(piece) };
    // SAFETY: it is a head.
    head.map_or(0, |head| unsafe { head.read() }.size)
}

/// A piece of another size with the same content, as far as both reach; the old one is gone unless this is null.
///
/// # Safety
/// It is a piece, and nobody else uses it.
#[unsafe(no_mangle)]
unsafe extern "C" fn krealloc(piece: *const u8, size: usize, flags: u32) -> *mut u8 {
    let new = kmalloc(size, flags);
    if new.is_null() {
        return new;
    }
    // SAFETY: as the caller promises.
    let common = unsafe { ksize(piece) }.min(size);
    // SAFETY: both have so many bytes, and they are two pieces.
    unsafe { core::ptr::copy_nonoverlapping(piece, new, common) };
    // SAFETY: as the caller promises.
    unsafe { kfree(piece) };
    new
}

/// A copy of a string.
///
/// # Safety
/// It ends with NUL, or is null.
#[unsafe(no_mangle)]
unsafe extern "C" fn kstrdup(string: *const c_char, flags: u32) -> *mut u8 {
    if string.is_null() {
        return null_mut();
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe { CStr::from_ptr(string) }.to_bytes_with_nul();
    let copy = kmalloc(bytes.len(), flags);
    if !copy.is_null() {
        // SAFETY: it is a new piece of so many bytes.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len()) };
    }
    copy
}
