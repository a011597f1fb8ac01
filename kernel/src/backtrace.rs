//! Prints who called whom. Allocates nothing and takes no lock but the console's, so that a panic can use it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use arch::entry::ExceptionFrame;
use arch::unwind::{self, Kind};

use crate::symbols::{self, CallBefore, Symbolized};
use crate::{ensure, ktest, println};

/// How many frames are shown.
const LIMIT: usize = 64;

/// Prints the callers of the function that calls this.
#[inline(never)]
pub fn print() {
    println!("Call trace:");
    print_frames(None, unwind::here());
}

/// Prints what an exception interrupted, and its callers. The exception is of the running thread.
pub fn print_from(frame: &ExceptionFrame) {
    println!("Call trace:");
    let (first, rest) = unwind::from_exception(frame);
    print_frames(first, rest);
}

fn print_frames(first: Option<unwind::Frame>, mut rest: unwind::LiveUnwinder) {
    let mut shown = 0;
    let mut next = first;
    while let Some(frame) = next.or_else(|| rest.next()) {
        next = None;
        if shown == LIMIT {
            println!("  and so on");
            return;
        }
        let address = frame.address;
        match frame.kind {
            Kind::Call => println!("  {address:#010x} {}", CallBefore(address)),
            Kind::Interrupted { vector } => {
                println!("  --- interrupted by vector {vector:#x}");
                println!("  {address:#010x} {}", Symbolized(address));
            }
            // What is no code was no return address.
            Kind::LinkRegister if !is_code(address) => continue,
            Kind::LinkRegister => println!("  {address:#010x} ? {}", CallBefore(address)),
        }
        shown += 1;
    }
    match rest.end() {
        None | Some(unwind::End::Outermost) => {}
        Some(end) => println!("  the trace ends here: {end}"),
    }
}

/// Whether a function is known at the address, or the address is in the kernel's code.
fn is_code(address: u64) -> bool {
    let mut known = arch::image::text().contains(&address);
    symbols::resolve(address, &mut |_| known = true);
    known
}

/// The functions on the way from here to the thread's main function, by their names.
fn callers() -> Vec<String> {
    let mut names = Vec::new();
    for frame in unwind::here() {
        symbols::resolve(frame.address - 4, &mut |location| {
            names.push(location.path.to_owned())
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
        ensure!(trace.end() == Some(unwind::End::Outermost), "{:?} after {frames} frames", trace.end());
        Ok(())
    }
}
