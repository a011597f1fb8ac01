//! Cases: traces of threads that sleep, of every function of the image, and of stacks that are corrupt.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::abi::FRAME_HEADER_SIZE;
use arch::livepatch::ReturnDesign;
use arch::{image, interrupts};
use kernel_core::symbols::Kind::Function;

use super::memory::Stacks;
use super::records::Records;
use super::start::of_sleeping;
use super::tables::{self, Answer, ReturnRule};
use super::{End, Frame, Trace, here, trace_thread};
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
            names.push(String::from(location.path))
        });
    }
    names
}

/// A generator of numbers that look random (xorshift64), the same for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// A copy of a sleeping thread's stack, at another address, that can be spoilt.
struct Copy {
    words: Vec<u128>,
    /// Where the thread's saved stack pointer is in the copy.
    frame: u64,
}

impl Copy {
    #[allow(unsafe_code, reason = "reads another thread's stack")]
    fn of(thread: &thread::Thread) -> Copy {
        let from = thread.head().saved_stack_pointer.load(Ordering::Relaxed);
        let to = thread.head().stack_high.load(Ordering::Relaxed);
        let words = vec![0u128; ((to - from) / 16) as usize];
        let mut copy = Copy {
            frame: words.as_ptr() as u64,
            words,
        };
        for address in (from..to).step_by(8) {
            // SAFETY: a word of the stack of a thread that sleeps.
            let word = unsafe { arch::unwind::read(address) };
            // Addresses of the stack become those of the copy.
            let word = if (from..=to).contains(&word) {
                word - from + copy.frame
            } else {
                word
            };
            copy.set(((address - from) / 8) as usize, word);
        }
        copy
    }

    fn len(&self) -> usize {
        self.words.len() * 2
    }

    fn get(&self, index: usize) -> u64 {
        (self.words[index / 2] >> (64 * (index % 2))) as u64
    }

    fn set(&mut self, index: usize, word: u64) {
        let shift = 64 * (index % 2);
        let slot = &mut self.words[index / 2];
        *slot = *slot & !(u128::from(u64::MAX) << shift) | u128::from(word) << shift;
    }

    fn trace<'a>(&self, frame: u64, head: &arch::thread::ThreadHead) -> Trace<'a> {
        let range = self.frame..self.frame + self.words.len() as u64 * 16;
        let stacks = Stacks {
            thread: range,
            cpu: [0..0, 0..0],
        };
        of_sleeping(stacks, Records::of(head, None), frame)
    }
}

/// Spoils a word that the walk needs: one of those at `needed`, which are back chains and return addresses in turn.
fn spoil(copy: &mut Copy, needed: &[usize], random: &mut Random) {
    let index = needed[random.below(needed.len() as u64) as usize];
    let is_return_address = copy.get(index) & 0xf != 0 || image::text().contains(&copy.get(index));
    let old = copy.get(index);
    let size = copy.len() as u64 * 8;
    let new = loop {
        let new = match random.below(8) {
            0 => random.next(),
            1 => 0,
            // Into the stack, aligned or not, up, down, or to the frame itself.
            2 => copy.frame + random.below(size),
            3 => copy.frame + (random.below(size) & !15),
            4 => copy.frame + index as u64 * 8,
            // Beyond its ends.
            5 => copy.frame + size + (random.below(4096) & !15),
            6 => copy.frame - (random.below(4096) & !15),
            // A little off.
            _ => old.wrapping_add(random.below(64)).wrapping_sub(32),
        };
        // Another address behind a call could not be told from a right one.
        if new != old && !(is_return_address && tables::is_behind_call(new)) {
            break new;
        }
    };
    copy.set(index, new);
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
        let frames = interrupts::without(|| reliable(trace_thread(sleeper.thread())));
        wake(sleeper)?;
        let names = names(&frames?);
        let waits = names.iter().filter(|name| name.ends_with("unwind::tests::waits")).count();
        ensure_eq!(waits, 6, "frames of the recursive function");
        ensure!(names.last().is_some_and(|name| name == "thread_start"), "{names:#?}");
        Ok(())
    }

    fn a_thread_that_never_ran_has_one_frame() {
        let (frames, thread) = interrupts::without(|| {
            let thread = Builder::new("fresh").spawn(|| ());
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
            interrupts::without(|| reliable(trace_thread(&other))).map_err(|error| format!("'{}': {error}", other.name()))?;
            traced += 1;
        }
        ensure!(traced >= 2, "only {traced} threads besides this one");
        Ok(())
    }

    fn corrupt_stacks_are_never_called_reliable() {
        const TRIES: usize = 4000;
        let sleeper = sleeper();
        let result = try_corrupt_stacks(sleeper.thread(), TRIES);
        wake(sleeper)?;
        let frames = result?;
        println!("# {TRIES} corrupt stacks: {frames} frames walked, 0 wrongly called reliable");
        Ok(())
    }

    fn random_words_are_never_called_reliable() {
        const TRIES: usize = 4000;
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let thread = thread::current();
        for _ in 0..TRIES {
            let words: Vec<u128> = (0..64).map(|_| {
                let half = |random: &mut Random| match random.below(4) {
                    0 => random.next(),
                    1 => image::text().start + 4 * random.below(0x8_0000),
                    _ => 0,
                };
                u128::from(half(&mut random)) << 64 | u128::from(half(&mut random))
            }).collect();
            let mut copy = Copy { frame: words.as_ptr() as u64, words };
            // Back chains into itself, so that there is something to walk.
            for index in 0..copy.len() {
                if random.below(3) == 0 {
                    copy.set(index, copy.frame + (random.below(1100) & !7));
                }
            }
            let frame = copy.frame + (random.below(1024) & !15);
            let mut trace = copy.trace(frame, thread.head());
            let frames = trace.by_ref().count();
            ensure!(trace.check().is_err(), "{frames} frames of random words are called reliable");
        }
        Ok(())
    }

    /// At a call, where LLVM's tables hold, the instructions say the same, in every function.
    fn instructions_and_tables_agree_at_a_call_of_each_function() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
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
                agree(symbol.path, call)?;
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
fn agree(path: &str, address: u64) -> Result<(), String> {
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

/// Spoils copies of a sleeping thread's stack; answers how many frames were walked.
fn try_corrupt_stacks(thread: &thread::Thread, tries: usize) -> Result<usize, String> {
    let mut random = Random(0x70c5_1111_70c5_1111);
    let truth = interrupts::without(|| reliable(trace_thread(thread)))?;
    let sound = Copy::of(thread);
    let copied = reliable(sound.trace(sound.frame, thread.head()))?;
    let addresses = |frames: &[Frame]| frames.iter().map(|frame| frame.address).collect::<Vec<_>>();
    ensure_eq!(addresses(&copied), addresses(&truth), "the trace of the copy");
    // Back chains and return addresses of all frames: what the walk reads.
    let mut needed = Vec::from([0]);
    for frame in &copied {
        let index = ((frame.stack_pointer - sound.frame) / 8) as usize;
        if frame.stack_pointer + (FRAME_HEADER_SIZE as u64) < sound.frame + sound.len() as u64 * 8 {
            needed.extend([index, index + 2]);
        }
    }
    let mut walked = 0;
    for attempt in 0..tries {
        let mut copy = Copy::of(thread);
        // The copies lie at different addresses, but what is needed is at the same place in each.
        for _ in 0..=random.below(3) {
            spoil(&mut copy, &needed, &mut random);
        }
        let mut trace = copy.trace(copy.frame, thread.head());
        let frames: Vec<Frame> = trace.by_ref().collect();
        walked += frames.len();
        let end = trace.end();
        if trace.check().is_ok() && addresses(&frames) != addresses(&truth) {
            return Err(format!("stack {attempt} is called reliable: {frames:#x?}"));
        }
        ensure!(
            end != Some(End::Outermost) || !frames.is_empty(),
            "no frame of stack {attempt}"
        );
    }
    Ok(walked)
}
