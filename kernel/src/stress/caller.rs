//! A thread that calls and checks.

use alloc::format;

use arch::time::{self, TICKS_PER_SECOND};
use kernel_core::random::Random;
use kernel_core::stress::{Digest, Expectation, Goals};

use super::cast::{Group, Row, groups};
use super::counts::CHANGES;
use super::events::{self, Shown, What};
use super::turns::InCall;
use super::{counts, failure, forcer, showcase};
use crate::matrix::subjects::{A_OWN, C_OWN, Seen};
use crate::thread::{self, Builder, Outcome};

/// The most ticks after which a call is interrupted: a few hundred instructions where the timebase counts them.
const SOON: u64 = 2000;
const MILLISECOND: u64 = TICKS_PER_SECOND / 1000;
/// How long a thread may run whose call may not come back: many time slices, of which each counts as a whole when the CPU was
/// away.
const LIFE: u64 = 20 * MILLISECOND;
/// How often another function is chosen where nothing is patched.
const PREFERENCE: usize = 3;

/// Calls until it is over. Answers a number that stands for all that it has seen.
pub(super) fn work(number: usize, mut random: Random) -> Digest {
    let mut digest = Digest::default();
    while !failure::is_over() {
        if random.one_in(16) {
            call_showcase(number, &mut random, &mut digest);
        } else {
            call(number, &mut random, &mut digest);
        }
        digest.add(time::timebase());
        // Who waits between two calls is in nobody's way.
        match random.below(128) {
            0 => thread::sleep(random.below(MILLISECOND)),
            1..8 => thread::yield_now(),
            _ => {}
        }
    }
    digest
}

/// A group, rather one that is patched.
fn choose(random: &mut Random) -> usize {
    let mut place = 0;
    for _ in 0..PREFERENCE {
        place = random.index(groups().len());
        if groups()[place].goals() != Goals::ORIGINAL {
            break;
        }
    }
    place
}

/// Makes one call and checks its answer.
fn call(number: usize, random: &mut Random, digest: &mut Digest) {
    let place = choose(random);
    let group = &groups()[place];
    let row_place = random.index(group.rows.len());
    let row = &group.rows[row_place];
    let in_call = InCall::begin(number);
    if !row.needs.are_available() {
        return;
    }
    let goals = group.goals();
    if !goals.allow(row.right) || group.may_mix(goals) {
        counts::here().left_out.up();
        return;
    }
    let ticks = force(random);
    events::note(What::Call, (place << 8 | row_place) as u64, goals.bits(), ticks);
    let seen = if group.is_fatal(goals) {
        // Who may end does so in a thread of its own.
        let thread = Builder::new("mortal").time_limit(LIFE).spawn(move || {
            arm(ticks);
            row.call()
        });
        thread.join()
    } else {
        arm(ticks);
        Ok(row.call())
    };
    drop(in_call);
    match seen {
        Ok(seen) => {
            digest.add(seen.result);
            check(group, row, goals, seen);
        }
        Err(outcome) => check_end(group, row, goals, &outcome),
    }
}

/// Makes a call to what comes and goes as a module.
fn call_showcase(number: usize, random: &mut Random, digest: &mut Digest) {
    let place = random.index(showcase::ROWS.len());
    let row = &showcase::ROWS[place];
    let _in_call = InCall::begin(number);
    let Some(goals) = showcase::goals() else {
        return;
    };
    let ticks = force(random);
    events::note(What::CallShowcase, place as u64, goals.bits(), ticks);
    arm(ticks);
    match row.call(goals, random.below(1000)) {
        Ok(result) => {
            digest.add(result);
            count(goals);
        }
        Err(error) => {
            counts::here().wrong.up();
            failure::fail(error);
        }
    }
}

/// Chooses interrupts for the next call: sends one from CPU to CPU, and answers after how many ticks the decrementer is to come; 0
/// for not at all.
fn force(random: &mut Random) -> u64 {
    if random.one_in(32) {
        forcer::interrupt_any(random);
    }
    if random.one_in(2) {
        1 + random.below(SOON)
    } else {
        0
    }
}

fn arm(ticks: u64) {
    if ticks != 0 {
        counts::here().armed.up();
        time::set_decrementer(ticks as u32);
    }
}

/// Compares what A saw with what it had to see.
fn check(group: &Group, row: &Row, goals: Goals, seen: Seen) {
    let expectation = goals.expectation();
    let (b, c) = (seen.result == row.original(), seen.result == C_OWN);
    let right = match expectation {
        Expectation::Original => b,
        Expectation::Replaced => c,
        Expectation::Either => b || c,
    };
    if right && seen.own == A_OWN {
        count(goals);
        if goals.count() == 1 && expectation == Expectation::Replaced {
            row.cover(goals);
        }
        return;
    }
    counts::here().wrong.up();
    let from = if row.elsewhere { " from elsewhere" } else { "" };
    failure::fail(format!(
        "a_{}{from} in {}, which had to meet {}: the call answered {:#x} (B answers {:#x}, C {C_OWN:#x}), and A read {:#x} of its own ({A_OWN:#x})",
        group.name(),
        group.language.name(),
        Shown(group, goals),
        seen.result,
        row.original(),
        seen.own,
    ));
}

/// Compares the way in which a thread ended with what had to come.
fn check_end(group: &Group, row: &Row, goals: Goals, outcome: &Outcome) {
    let right = goals.replacements().any(|(variant, _)| {
        let name = group.variants.get(variant).map_or("", |variant| variant.name);
        match outcome {
            Outcome::Faulted(fault) => name == "faults" && fault.what == "trap",
            Outcome::OutOfTime { .. } => name == "spins",
            Outcome::Returned => false,
        }
    });
    if right {
        CHANGES.killed.up();
        count(goals);
        if goals.count() == 1 {
            row.cover(goals);
        }
        return;
    }
    counts::here().wrong.up();
    failure::fail(format!(
        "a_{} in {}, which had to meet {}: its thread ended: {outcome}",
        group.name(),
        group.language.name(),
        Shown(group, goals),
    ));
}

/// Counts a call that came out right.
fn count(goals: Goals) {
    let counts = counts::here();
    match goals.expectation() {
        Expectation::Original => counts.original.up(),
        Expectation::Replaced => counts.replaced.up(),
        Expectation::Either => counts.moving.up(),
    }
}
