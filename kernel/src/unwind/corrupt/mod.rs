//! Cases: no trace of a stack that is corrupt is called reliable. Copies of the stacks of threads at rest are spoilt, thousands of
//! them, and what is true of each is known since it is known what was done to it.
//!
//! | file | what |
//! |---|---|
//! | `subject` | threads at rest: asleep or preempted, under each return design, under the graph tracer |
//! | `copy` | a copy of such a thread's stack and records |
//! | `spoil` | what is done to it |
//! | `random` | the generator, and its seed |

mod copy;
mod random;
mod spoil;
mod subject;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use arch::livepatch::ReturnDesign;
use arch::thread::SWITCH_FRAME_SIZE;
use arch::{image, interrupts};

use super::memory::Stacks;
use super::records::{GraphRecords, LivepatchRecords, Records, ReturnRecords};
use super::start::of_sleeping;
use super::{Frame, Trace, tables, trace_thread};
use crate::thread;
use crate::{ensure, ktest, println};
use copy::Copy;
use random::Random;
use spoil::{needed, spoil};
use subject::{Rest, Subject, Way};

/// Doublewords of a piece of noise.
const WORDS: u64 = 128;
/// Corrupt stacks of each subject.
const TRIES: u64 = 1000;

fn addresses(frames: &[Frame]) -> Vec<u64> {
    frames.iter().map(|frame| frame.address).collect()
}

/// The frames, and whether the trace is reliable.
fn walk(mut trace: Trace<'_>) -> (Vec<Frame>, Result<(), String>) {
    let frames = trace.by_ref().collect();
    (frames, trace.check().map_err(|reason| reason.to_string()))
}

/// Whether something was called reliable that is not: the trace as a whole, or a frame of it.
fn is_wrong(frames: &[Frame], is_reliable: bool, truth: &[u64]) -> bool {
    let reliable = frames.iter().take_while(|frame| frame.is_reliable());
    let is_prefix = reliable
        .enumerate()
        .all(|(index, frame)| truth.get(index) == Some(&frame.address));
    !is_prefix || is_reliable && addresses(frames) != truth
}

/// Spoils copies of a subject's stack: how many frames were walked.
fn try_corrupt(way: Way, rest: Rest, random: &mut Random) -> Result<u64, String> {
    let subject = Subject::new(way, rest)?;
    let handle = subject.thread.as_ref().ok_or("there is no thread")?;
    let thread = handle.thread();
    let (frames, is_reliable) = interrupts::without(|| walk(trace_thread(thread)));
    is_reliable?;
    let mut truth = addresses(&frames);
    let mut walked = 0;
    for attempt in 0..TRIES {
        let mut copy = interrupts::without(|| {
            // A preempted thread has had its turns since the last one, and is elsewhere in its loop.
            if rest == Rest::Preempted {
                truth = addresses(&walk(trace_thread(thread)).0);
            }
            Copy::of(thread)
        });
        // What is spoilt was sound.
        let (frames, is_reliable) = walk(copy.trace());
        is_reliable.map_err(|reason| format!("copy {attempt} is not reliable: {reason}"))?;
        ensure!(
            addresses(&frames) == truth,
            "copy {attempt} has another trace: {frames:#x?}, the truth is {truth:#x?}"
        );
        let all = needed(&copy, &frames);
        let spoilt = spoil(&mut copy, &all, random);
        let (frames, is_reliable) = walk(copy.trace());
        walked += frames.len() as u64;
        ensure!(
            !is_wrong(&frames, is_reliable.is_ok(), &truth),
            "{way:?}, {rest:?}, stack {attempt} is called reliable, with {spoilt:x?}: {frames:#x?}, the truth is {truth:#x?}"
        );
        ensure!(
            is_reliable.is_err(),
            "{way:?}, {rest:?}, stack {attempt} with {spoilt:x?} is called reliable"
        );
    }
    Ok(walked)
}

/// Words that are no stack: noise, code addresses, and back chains among themselves, so that there is something to walk. Where
/// a walk begins they are right: a switch frame, and a function that called.
struct Noise {
    /// Frames are aligned.
    words: Vec<u128>,
    /// Where the walk begins.
    frame: u64,
}

impl Noise {
    fn new(random: &mut Random) -> Noise {
        let mut words: Vec<u128> = vec![0; WORDS as usize / 2];
        let start = words.as_ptr() as u64;
        let word = |random: &mut Random| match random.below(6) {
            0 => random.next(),
            1 => image::text().start + 4 * random.below(0x8_0000),
            2 | 3 => start + (random.below(8 * WORDS + 64) & !7),
            _ => 0,
        };
        for pair in &mut words {
            *pair = u128::from(word(random)) << 64 | u128::from(word(random));
        }
        // Pairs: the back chain and CR, the return address and the TOC.
        let first = random.below(16) as usize;
        let second = first + SWITCH_FRAME_SIZE / 16;
        words[first] = u128::from(start + 16 * second as u64);
        words[second] = u128::from(start + 16 * (second as u64 + 2 + random.below(14)));
        words[second + 1] = u128::from(behind_some_call(random));
        Noise {
            words,
            frame: start + 16 * first as u64,
        }
    }

    fn stack(&self) -> Range<u64> {
        let start = self.words.as_ptr() as u64;
        start..start + 8 * WORDS
    }
}

/// An address in the kernel to which a function could return.
fn behind_some_call(random: &mut Random) -> u64 {
    let text = image::text();
    loop {
        let address = text.start + 4 * random.below((text.end - text.start) / 4);
        if tables::is_behind_call(address) {
            return address;
        }
    }
}

ktest! {
    fn no_random_words_are_called_reliable() {
        let seed = random::seed();
        let mut random = Random::new(seed, u64::MAX);
        let mut frames = 0;
        for attempt in 0..4 * TRIES {
            let noise = Noise::new(&mut random);
            let stacks = Stacks { thread: noise.stack(), cpu: [0..0, 0..0] };
            let records = Records {
                returns: ReturnRecords::between(0, 0),
                livepatch: LivepatchRecords::between(0, 0),
                graph: GraphRecords::of(None),
            };
            let (found, is_reliable) = walk(of_sleeping(stacks, records, noise.frame));
            frames += found.len();
            ensure!(is_reliable.is_err(), "unwind.seed={seed}: attempt {attempt}: {found:#x?} is called reliable");
        }
        println!("# unwinder: unwind.seed={seed}: {} pieces of random words tried, 0 wrongly called reliable, {frames} frames walked", 4 * TRIES);
        Ok(())
    }

    fn no_corrupt_stack_is_called_reliable() {
        // The subjects are looked at while they do not run: they share this CPU.
        thread::set_affinity(1);
        let seed = random::seed();
        let mut subjects = Vec::from([Way::Plain, Way::Graph].map(|way| (way, Rest::Asleep)));
        subjects.extend(ReturnDesign::for_kernel().map(|design| (Way::Patched(design), Rest::Asleep)));
        subjects.push((Way::Plain, Rest::Preempted));
        subjects.extend(
            [ReturnDesign::LivepatchStack, ReturnDesign::ReturnStack].map(|design| (Way::Patched(design), Rest::Preempted)),
        );
        let mut walked = 0;
        for (number, (way, rest)) in subjects.iter().enumerate() {
            let mut random = Random::new(seed, number as u64);
            walked += try_corrupt(*way, *rest, &mut random).map_err(|error| format!("unwind.seed={seed}: {error}"))?;
        }
        println!(
            "# unwinder: unwind.seed={seed}: {} corrupt stacks tried, 0 wrongly called reliable, {walked} frames walked",
            TRIES * subjects.len() as u64
        );
        Ok(())
    }
}
