//! A thread that calls and checks.

use alloc::format;

use kernel_core::random::Random;
use kernel_core::stress::{Digest, Expectation, Goals};

use arch::time;

use super::cast::{Group, Row, groups};
use super::events::{self, Shown, What};
use super::turns::InCall;
use super::{counts, failure, forcer};
use crate::matrix::subjects::{A_OWN, C_OWN, Seen};
use crate::thread;

/// The most ticks after which a call is interrupted: a few hundred instructions where the timebase counts them.
const SOON: u64 = 2000;
const MILLISECOND: u64 = time::TICKS_PER_SECOND / 1000;

/// Calls until it is over. Answers a number that stands for all that it has seen.
pub(super) fn work(number: usize, mut random: Random) -> Digest {
    let mut digest = Digest::default();
    while !failure::is_over() {
        let group = random.index(groups().len());
        let row = random.index(groups()[group].rows.len());
        call(number, group, row, &mut random, &mut digest);
        // Who waits between two calls is in nobody's way.
        match random.below(128) {
            0 => thread::sleep(random.below(MILLISECOND)),
            1..8 => thread::yield_now(),
            _ => {}
        }
    }
    digest
}

/// Makes one call and checks its answer.
fn call(number: usize, place: usize, row_place: usize, random: &mut Random, digest: &mut Digest) {
    let group = &groups()[place];
    let row = &group.rows[row_place];
    let in_call = InCall::begin(number);
    if !row.needs.are_available() {
        return;
    }
    let goals = group.goals();
    if !goals.allow(row.right) {
        counts::here().left_out.up();
        return;
    }
    if random.one_in(32) {
        forcer::interrupt_any(random);
    }
    let ticks = if random.one_in(2) {
        1 + random.below(SOON)
    } else {
        0
    };
    events::note(What::Call, (place << 8 | row_place) as u64, goals.bits(), ticks);
    if ticks != 0 {
        counts::here().armed.up();
        time::set_decrementer(ticks as u32);
    }
    let seen = row.call();
    drop(in_call);
    digest.add(time::timebase());
    digest.add(seen.result);
    check(group, row, goals, seen);
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
    let counts = counts::here();
    if !right || seen.own != A_OWN {
        counts.wrong.up();
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
        return;
    }
    match expectation {
        Expectation::Original => counts.original.up(),
        Expectation::Either => counts.moving.up(),
        Expectation::Replaced => {
            counts.replaced.up();
            if goals.count() == 1 {
                row.cover(goals);
            }
        }
    }
}
