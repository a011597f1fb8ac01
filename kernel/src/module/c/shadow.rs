//! `klp_shadow_…` of `linux/livepatch.h`.
#![allow(unsafe_code, reason = "C calls these by their names")]

use core::ffi::{c_int, c_void};

use crate::livepatch::shadow::{self, NoMemory};

type Constructor = extern "C" fn(u64, u64, *mut c_void) -> c_int;
type Destructor = extern "C" fn(u64, u64);

#[unsafe(no_mangle)]
extern "C" fn klp_shadow_get(object: u64, id: u64) -> u64 {
    shadow::memory(object, id).unwrap_or(0)
}

#[unsafe(no_mangle)]
extern "C" fn klp_shadow_alloc(
    object: u64,
    id: u64,
    size: usize,
    _flags: u32,
    constructor: Option<Constructor>,
    data: *mut c_void,
) -> u64 {
    match allocate(object, id, size, constructor, data) {
        Err(NoMemory::Exists(_)) => {
            log::warn!(target: "livepatch", "Duplicate shadow variable <{object:#x}, {id:x}>");
            0
        }
        result => result.unwrap_or(0),
    }
}

#[unsafe(no_mangle)]
extern "C" fn klp_shadow_get_or_alloc(
    object: u64,
    id: u64,
    size: usize,
    _flags: u32,
    constructor: Option<Constructor>,
    data: *mut c_void,
) -> u64 {
    match allocate(object, id, size, constructor, data) {
        Err(NoMemory::Exists(memory)) => memory.unwrap_or(0),
        result => result.unwrap_or(0),
    }
}

fn allocate(
    object: u64,
    id: u64,
    size: usize,
    constructor: Option<Constructor>,
    data: *mut c_void,
) -> Result<u64, NoMemory> {
    let construct = |memory| constructor.map_or(0, |constructor| constructor(object, memory, data));
    let result = shadow::allocate_memory(object, id, size, construct);
    if let Err(NoMemory::Refused(status)) = result {
        log::error!(target: "livepatch", "Failed to construct shadow variable <{object:#x}, {id:x}> ({status})");
    }
    result
}

#[unsafe(no_mangle)]
extern "C" fn klp_shadow_free(object: u64, id: u64, destructor: Option<Destructor>) {
    shadow::free_memory(object, id, |memory| {
        if let Some(destructor) = destructor {
            destructor(object, memory);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn klp_shadow_free_all(id: u64, destructor: Option<Destructor>) {
    shadow::free_all_memory(id, |object, memory| {
        if let Some(destructor) = destructor {
            destructor(object, memory);
        }
    });
}
