//! Prints who called whom. Allocates nothing and takes no lock but the console's, so that a panic can use it.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use arch::entry::ExceptionFrame;

use crate::symbols::{self, CallBefore, Symbolized};
use crate::unwind::{self, End, Kind, Reliability, Trace};
use crate::{ensure, ktest, println};

/// How many frames are shown.
const LIMIT: usize = 64;

/// Prints the callers of the function that calls this.
#[inline(never)]
pub fn print() {
    println!("Call trace:");
    print_frames(unwind::here());
}

/// Prints what an exception interrupted, and its callers. The exception is of the running thread.
pub fn print_from(frame: &ExceptionFrame) {
    println!("Call trace:");
    print_frames(unwind::trace_from(frame));
}

/// Prints frames: behind a question mark those that may not be what they seem.
fn print_frames(mut trace: Trace<'_>) {
    let mut known = Reliability::Reliable;
    for frame in trace.by_ref().take(LIMIT) {
        let address = frame.address;
        if known != frame.reliability {
            known = frame.reliability;
            if let Reliability::Unreliable(reason) = known {
                println!("  --- what follows is a guess: {reason}");
            }
        }
        let doubt = if frame.is_reliable() { "" } else { "? " };
        match frame.kind {
            Kind::NeverRan => println!("  {address:#010x} {doubt}{}", Symbolized(address)),
            Kind::Interrupted { vector } => {
                println!("  --- interrupted by vector {vector:#x}");
                println!("  {address:#010x} {doubt}{}", Symbolized(address));
            }
            Kind::Call | Kind::Patched { .. } | Kind::GraphStack => {
                println!("  {address:#010x} {doubt}{}", CallBefore(address));
            }
        }
    }
    match trace.end() {
        None => println!("  and so on"),
        Some(End::Outermost) => {}
        Some(End::Lost(reason)) => println!("  the trace ends here: {reason}"),
    }
}

/// The functions on the way from here to the thread's main function, by their names.
#[inline(never)]
fn callers() -> Vec<String> {
    let mut names = Vec::new();
    for frame in unwind::here() {
        symbols::resolve(frame.address_inside(), &mut |location| {
            names.push(location.path().to_string())
        });
    }
    names
}

#[inline(never)]
fn inner() -> Vec<String> {
    core::hint::black_box(callers())
}

#[inline(never)]
fn outer() -> Vec<String> {
    core::hint::black_box(inner())
}

ktest! {
    fn callers_are_found_and_named_in_their_order() {
        let names = outer();
        let position = |wanted: &str| names.iter().position(|name| name.ends_with(wanted));
        let found = [
            "backtrace::inner",
            "backtrace::outer",
            "backtrace::callers_are_found_and_named_in_their_order",
        ]
        .map(position);
        ensure!(found.iter().all(Option::is_some) && found.is_sorted(), "{found:?} in {names:#?}");
        Ok(())
    }

    fn a_trace_ends_at_the_outermost_frame() {
        let mut trace = unwind::here();
        let frames = trace.by_ref().count();
        ensure!(trace.end() == Some(End::Outermost), "{:?} after {frames} frames", trace.end());
        Ok(())
    }
}
