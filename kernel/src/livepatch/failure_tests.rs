//! The walk over all points at which enabling a patch can fail.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use super::failure::{fail_at, has_failed};
use super::{
    KlpCallbacks, KlpError, KlpFunc, KlpObject, KlpPatch, KlpState, disable, enable, enabled, functions,
    is_in_transition, settle,
};
use crate::memory::heap_size;
use crate::module::{self, Snapshot};
use crate::situations::GATE;
use crate::thread::{self, spawn};
use crate::{ensure, ensure_eq, initrd, ktest, println};

/// More points than this are a walk that does not end.
const LIMIT: usize = 1000;

static ONE: AtomicU64 = AtomicU64::new(1);

#[inline(never)]
extern "C" fn first(x: u64) -> u64 {
    ONE.load(Ordering::Relaxed) + x
}

#[inline(never)]
extern "C" fn second(x: u64) -> u64 {
    ONE.load(Ordering::Relaxed) + 2 * x
}

#[inline(never)]
extern "C" fn waits(x: u64) -> u64 {
    GATE.wait();
    ONE.load(Ordering::Relaxed) + x
}

extern "C" fn other(x: u64) -> u64 {
    ONE.load(Ordering::Relaxed) + 100 * x
}

extern "C" fn another(x: u64) -> u64 {
    ONE.load(Ordering::Relaxed) + 200 * x
}

fn name(function: &str) -> String {
    format!("kernel::livepatch::failure_tests::{function}")
}

fn address(function: extern "C" fn(u64) -> u64) -> u64 {
    function as usize as u64
}

fn call() -> (u64, u64) {
    let call = |function: extern "C" fn(u64) -> u64| core::hint::black_box(function)(10);
    (call(first), call(second))
}

/// Callbacks before patching that were called and have not been taken back.
static PREPARED: AtomicI32 = AtomicI32::new(0);

fn callbacks() -> KlpCallbacks {
    KlpCallbacks {
        pre_patch: Some(Box::new(|| {
            PREPARED.fetch_add(1, Ordering::Relaxed);
            0
        })),
        post_patch: Some(Box::new(|| {})),
        pre_unpatch: Some(Box::new(|| {})),
        post_unpatch: Some(Box::new(|| {
            PREPARED.fetch_sub(1, Ordering::Relaxed);
        })),
    }
}

/// A patch of two functions of the kernel and two of `klp_target`, with callbacks and a state.
fn patch(replace: bool) -> KlpPatch {
    let func = |old_name: String, new: extern "C" fn(u64) -> u64| KlpFunc {
        old_name,
        sympos: 0,
        new_function: address(new),
    };
    let kernel = KlpObject {
        funcs: [func(name("first"), other), func(name("second"), another)].into(),
        callbacks: callbacks(),
        ..KlpObject::default()
    };
    let target = KlpObject {
        name: Some("klp_target".into()),
        funcs: [
            func("target_plain".into(), other),
            func("target_ten".into(), another),
        ]
        .into(),
        callbacks: callbacks(),
    };
    KlpPatch {
        name: "walked".into(),
        replace,
        states: [KlpState {
            id: 1,
            version: 1,
            data: 0,
        }]
        .into(),
        objects: [kernel, target].into(),
        ..KlpPatch::default()
    }
}

/// The patch that is there already, on one of the functions.
fn lower() -> KlpPatch {
    KlpPatch::of_kernel("lower", &[(&name("first"), address(another))])
}

/// What must be as it was. It is compared as text, and takes the same memory each time.
fn picture() -> String {
    format!(
        "{:?} {:?} {:?} {}",
        enabled(),
        functions(),
        call(),
        PREPARED.load(Ordering::Relaxed)
    )
}

fn text(error: KlpError) -> String {
    error.to_string()
}

/// Makes each point of `attempt` fail in turn until it succeeds without; `undo` takes a success back. Answers how many there
/// were, and which errors they gave.
fn walk(
    attempt: &dyn Fn() -> Result<(), KlpError>,
    undo: &dyn Fn() -> Result<(), String>,
) -> Result<(usize, [usize; 3]), String> {
    // Once without a failure: lists that grow then stay as large.
    attempt().map_err(text)?;
    settle();
    undo()?;
    let (mut memory, mut callbacks, mut sites) = (0, 0, 0);
    for number in 1..LIMIT {
        let shown = picture();
        let before = Snapshot::take();
        fail_at(number);
        let result = attempt();
        let was_hit = has_failed();
        fail_at(0);
        match &result {
            Ok(()) if !was_hit => {
                settle();
                undo()?;
                return Ok((number - 1, [memory, callbacks, sites]));
            }
            Ok(()) => return Err(format!("point {number} failed, and nobody noticed")),
            Err(error) if !was_hit => return Err(format!("after {number} points, by itself: {error}")),
            Err(KlpError::NoMemory) => memory += 1,
            Err(KlpError::Callback { .. }) => callbacks += 1,
            Err(KlpError::Hook(_)) => sites += 1,
            Err(error) => return Err(format!("point {number} gave another error: {error}")),
        }
        drop(result);
        settle();
        ensure_eq!(picture(), shown.clone(), "after point {number}");
        let change = before.check();
        change.map_err(|change| format!("{change} after point {number}"))?;
    }
    Err(format!("more than {LIMIT} points"))
}

fn go(name: &str) -> Result<(), String> {
    disable(name).map_err(text)?;
    settle();
    Ok(())
}

/// Enables a patch while the heap has one free block of this size, and nothing else.
fn enable_with_only(bytes: usize, patch: KlpPatch) -> Result<(), KlpError> {
    /// What the heap's smallest block is.
    const SMALLEST: usize = 16;
    // The list itself must not grow when nothing is left.
    let mut taken: Vec<Vec<u8>> = Vec::with_capacity(4096);
    let block = |size: usize| {
        let mut block: Vec<u8> = Vec::new();
        block.try_reserve_exact(size).is_ok().then_some(block)
    };
    let room = block(bytes);
    let mut size = heap_size();
    while size >= SMALLEST && taken.len() < taken.capacity() {
        match block(size) {
            Some(block) => taken.push(block),
            None => size /= 2,
        }
    }
    drop(room);
    enable(patch)
}

/// Enables a patch with less memory than it takes, in small steps up to enough, and takes it back. Answers how many bytes that
/// were.
fn walk_over_memory(
    patch: &dyn Fn() -> KlpPatch,
    undo: &dyn Fn() -> Result<(), String>,
) -> Result<usize, String> {
    /// Bytes: more than this it cannot need.
    const ENOUGH: usize = 256 * 1024;
    const STEP: usize = 1024;
    for bytes in (0..ENOUGH).step_by(STEP) {
        let shown = picture();
        let before = Snapshot::take();
        match enable_with_only(bytes, patch()) {
            Ok(()) => {
                undo()?;
                ensure!(bytes > 0, "it takes no memory");
                return Ok(bytes);
            }
            Err(KlpError::NoMemory) => {}
            Err(error) => return Err(format!("with {bytes} bytes: {error}")),
        }
        ensure_eq!(picture(), shown.clone(), "after an attempt with {bytes} bytes");
        let change = before.check();
        change.map_err(|change| format!("{change} after an attempt with {bytes} bytes"))?;
    }
    Err(format!("{ENOUGH} bytes are not enough"))
}

/// Returns when the thread that tries again has gone, and its memory with it.
fn wait_for_the_worker() {
    const PATIENCE: u64 = arch::time::TICKS_PER_SECOND / 500;
    let is_there = || thread::with_all(|threads| threads.iter().any(|thread| thread.name() == "livepatch"));
    while is_there() {
        thread::sleep(PATIENCE);
    }
    thread::sleep(PATIENCE);
}

fn load_target() -> Result<(), KlpError> {
    let bytes = initrd::file("modules/klp_target.ko").unwrap_or_default();
    match module::load("klp_target", bytes) {
        Ok(_) => Ok(()),
        Err(module::Error {
            reason: module::Reason::Patch(error),
            ..
        }) => Err(error),
        Err(error) => Err(KlpError::NoObject {
            object: error.to_string(),
        }),
    }
}

fn unload_target() -> Result<(), String> {
    module::unload("klp_target").map_err(|error| error.to_string())
}

/// With the kernel's functions patched once already, and the module there.
fn walk_over_enable(replace: bool) -> Result<(usize, [usize; 3]), String> {
    load_target().map_err(text)?;
    let result = walk(&|| enable(patch(replace)), &|| {
        go("walked")?;
        // It has been replaced.
        if replace {
            enable(lower()).map_err(text).map(|()| settle())
        } else {
            Ok(())
        }
    });
    unload_target()?;
    result
}

ktest! {
    fn every_failure_leaves_everything_as_it_was() {
        let mut lines: Vec<String> = Vec::new();
        for replace in [false, true] {
            enable(lower()).map_err(text)?;
            settle();
            let result = walk_over_enable(replace);
            go("lower")?;
            let (points, [memory, callbacks, sites]) = result?;
            ensure!(memory > 0 && callbacks == 2 && sites == 4, "{memory} of memory, {callbacks} callbacks, {sites} sites");
            let kind = if replace { "a patch that replaces another" } else { "a patch over another" };
            lines.push(format!("{points} failure points of enabling {kind}: {memory} of memory, {callbacks} callbacks, {sites} sites"));
        }
        enable(patch(false)).map_err(text)?;
        settle();
        let result = walk(&load_target, &unload_target);
        go("walked")?;
        let (points, [memory, callbacks, sites]) = result?;
        ensure!(memory > 0 && callbacks == 1 && sites == 2, "{memory} of memory, {callbacks} callbacks, {sites} sites");
        lines.push(format!("{points} failure points of a patched module's coming: {memory} of memory, {callbacks} callback, {sites} sites"));
        ensure_eq!(PREPARED.load(Ordering::Relaxed), 0, "callbacks that were not taken back");
        lines.iter().for_each(|line| println!("# {line}"));
        Ok(())
    }

    /// Not by asking for it to fail, but because there is none: the kernel would end if anything took more than it had asked for.
    fn with_too_little_memory_everything_stays_as_it_was() {
        for replace in [false, true] {
            load_target().map_err(text)?;
            enable(lower()).map_err(text)?;
            settle();
            // Once with enough: lists that grow then stay as large.
            enable(patch(replace)).map_err(text)?;
            settle();
            go("walked")?;
            if replace {
                enable(lower()).map_err(text)?;
                settle();
            }
            let result = walk_over_memory(&|| patch(replace), &|| {
                settle();
                go("walked")
            });
            if !replace || result.is_err() {
                go("lower")?;
            }
            unload_target()?;
            let kind = if replace { "a patch that replaces another" } else { "a patch over another" };
            println!("# {kind} is refused with less than {} bytes of memory, and is enabled with these", result?);
        }
        Ok(())
    }

    /// The same with a thread in the way: then somebody has to be there who tries again.
    fn with_too_little_memory_nobody_is_left_in_the_way() {
        let stalling = || KlpPatch::of_kernel("walked", &[(&name("waits"), address(other))]);
        GATE.close();
        let inside = spawn("in the way", || waits(10));
        GATE.wait_for(inside.thread());
        // Once with enough: who tries again has been there.
        let once = enable(stalling()).map_err(text).and_then(|()| go("walked"));
        wait_for_the_worker();
        let bytes = once.and_then(|()| walk_over_memory(&stalling, &|| {
            ensure!(is_in_transition(), "nobody is in the way");
            go("walked")
        }));
        GATE.open();
        ensure_eq!(inside.join(), Ok(11), "the thread in the way");
        println!("# a patch with a thread in the way is refused with less than {} bytes of memory", bytes?);
        Ok(())
    }
}
