//! Shadow variables: data of a live patch that belong to somebody else's object, found by the object's address and a number
//! (Documentation/livepatch/shadow-vars). A patch cannot change a structure that is in use; this is how it adds to one.
//!
//! Values are Rust's, kept as they are, or C's, a piece of memory. One does not find the other's.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use kernel_core::errno::Errno;

use crate::sync::{IrqLock, Rank};

/// The address of the object, and the number of the variable.
type Key = (u64, u64);

/// One variable.
enum Shadow {
    /// Rust's.
    Value(Arc<dyn Any + Send + Sync>),
    /// C's: zeros at first.
    Memory(Box<[u128]>),
}

static SHADOWS: IrqLock<BTreeMap<Key, Shadow>> = IrqLock::new(Rank::Shadows, BTreeMap::new());

fn key<O>(object: &O, id: u64) -> Key {
    (core::ptr::from_ref(object) as u64, id)
}

/// The variable, if there is one of this type.
pub fn get<T: Send + Sync + 'static>(object: &impl Sized, id: u64) -> Option<Arc<T>> {
    value(SHADOWS.lock().get(&key(object, id))?)
}

fn value<T: Send + Sync + 'static>(shadow: &Shadow) -> Option<Arc<T>> {
    match shadow {
        Shadow::Value(value) => value.clone().downcast().ok(),
        Shadow::Memory(_) => None,
    }
}

/// A new variable, with what `make` makes. It is called with the variables locked: it must not use any, and not wait.
///
/// # Errors
/// `EEXIST`: it is there already. Otherwise what `make` says, and there is none.
pub fn alloc<T: Send + Sync + 'static>(
    object: &impl Sized,
    id: u64,
    make: impl FnOnce() -> Result<T, Errno>,
) -> Result<Arc<T>, Errno> {
    let mut shadows = SHADOWS.lock();
    let key = key(object, id);
    if shadows.contains_key(&key) {
        return Err(Errno::Exists);
    }
    insert(&mut shadows, key, make)
}

fn insert<T: Send + Sync + 'static>(
    shadows: &mut BTreeMap<Key, Shadow>,
    key: Key,
    make: impl FnOnce() -> Result<T, Errno>,
) -> Result<Arc<T>, Errno> {
    let value = Arc::new(make()?);
    shadows.insert(key, Shadow::Value(value.clone()));
    Ok(value)
}

/// The variable, or a new one, as with [`alloc`].
///
/// # Errors
/// `EEXIST`: it is there, with another type. Otherwise what `make` says.
pub fn get_or_alloc<T: Send + Sync + 'static>(
    object: &impl Sized,
    id: u64,
    make: impl FnOnce() -> Result<T, Errno>,
) -> Result<Arc<T>, Errno> {
    let mut shadows = SHADOWS.lock();
    let key = key(object, id);
    if let Some(shadow) = shadows.get(&key) {
        return value(shadow).ok_or(Errno::Exists);
    }
    insert(&mut shadows, key, make)
}

/// Takes a variable away. What is to be done with its value is the value's `Drop`; it is gone with its last user.
pub fn free(object: &impl Sized, id: u64) {
    drop(take(key(object, id)));
}

/// Takes the variables of this number away, of all objects.
pub fn free_all(id: u64) {
    while let Some((_, gone)) = take_any(id) {
        drop(gone);
    }
}

/// How many there are.
pub fn count() -> usize {
    SHADOWS.lock().len()
}

fn take(key: Key) -> Option<Shadow> {
    let mut shadows = SHADOWS.lock();
    let gone = shadows.remove(&key);
    if shadows.is_empty() {
        // An empty tree keeps a node.
        *shadows = BTreeMap::new();
    }
    gone
}

fn take_any(id: u64) -> Option<(Key, Shadow)> {
    let key = SHADOWS.lock().keys().find(|key| key.1 == id).copied()?;
    Some((key, take(key)?))
}

/// For C: the address of a variable's memory.
pub(crate) fn memory(object: u64, id: u64) -> Option<u64> {
    address(SHADOWS.lock().get(&(object, id))?)
}

fn address(shadow: &Shadow) -> Option<u64> {
    match shadow {
        Shadow::Value(_) => None,
        Shadow::Memory(memory) => Some(memory.as_ptr() as u64),
    }
}

/// Why there is no memory for C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoMemory {
    /// The variable is there already: this is its memory, unless it is Rust's.
    Exists(Option<u64>),
    /// The heap has not so much.
    Full,
    /// The constructor has said no, with this.
    Refused(i32),
}

/// For C: `size` bytes, all zeros, which `make` fills, and answers 0. It is called with the variables locked.
///
/// # Errors
/// Then there is none, or another one.
pub(crate) fn allocate_memory(
    object: u64,
    id: u64,
    size: usize,
    make: impl FnOnce(u64) -> i32,
) -> Result<u64, NoMemory> {
    let mut shadows = SHADOWS.lock();
    if let Some(shadow) = shadows.get(&(object, id)) {
        return Err(NoMemory::Exists(address(shadow)));
    }
    let mut memory: Vec<u128> = Vec::new();
    let length = size.div_ceil(size_of::<u128>()).max(1);
    memory.try_reserve_exact(length).map_err(|_| NoMemory::Full)?;
    memory.resize(length, 0);
    let memory = memory.into_boxed_slice();
    let start = memory.as_ptr() as u64;
    match make(start) {
        0 => {
            shadows.insert((object, id), Shadow::Memory(memory));
            Ok(start)
        }
        status => Err(NoMemory::Refused(status)),
    }
}

/// For C: takes a variable away, and calls `destroy` with its memory before that goes.
pub(crate) fn free_memory(object: u64, id: u64, destroy: impl FnOnce(u64)) {
    let gone = take((object, id));
    if let Some(address) = gone.as_ref().and_then(address) {
        destroy(address);
    }
}

/// For C: the same for the variables of this number, of all objects; `destroy` is called with object and memory.
pub(crate) fn free_all_memory(id: u64, mut destroy: impl FnMut(u64, u64)) {
    while let Some(((object, _), gone)) = take_any(id) {
        if let Some(address) = address(&gone) {
            destroy(object, address);
        }
    }
}
