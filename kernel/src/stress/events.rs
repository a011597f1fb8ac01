//! What happened last, on each CPU: the last calls, and the last changes of what calls meet.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::interrupts;
use arch::time::timebase;
use kernel_core::stress::{Goals, Ring};

use super::loader::MODULES;
use super::{cast, showcase};
use crate::cpu::{self, MAXIMUM};
use crate::sync::{IrqLock, Rank};
use crate::{println, thread};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum What {
    /// A is called: group and row, where the call may go, ticks until the decrementer interrupts it.
    Call,
    /// An A that comes and goes as a module is called: its row, the rest as above.
    CallShowcase,
    /// A patch is enabled: its number, how many groups it has, its design.
    Enable,
    /// The same, and it replaces all others.
    Replace,
    /// A patch is disabled: its number.
    Disable,
    /// A patch's transition is turned round: its number.
    Reverse,
    /// A patch's transition is complete: its number, whether it is there now.
    Settled,
    /// A module is there: its number.
    Load,
    /// A module is gone: its number.
    Unload,
    /// A function is hooked: its group, and how many ops.
    Trace,
    /// A tracer is chosen: for the functions of which group, and whether of all.
    Choose,
    /// It is not any more.
    Untrace,
    /// It went wrong.
    Fail,
}

/// One event.
#[derive(Clone, Copy, Debug)]
struct Event {
    /// The timebase.
    time: u64,
    /// The thread's number.
    thread: u32,
    what: What,
    numbers: [u64; 3],
}

/// How many of each kind a CPU remembers.
const CALLS: usize = 16;
const CHANGES: usize = 64;
/// How many of all of them are shown.
const SHOWN: usize = 120;

struct Rings {
    calls: Ring<Event, CALLS>,
    changes: Ring<Event, CHANGES>,
}

static RINGS: [IrqLock<Rings>; MAXIMUM] = [const {
    IrqLock::new(
        Rank::Events,
        Rings {
            calls: Ring::new(),
            changes: Ring::new(),
        },
    )
}; MAXIMUM];

static IS_FROZEN: AtomicBool = AtomicBool::new(false);

/// What happens from here on is not remembered.
pub(super) fn freeze() {
    IS_FROZEN.store(true, Ordering::Relaxed);
}

/// Remembers an event.
pub(super) fn note(what: What, one: u64, two: u64, three: u64) {
    if IS_FROZEN.load(Ordering::Relaxed) {
        return;
    }
    interrupts::without(|| {
        let event = Event {
            time: timebase(),
            thread: thread::current().id(),
            what,
            numbers: [one, two, three],
        };
        let mut rings = RINGS[cpu::number()].lock();
        if matches!(what, What::Call | What::CallShowcase) {
            rings.calls.push(event);
        } else {
            rings.changes.push(event);
        }
    });
}

/// An event's place in the order of all: its time, its CPU, its place there.
type Place = (u64, usize, usize);

/// The event behind this one.
fn next(before: Option<Place>) -> Option<(Place, Event)> {
    let mut found: Option<(Place, Event)> = None;
    for (cpu, rings) in RINGS.iter().enumerate() {
        // In a panic somebody may have it for good.
        let Some(rings) = rings.lock_in_fault() else {
            continue;
        };
        let all = rings.calls.iter().chain(rings.changes.iter());
        for (index, event) in all.enumerate() {
            let place = (event.time, cpu, index);
            if before.is_none_or(|before| place > before) && found.is_none_or(|(first, _)| place < first) {
                found = Some((place, *event));
            }
        }
    }
    found
}

/// Prints what is remembered, in the order of time. `start` is the timebase when it began. Allocates nothing.
pub(super) fn print(start: u64) {
    freeze();
    println!("# the last events, in ticks since the beginning:");
    let (mut place, mut count) = (None, 0);
    while let Some((here, _)) = next(place) {
        (place, count) = (Some(here), count + 1);
    }
    let (mut place, mut left) = (None, count);
    while let Some((here, event)) = next(place) {
        let (time, thread) = (event.time.wrapping_sub(start), event.thread);
        if left <= SHOWN {
            println!("# {time:>14} CPU {} thread {thread:<4} {event}", here.1);
        }
        (place, left) = (Some(here), left.saturating_sub(1));
    }
}

/// Where calls of a group may go, in words.
pub(super) struct Shown<'a>(pub(super) &'a cast::Group, pub(super) Goals);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown(group, goals) = self;
        let mut between = "";
        if goals.contains(Goals::ORIGINAL) {
            f.write_str("B")?;
            between = " or ";
        }
        for (variant, design) in goals.replacements() {
            let name = group.variants.get(variant).map_or("?", |variant| variant.name);
            write!(f, "{between}c_{name} under {}", cast::design(design))?;
            between = " or ";
        }
        Ok(())
    }
}

fn module(number: u64) -> &'static str {
    MODULES.get(number as usize).copied().unwrap_or("?")
}

fn name_of(group: u64) -> &'static str {
    cast::groups().get(group as usize).map_or("?", cast::Group::name)
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, two, three] = self.numbers;
        match self.what {
            What::Call => {
                let Some(group) = cast::groups().get((one >> 8) as usize) else {
                    return Ok(());
                };
                let elsewhere = group
                    .rows
                    .get((one & 0xff) as usize)
                    .is_some_and(|row| row.elsewhere);
                let from = if elsewhere { " from elsewhere" } else { "" };
                let goals = Goals::from_bits(two);
                write!(f, "calls a_{}{from} in {}: ", group.name(), group.language.name())?;
                write!(f, "{}", Shown(group, goals))?;
                if three != 0 {
                    write!(f, ", interrupted after {three}")?;
                }
                Ok(())
            }
            What::CallShowcase => {
                let name = showcase::ROWS.get(one as usize).map_or("?", |row| row.name);
                write!(f, "calls {name}: {:?}", Goals::from_bits(two).expectation())?;
                if three != 0 {
                    write!(f, ", interrupted after {three}")?;
                }
                Ok(())
            }
            What::Enable => write!(
                f,
                "enables patch {one} of {two} groups under {}",
                cast::design(three as usize)
            ),
            What::Replace => {
                write!(
                    f,
                    "replaces all by patch {one} of {two} groups under {}",
                    cast::design(three as usize)
                )
            }
            What::Disable => write!(f, "disables patch {one}"),
            What::Reverse => write!(f, "turns patch {one} round"),
            What::Settled => write!(f, "patch {one} is {}", if two == 0 { "gone" } else { "there" }),
            What::Load => write!(f, "has loaded {}", module(one)),
            What::Unload => write!(f, "has unloaded {}", module(one)),
            What::Trace => write!(f, "hooks b_{} by {two} ops", name_of(one)),
            What::Choose if two == 0 => write!(f, "chooses a tracer of b_{}", name_of(one)),
            What::Choose => write!(f, "chooses a tracer of all functions"),
            What::Untrace => write!(f, "hooks b_{} no more", name_of(one)),
            What::Fail => write!(f, "fails"),
        }
    }
}
