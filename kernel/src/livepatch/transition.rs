//! A transition: every thread moves from one state to the other, at a moment at which it is in none of the functions that
//! change. One at a time.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use super::check::{self, Changing, Obstacle};
use crate::logging;
use crate::thread::{self, Thread};

/// Which functions a thread runs while a transition goes on: those from before the patch, or the patch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchState {
    /// Those from before.
    Unpatched,
    /// The patch's.
    Patched,
}

/// The word of a thread's head that stands for [`PatchState::Patched`]: 0 or 1. It changes between transitions, when all threads
/// have the same word, so that no thread's word has to: a thread that is on its way with a winner of the last transition would
/// take what it has replaced.
static PATCHED: AtomicU64 = AtomicU64::new(1);

impl PatchState {
    /// The state of a thread.
    pub fn of(thread: &Thread) -> Self {
        if thread.head().patch_state.load(Ordering::Relaxed) == PatchState::Patched.word() {
            PatchState::Patched
        } else {
            PatchState::Unpatched
        }
    }

    /// What stands for it in a thread's head: 0 or 1.
    pub(super) fn word(self) -> u64 {
        PATCHED.load(Ordering::Relaxed) ^ u64::from(self == PatchState::Unpatched)
    }

    fn set(self, thread: &Thread) {
        thread.head().patch_state.store(self.word(), Ordering::Relaxed);
    }

    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            PatchState::Unpatched => PatchState::Patched,
            PatchState::Patched => PatchState::Unpatched,
        }
    }
}

impl fmt::Display for PatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PatchState::Unpatched => "unpatched",
            PatchState::Patched => "patched",
        })
    }
}

/// A thread that a transition waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Its name.
    pub thread: String,
    /// Its number.
    pub id: u32,
    /// What keeps it from moving.
    pub obstacle: Obstacle,
    /// Ticks of the timebase since the transition began to wait.
    pub for_ticks: u64,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.for_ticks / (arch::time::TICKS_PER_SECOND / 1000);
        write!(
            f,
            "thread '{}' ({}): {}, for {milliseconds} ms",
            self.thread, self.id, self.obstacle
        )
    }
}

/// Ticks of the timebase for which a transition may wait before the log says so: 15 s. Cases have no such patience.
pub(super) static LONG: AtomicU64 = AtomicU64::new(15 * arch::time::TICKS_PER_SECOND);

/// The transition that is going on.
#[derive(Debug)]
pub(super) struct Transition {
    /// The patch that comes or goes.
    pub(super) patch: String,
    /// Where threads move to.
    pub(super) to: PatchState,
    /// Uptime when threads began to move; that of a reversal begins anew.
    since: u64,
    /// The threads that had not moved at the last attempt.
    pub(super) stalls: Vec<Stall>,
    /// The log has said that it stalls.
    is_reported: bool,
}

impl Transition {
    /// Every thread is in the state from which it moves. Between transitions all have the same word in their heads.
    pub(super) fn begin(patch: &str, to: PatchState) -> Self {
        let now = thread::current_head().patch_state.load(Ordering::Relaxed);
        PATCHED.store(now ^ u64::from(to == PatchState::Patched), Ordering::Relaxed);
        Transition {
            patch: String::from(patch),
            to,
            since: logging::uptime(),
            stalls: Vec::new(),
            is_reported: false,
        }
    }

    /// Turns round.
    pub(super) fn reverse(&mut self) {
        self.to = self.to.opposite();
        self.since = logging::uptime();
        self.is_reported = false;
    }

    /// Moves every thread that is outside what changes; answers whether all have moved.
    pub(super) fn try_all(&mut self, changing: &Changing) -> bool {
        let for_ticks = logging::uptime().saturating_sub(self.since);
        let mut stalls = Vec::new();
        let to = self.to;
        check::with_threads(
            changing,
            &|thread| PatchState::of(thread) != to,
            &mut |thread, answer| match answer {
                Ok(()) => to.set(thread),
                Err(obstacle) => stalls.push((thread.id(), String::from(thread.name()), obstacle)),
            },
        );
        self.stalls = stalls
            .into_iter()
            .map(|(id, thread, obstacle)| Stall {
                thread,
                id,
                obstacle,
                for_ticks,
            })
            .collect();
        self.stalls.is_empty()
    }

    /// Moves every thread, wherever it is.
    pub(super) fn force(&mut self) {
        thread::with_all(|threads| threads.iter().for_each(|thread| self.to.set(thread)));
        self.stalls.clear();
    }

    /// Says once in the log what a transition waits for, when it has waited for long.
    pub(super) fn report(&mut self) {
        let waited = logging::uptime().saturating_sub(self.since);
        if self.is_reported || waited < LONG.load(Ordering::Relaxed) {
            return;
        }
        self.is_reported = true;
        for stall in &self.stalls {
            log::warn!(target: "livepatch", "'{}': still in transition: {stall}", self.patch);
        }
    }
}
