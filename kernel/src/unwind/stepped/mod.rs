//! Cases: at every single instruction the trace is compared with the true one, which is kept by watching calls and returns.
//!
//! | file | what |
//! |---|---|
//! | `witness` | the truth |
//! | `reserved` | atomic operations, which cannot be stepped through |
//! | `trampolines` | every trampoline under every design |
//! | `shapes` | functions of modules, in Rust and in C |
//!
//! The exceptions' own entry and exit are stepped through from outside: `tests/tests/exceptions.rs`.

mod reserved;
mod shapes;
mod trampolines;
mod witness;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::entry::ExceptionFrame;

use super::helpers::is_helper;
use super::{Frame, Kind, Reason, here, trace_from, trace_parked};
use crate::thread::{self, Builder};
use crate::{ensure, ktest, println, step};
use reserved::Reserved;
use witness::Witness;

/// What a stepped run may take, in ticks of the timebase: 60 s.
const TIME_LIMIT: u64 = 60 * arch::time::TICKS_PER_SECOND;

/// Of all runs of this boot: instructions before which a thread was stopped, frames that were compared, traces that were
/// called reliable and were not the true one.
static TOTALS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

/// Room for the frames of a trace, made before: whoever is stepped may hold the heap's lock.
const FRAMES: usize = 512;

/// What came out of a stepped run.
#[derive(Debug, Default)]
struct Stepped {
    stops: u64,
    frames: u64,
    mismatches: u64,
    /// Stops at which the list of modules was locked by the stepped thread, and a module could not be looked up.
    busy: u64,
    /// Other stops at which the trace was not reliable, and the first of them.
    doubts: u64,
    first_doubt: Option<(u64, Reason)>,
    first_mismatch: Option<String>,
    found: Vec<Frame>,
}

/// Whether the running thread, which is stepped, holds a lock.
fn holds_a_lock() -> bool {
    thread::current_head().locks_held.load(Ordering::Relaxed) != 0
}

impl Stepped {
    fn mismatch(&mut self, nip: u64, text: impl FnOnce(&[Frame]) -> String) {
        self.mismatches += 1;
        if self.first_mismatch.is_none() {
            let text = (!holds_a_lock()).then(|| format!("at {nip:#x}: {}", text(&self.found)));
            self.first_mismatch = Some(text.unwrap_or_default());
        }
    }

    /// Compares, at one stop.
    fn compare(&mut self, witness: &Witness, frame: &ExceptionFrame) {
        self.stops += 1;
        let mut trace = trace_from(frame);
        self.found.clear();
        self.found.extend(trace.by_ref().take(FRAMES));
        // From here, through the exception's frame, it is the same.
        let is_interrupted = |frame: &Frame| matches!(frame.kind, Kind::Interrupted { .. });
        let through = here().skip_while(|frame| !is_interrupted(frame));
        if !through.eq(self.found.iter().copied()) {
            self.mismatch(frame.nip, |_| {
                "not the same through the exception's frame".to_string()
            });
        }
        if self.stops % 16 == 1 && !trace_parked(&thread::current(), frame).eq(self.found.iter().copied()) {
            self.mismatch(frame.nip, |_| "not the same as of another thread".to_string());
        }
        self.frames += self.found.len() as u64;
        if let Err(reason) = trace.check() {
            if matches!(reason, Reason::Busy { .. }) && holds_a_lock() {
                // The thread has locked the list of modules itself.
                self.busy += 1;
                return;
            }
            self.doubts += 1;
            self.first_doubt.get_or_insert((frame.nip, reason));
            return;
        }
        if !without_helpers(&self.found).eq(witness.truth(frame.nip)) {
            self.mismatch(frame.nip, |found| {
                let truth: Vec<u64> = witness.truth(frame.nip).collect();
                format!("found {found:#x?}, the truth is {truth:#x?}")
            });
        }
    }
}

/// The addresses of a trace. Where the thread is may be a helper's first instruction: only return addresses are left out.
fn without_helpers(found: &[Frame]) -> impl Iterator<Item = u64> {
    let addresses = found.iter().map(|frame| frame.address).enumerate();
    addresses
        .filter(|(index, address)| *index == 0 || !is_helper(*address))
        .map(|(_, address)| address)
}

/// Runs `body` instruction by instruction. At each stop `probe` is asked too; what it does is not stepped. It is shown the true
/// trace, and what it answers is a mismatch.
fn run_stepped_with(
    body: impl FnOnce() + Send + 'static,
    mut probe: impl FnMut(&[u64]) -> Result<(), String> + Send + 'static,
) -> Result<Stepped, String> {
    let thread = Builder::new("stepped").time_limit(TIME_LIMIT).spawn(move || {
        let mut witness = Witness::with_room_for(FRAMES);
        let mut reserved = Reserved::default();
        let mut result = Stepped {
            found: Vec::with_capacity(FRAMES),
            ..Stepped::default()
        };
        let mut truth = Vec::with_capacity(FRAMES);
        let mut observer = |frame: &mut ExceptionFrame| {
            witness.begin(|| trace_from(frame).skip(1).map(|frame| frame.address).collect());
            loop {
                witness.saw(frame.nip);
                result.compare(&witness, frame);
                truth.clear();
                truth.extend(witness.truth(frame.nip));
                if let Err(text) = probe(&truth) {
                    result.mismatch(frame.nip, |_| text);
                }
                if !reserved.does(frame) {
                    break;
                }
            }
        };
        step::run(&mut observer, body);
        result
    });
    thread.join().map_err(|outcome| outcome.to_string())
}

/// Runs `body` instruction by instruction.
fn run_stepped(body: impl FnOnce() + Send + 'static) -> Result<Stepped, String> {
    run_stepped_with(body, |_| Ok(()))
}

/// Fails unless every stop had a reliable trace, the true one.
fn must_be_exact(what: &str, result: &Stepped) -> ktest::Result {
    let counts = [result.stops, result.frames, result.mismatches];
    for (total, count) in TOTALS.iter().zip(counts) {
        total.store(total.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }
    println!(
        "# {what}: {} instructions stepped, {} frames compared, {} mismatches, {} not reliable, {} with the modules locked",
        result.stops, result.frames, result.mismatches, result.doubts, result.busy
    );
    if let Some(mismatch) = &result.first_mismatch {
        return Err(format!("{what}: {mismatch}"));
    }
    if let Some((nip, reason)) = result.first_doubt {
        let place = crate::symbols::Symbolized(nip);
        return Err(format!(
            "{what}: {} stops were not reliable, first {place}: {reason}",
            result.doubts
        ));
    }
    ensure!(result.stops > 30, "{what}: only {} stops", result.stops);
    Ok(())
}

ktest! {
    /// The last of these cases by name.
    fn zero_mismatches_in_all() {
        let [stops, frames, mismatches] = TOTALS.each_ref().map(|total| total.load(Ordering::Relaxed));
        println!("# unwinder: {stops} instructions stepped, {frames} frames compared, {mismatches} mismatches");
        ensure!(mismatches == 0, "{mismatches} traces were called reliable and were not the true one");
        Ok(())
    }
}
