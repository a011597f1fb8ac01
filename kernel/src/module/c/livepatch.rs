//! `klp_enable_patch`, for live patches in C. The structures are those of `kernel/include/linux/livepatch.h`.
#![allow(unsafe_code, reason = "reads C's structures through C's pointers")]

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};
use core::sync::atomic::{AtomicUsize, Ordering};

use kernel_core::errno::Errno;

use super::super as module;
use crate::livepatch::{
    self, Callback, KlpCallbacks, KlpError, KlpFunc, KlpObject, KlpPatch, KlpState, PrePatch,
};

/// `struct klp_func`; a list of them ends with one that is all zeros.
#[repr(C)]
struct CFunc {
    old_name: *const c_char,
    new_func: u64,
    old_sympos: u64,
}

/// `struct klp_callbacks`.
#[repr(C)]
#[derive(Clone, Copy)]
struct CCallbacks {
    pre_patch: Option<extern "C" fn(*const CObject) -> c_int>,
    post_patch: Option<extern "C" fn(*const CObject)>,
    pre_unpatch: Option<extern "C" fn(*const CObject)>,
    post_unpatch: Option<extern "C" fn(*const CObject)>,
}

/// `struct klp_object`; a list of them ends with one that is all zeros.
#[repr(C)]
struct CObject {
    name: *const c_char,
    funcs: *const CFunc,
    callbacks: CCallbacks,
    /// The module, for callbacks; null for the kernel.
    module: AtomicUsize,
}

/// `struct klp_patch`.
#[repr(C)]
struct CPatch {
    module: usize,
    objs: *const CObject,
    states: *const CState,
    replace: bool,
}

/// `struct klp_state`; a list of them ends with one whose number is 0.
#[repr(C)]
struct CState {
    id: u64,
    version: u32,
    data: u64,
}

/// Enables a live patch; 0, or a negative error number with the reason in the log.
///
/// # Safety
/// `patch` is a patch whose lists end as they should, whose strings end with NUL, and whose functions have the
/// signatures of those that they replace.
#[unsafe(no_mangle)]
unsafe extern "C" fn klp_enable_patch(patch: *const CPatch) -> c_int {
    // SAFETY: a pointer to a patch, or none, as the caller promises.
    let Some(patch) = (unsafe { patch.as_ref() }) else {
        return -Errno::Invalid.number();
    };
    // SAFETY: as the caller promises.
    let result = unsafe { read(patch) }.and_then(|patch| {
        livepatch::enable(patch).map_err(|error| {
            // Of these two all has been said already, as Linux says it.
            if !matches!(error, KlpError::Callback { .. } | KlpError::Hook(_)) {
                log::warn!(target: "livepatch", "{error}");
            }
            error.errno()
        })
    });
    result.map_or_else(|error| -error.number(), |()| 0)
}

/// The patch's own state of this number, or null.
///
/// # Safety
/// The patch is one, and its list of states ends as it should.
#[unsafe(no_mangle)]
unsafe extern "C" fn klp_get_state(patch: &CPatch, id: u64) -> *const CState {
    // SAFETY: as the caller promises.
    let mut states = unsafe { list(patch.states, |state| state.id == 0) };
    let found = states.find(|state| state.id == id);
    found.map_or(core::ptr::null(), core::ptr::from_ref)
}

/// For callbacks: the state of this number of the youngest patch below the one that comes or goes, or null. States of patches
/// in Rust are not C's.
#[unsafe(no_mangle)]
extern "C" fn klp_get_prev_state(id: u64) -> u64 {
    livepatch::previous_state(id).map_or(0, |state| state.data)
}

/// The function as it was, for a replacement that wants to call it; null when it is not patched.
///
/// # Safety
/// Both are strings, or null for the kernel's object.
#[unsafe(no_mangle)]
unsafe extern "C" fn klp_original(object: *const c_char, function: *const c_char) -> u64 {
    // SAFETY: as the caller promises.
    let object = unsafe { string(object) };
    // SAFETY: as the caller promises.
    let Some(function) = (unsafe { string(function) }) else {
        return 0;
    };
    livepatch::original(object.as_deref(), &function, 0).unwrap_or(0)
}

/// Our own form of the patch.
///
/// # Safety
/// As for [`klp_enable_patch`].
unsafe fn read(patch: &CPatch) -> Result<KlpPatch, Errno> {
    // It names itself; what it says of its name is not needed.
    let module = module::list()
        .into_iter()
        .find(|module| module.this_module() == patch.module)
        .ok_or(Errno::Invalid)?;
    let name = module.info.name.clone();
    if !module.info.livepatch {
        log::error!(target: "livepatch", "module {name} is not marked as a livepatch module");
        return Err(Errno::Invalid);
    }
    // SAFETY: a list that ends with zeros.
    let states = unsafe { list(patch.states, |state| state.id == 0) };
    let states = states.map(|state| KlpState {
        id: state.id,
        version: state.version,
        data: core::ptr::from_ref(state) as u64,
    });
    let states = states.collect();
    if patch.objs.is_null() {
        return Err(Errno::Invalid);
    }
    let mut objects = Vec::new();
    // SAFETY: a list that ends with zeros.
    for object in unsafe {
        list(patch.objs, |object| {
            object.name.is_null() && object.funcs.is_null()
        })
    } {
        if object.funcs.is_null() {
            return Err(Errno::Invalid);
        }
        let mut funcs = Vec::new();
        // SAFETY: a list that ends with zeros.
        for func in unsafe {
            list(object.funcs, |func| {
                func.old_name.is_null() && func.new_func == 0 && func.old_sympos == 0
            })
        } {
            // SAFETY: a string, or none.
            let old_name = unsafe { string(func.old_name) }.ok_or(Errno::Invalid)?;
            if func.new_func == 0 {
                return Err(Errno::Invalid);
            }
            funcs.push(KlpFunc {
                old_name,
                sympos: func.old_sympos as usize,
                new_function: func.new_func,
            });
        }
        // SAFETY: a string, or none for the kernel.
        let name = unsafe { string(object.name) };
        objects.push(KlpObject {
            name,
            funcs,
            callbacks: callbacks_of(object),
        });
    }
    Ok(KlpPatch {
        name: name.clone(),
        module: Some(name),
        replace: patch.replace,
        states,
        objects,
        ..KlpPatch::default()
    })
}

/// C's callbacks, called with C's object, in which the module that is patched is entered meanwhile.
fn callbacks_of(object: &CObject) -> KlpCallbacks {
    // An address, since a pointer would tie the callbacks to this thread.
    let address = core::ptr::from_ref(object) as usize;
    let void = |callback: Option<extern "C" fn(*const CObject)>| {
        callback.map(|callback| Box::new(move || with_module(address, callback)) as Callback)
    };
    let CCallbacks {
        pre_patch,
        post_patch,
        pre_unpatch,
        post_unpatch,
    } = object.callbacks;
    KlpCallbacks {
        pre_patch: pre_patch.map(|callback| Box::new(move || with_module(address, callback)) as PrePatch),
        post_patch: void(post_patch),
        pre_unpatch: void(pre_unpatch),
        post_unpatch: void(post_unpatch),
    }
}

/// Calls a callback with the object at an address.
fn with_module<T>(object: usize, callback: extern "C" fn(*const CObject) -> T) -> T {
    let pointer = object as *const CObject;
    // SAFETY: the object belongs to the patch's module, which is held as long as the patch has callbacks to be called.
    let object = unsafe { &*pointer };
    // SAFETY: as `klp_enable_patch` was promised.
    let name = unsafe { string(object.name) };
    let module = name.and_then(|name| module::get(&name));
    let address = module.map_or(0, |module| module.this_module());
    object.module.store(address, Ordering::Relaxed);
    let result = callback(pointer);
    object.module.store(0, Ordering::Relaxed);
    result
}

/// The elements of a list up to its end mark; none where there is no list.
///
/// # Safety
/// The list has an end mark, and lives as long as what is returned is used.
unsafe fn list<'a, T: 'a>(start: *const T, is_end: fn(&T) -> bool) -> impl Iterator<Item = &'a T> {
    let elements = (0..).map(move |index| {
        // SAFETY: an element in front of the end mark, or the mark itself: nothing behind it is asked for.
        unsafe { &*start.wrapping_add(index) }
    });
    elements
        .take_while(move |element| !is_end(element))
        .take(if start.is_null() { 0 } else { usize::MAX })
}

/// A string of C's; `None` for a null pointer.
///
/// # Safety
/// A pointer that is not null points to bytes that end with NUL.
unsafe fn string(start: *const c_char) -> Option<String> {
    if start.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    Some(unsafe { CStr::from_ptr(start) }.to_string_lossy().to_string())
}
