//! Whether a thread may change its state: its exact trace must be free of the functions that change.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use arch::image;

use crate::cpu::stop_the_world;
use crate::symbols::Symbolized;
use crate::thread::{self, Thread};
use crate::unwind::{self, End, Reason, Reliability, Trace};

/// Why a thread may not change its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It is in a function that changes.
    Inside {
        /// Where.
        address: u64,
        /// In which of its frames; that of the innermost function is 0.
        frame: usize,
    },
    /// It is on its way through a hook, and may have chosen where it goes already.
    Underway {
        /// Where.
        address: u64,
        /// In which of its frames.
        frame: usize,
    },
    /// It is not known for certain where it is.
    Unreliable(Reason),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Inside { address, frame } => {
                write!(f, "is in {}, frame {frame}", Symbolized(*address))
            }
            Obstacle::Underway { address, frame } => {
                write!(f, "is on its way, at {}, frame {frame}", Symbolized(*address))
            }
            Obstacle::Unreliable(reason) => write!(f, "cannot be traced: {reason}"),
        }
    }
}

/// What a transition changes: no thread that moves may be in it.
#[derive(Debug, Default)]
pub(super) struct Changing {
    /// Functions.
    pub(super) code: Vec<Range<u64>>,
    /// The stubs that replacements return to: who has a return address there is in the replacement, or in what that has gone on in by
    /// a jump, which has left no other trace.
    pub(super) stubs: Vec<Range<u64>>,
}

/// Shows every thread that `is_meant`, and what keeps it from changing its state, while nobody runs but the caller: all other CPUs
/// are stopped, and what they run is looked at like everything else. `look` may take no lock.
pub(super) fn with_threads(
    changing: &Changing,
    is_meant: &dyn Fn(&Thread) -> bool,
    look: &mut dyn FnMut(&Thread, Result<(), Obstacle>),
) {
    let functions = &changing.code[..];
    let code = [functions, &[image::trampolines(), image::stub_area()]].concat();
    stop_the_world(|world| {
        let me = thread::current();
        // Most threads sleep elsewhere, and the caller's own is in a call as well: that is seen at once.
        let suspects: Vec<Arc<Thread>> = thread::with_all(|threads| {
            let is_suspect = |thread: &&Arc<Thread>| {
                let is_free = if Arc::ptr_eq(thread, &me) {
                    unwind::am_plainly_outside(functions)
                } else {
                    unwind::is_plainly_outside(world, thread, functions)
                };
                if is_free {
                    look(thread, Ok(()));
                }
                !is_free
            };
            let meant = threads.iter().filter(|thread| is_meant(thread));
            meant.filter(is_suspect).cloned().collect()
        });
        for thread in &suspects {
            let answer = if Arc::ptr_eq(thread, &me) {
                is_outside(unwind::here(), changing)
            } else if !thread::has_word_in(world, thread, &code) {
                Ok(())
            } else {
                // Only a trace can tell a return address from a word that was left behind. It takes a hundred times as long.
                is_outside(unwind::trace_other(world, thread), changing)
            };
            look(thread, answer);
        }
    });
}

/// Whether a trace is free of what changes.
fn is_outside<'a>(trace: Trace<'a>, changing: &'a Changing) -> Result<(), Obstacle> {
    let mut trace = trace.watching(&changing.stubs);
    let mut number = 0;
    while let Some(frame) = trace.next() {
        if let Reliability::Unreliable(reason) = frame.reliability {
            return Err(Obstacle::Unreliable(reason));
        }
        let address = frame.address_inside();
        let is_inside = changing.code.iter().any(|function| function.contains(&address));
        if let Some(address) = is_inside
            .then_some(address)
            .or(trace.met().map(|stub| stub.callee()))
        {
            return Err(Obstacle::Inside {
                address,
                frame: number,
            });
        }
        if image::trampolines().contains(&address) || image::stub_area().contains(&address) {
            return Err(Obstacle::Underway {
                address,
                frame: number,
            });
        }
        number += 1;
    }
    match trace.end() {
        Some(End::Outermost) => Ok(()),
        Some(End::Lost(reason)) => Err(Obstacle::Unreliable(reason)),
        None => Err(Obstacle::Unreliable(Reason::TooMany)),
    }
}
