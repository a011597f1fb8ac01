//! Cases: traces of threads that sleep, and of every function of the image.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::interrupts;
use arch::livepatch::ReturnDesign;
use kernel_core::random::Random;
use kernel_core::symbols::Kind::Function;

use super::tables::{self, Answer, ReturnRule};
use super::{Frame, Trace, here, trace_other, trace_thread};
use crate::cpu::{self, stop_the_world};
use crate::matrix::{Language, Stage};
use crate::module;
use crate::thread::{self, Builder, JoinHandle, State, WaitQueue, sleep};
use crate::{ensure, ensure_eq, ktest, println, symbols};

static GATE: WaitQueue = WaitQueue::new();
static OPEN: AtomicBool = AtomicBool::new(false);

#[inline(never)]
fn waits(depth: u64) -> u64 {
    if depth == 0 {
        GATE.wait_until(|| OPEN.load(Ordering::Relaxed));
        0
    } else {
        black_box(waits as fn(u64) -> u64)(depth - 1) + 1
    }
}

/// A thread that waits, six calls deep, until the gate is open.
fn sleeper() -> JoinHandle<u64> {
    OPEN.store(false, Ordering::Relaxed);
    let thread = Builder::new("sleeper").spawn(|| waits(5));
    while thread.thread().state() != State::Blocked {
        sleep(arch::time::TICKS_PER_SECOND / 10_000);
    }
    thread
}

fn wake(thread: JoinHandle<u64>) -> Result<(), String> {
    OPEN.store(true, Ordering::Relaxed);
    GATE.wake_all();
    ensure_eq!(
        thread.join().map_err(|outcome| outcome.to_string())?,
        5,
        "what the sleeper answers"
    );
    Ok(())
}

/// The callers of the function that calls this.
#[inline(never)]
fn frames_from_here() -> Result<Vec<Frame>, String> {
    black_box(reliable(here()))
}

/// The frames, and that they are all there are.
fn reliable(mut trace: Trace<'_>) -> Result<Vec<Frame>, String> {
    let frames: Vec<Frame> = trace.by_ref().collect();
    match trace.check() {
        Ok(()) => Ok(frames),
        Err(reason) => Err(format!("not reliable: {reason}, after {} frames", frames.len())),
    }
}

fn names(frames: &[Frame]) -> Vec<String> {
    let mut names = Vec::new();
    for frame in frames {
        symbols::resolve(frame.address_inside(), &mut |location| {
            names.push(location.path().to_string())
        });
    }
    names
}

ktest! {
    fn the_callers_of_here_are_known() {
        let frames = frames_from_here()?;
        let names = names(&frames);
        ensure!(names.iter().any(|name| name.ends_with("tests::the_callers_of_here_are_known")), "{names:#?}");
        ensure!(names.last().is_some_and(|name| name == "thread_start"), "{names:#?}");
        Ok(())
    }

    fn a_sleeping_thread_is_traced_to_its_first_function() {
        let sleeper = sleeper();
        let frames = stop_the_world(|world| reliable(trace_other(world, sleeper.thread())));
        wake(sleeper)?;
        let names = names(&frames?);
        let waits = names.iter().filter(|name| name.ends_with("unwind::tests::waits")).count();
        ensure_eq!(waits, 6, "frames of the recursive function");
        ensure!(names.last().is_some_and(|name| name == "thread_start"), "{names:#?}");
        Ok(())
    }

    fn a_thread_that_never_ran_has_one_frame() {
        let (frames, thread) = interrupts::without(|| {
            let here = 1 << cpu::number();
            let thread = Builder::new("fresh").affinity(here).spawn(|| ());
            (reliable(trace_thread(thread.thread())), thread)
        });
        thread.join().map_err(|outcome| outcome.to_string())?;
        ensure_eq!(names(&frames?), ["thread_start"].map(String::from), "the frames");
        Ok(())
    }

    fn every_thread_has_a_reliable_trace() {
        let me = thread::current();
        let mut traced = 0;
        for other in thread::all().into_iter().filter(|other| !Arc::ptr_eq(other, &me)) {
            stop_the_world(|world| reliable(trace_other(world, &other))).map_err(|error| format!("'{}': {error}", other.name()))?;
            traced += 1;
        }
        ensure!(traced >= 2, "only {traced} threads besides this one");
        Ok(())
    }

    /// At a call, where LLVM's tables hold, the instructions say the same, in every function.
    fn instructions_and_tables_agree_at_a_call_of_each_function() {
        let mut random = Random::new(0x9e37_79b9_7f4a_7c15, 0);
        let table = symbols::kernel();
        let mut compared = 0;
        for site in crate::ftrace::kernel_sites() {
            let Some((symbol, _)) = table.at(site.entry) else { continue };
            // One call of each function: all of them would take minutes.
            let instructions = symbol.size / 4;
            let start = random.below(instructions);
            let is_call = |address: &u64| tables::is_behind_call(address + 4);
            let call = (0..instructions).map(|n| symbol.address + (start + n) % instructions * 4).find(is_call);
            if let Some(call) = call {
                agree(&symbol.path(), call)?;
                compared += 1;
            }
        }
        println!("# {compared} functions compared at a call");
        ensure!(compared > 1000, "only {compared} functions call");
        Ok(())
    }

    /// GCC's tables hold at every instruction: there the instructions say the same.
    fn instructions_and_tables_agree_everywhere_in_c() {
        let stage = Stage::new(Language::C, ReturnDesign::ReturnStack)?;
        let mut compared = 0;
        for name in ["matrix_target", "matrix_patch", "matrix_company", "matrix_caller"] {
            let module = module::get(name).ok_or_else(|| format!("'{name}' is not loaded"))?;
            for symbol in module.symbols.iter().filter(|symbol| symbol.kind == Function) {
                for address in (symbol.address..symbol.address + symbol.size).step_by(4) {
                    // Functions in assembly have no table, and no path leads to what stands behind a jump to fill it up.
                    let has_table = tables::look_up(address, false) != Answer::NoTable;
                    if has_table && tables::look_up(address, true) != Answer::Unproven {
                        agree(&symbol.path, address)?;
                        compared += 1;
                    }
                }
            }
        }
        drop(stage);
        println!("# {compared} instructions compared");
        ensure!(compared > 1000, "only {compared} instructions");
        Ok(())
    }
}

/// Fails when table and instructions do not agree on where the caller is.
fn agree(path: &dyn fmt::Display, address: u64) -> Result<(), String> {
    let (said, found) = (tables::look_up(address, false), tables::look_up(address, true));
    let (Answer::Row(said), Answer::Row(found)) = (&said, &found) else {
        return Err(format!(
            "{path} at {address:#x}: the table says {said:?}, the instructions {found:?}"
        ));
    };
    // Before a call, LR may still be what was saved.
    let early =
        said.return_address == ReturnRule::Saved(16) && found.return_address == ReturnRule::LinkRegister;
    ensure!(
        said.frame_size == found.frame_size && (said.return_address == found.return_address || early),
        "{path} at {address:#x}: the table says {said:?}, the instructions {found:?}"
    );
    Ok(())
}
