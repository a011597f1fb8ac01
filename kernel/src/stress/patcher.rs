//! A thread that enables, disables, turns round and replaces.

use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::time::TICKS_PER_SECOND;
use kernel_core::random::Random;
use kernel_core::stress::{Digest, Goals};

use super::cast::groups;
use super::counts::CHANGES;
use super::events::{self, What};
use super::patch::Patch;
use super::turns::{Alone, Together, wait_for_calls};
use super::{failure, showcase};
use crate::livepatch;
use crate::matrix::Language;
use crate::sync::{IrqLock, Rank};
use crate::thread;

/// How many threads patch. Each has groups of its own.
pub(super) const PATCHERS: usize = 2;
/// The most patches that one of them has enabled at a time, one over the other.
const HIGHEST: usize = 3;

/// What each has enabled, the oldest first. Another one than the owner touches it only while all others wait.
static PATCHES: [IrqLock<Vec<Patch>>; PATCHERS] = [const { IrqLock::new(Rank::Case, Vec::new()) }; PATCHERS];

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Patches until it is over.
pub(super) fn work(number: usize, mut random: Random) -> Digest {
    let own: Vec<usize> = (0..groups().len())
        .filter(|group| group % PATCHERS == number)
        .collect();
    let mut digest = Digest::default();
    while !failure::is_over() {
        if let Err(error) = change(number, &own, &mut random) {
            failure::fail(error);
        }
        digest.add(arch::time::timebase());
        thread::sleep(random.below(TICKS_PER_SECOND / 500));
    }
    digest
}

/// Makes one change.
fn change(number: usize, own: &[usize], random: &mut Random) -> Result<(), String> {
    if random.one_in(8) {
        let _turn = Alone::enter();
        return replace_all(number, own, random);
    }
    let _turn = Together::enter();
    let height = PATCHES[number].lock().len();
    if height == 0 || height < HIGHEST && random.one_in(2) {
        enable(number, own, random)
    } else {
        disable(number, random.index(height))
    }
}

/// Where calls of the groups of `patch` go with what else this thread has enabled.
fn goals_without(number: usize, patch: &Patch) -> Vec<(usize, Goals)> {
    let others = PATCHES[number].lock();
    let goals = |group| {
        let top = others.iter().rev().find_map(|other| other.goals(group));
        top.unwrap_or(Goals::ORIGINAL)
    };
    patch
        .picks
        .iter()
        .map(|(group, _)| (*group, goals(*group)))
        .collect()
}

/// Lets callers expect, for each of these groups, what they expect now and what comes; returns when all know.
fn widen(coming: &[(usize, Goals)]) -> bool {
    for (group, coming) in coming {
        let group = &groups()[*group];
        group.set_goals(group.goals().or(*coming));
    }
    wait_for_calls()
}

/// Lets callers expect what has come.
fn narrow(come: &[(usize, Goals)]) {
    for (group, come) in come {
        groups()[*group].set_goals(*come);
    }
}

/// Enables a patch over the others, and perhaps turns round at once.
fn enable(number: usize, own: &[usize], random: &mut Random) -> Result<(), String> {
    let mut patch = Patch::choose(NEXT.fetch_add(1, Ordering::Relaxed), own, random);
    if patch.picks.is_empty() {
        return Ok(());
    }
    let before = goals_without(number, &patch);
    let coming: Vec<(usize, Goals)> = patch
        .picks
        .iter()
        .map(|(group, variant)| (*group, Goals::replacement(*variant, patch.design)))
        .collect();
    if !widen(&coming) {
        return Ok(());
    }
    events::note(
        What::Enable,
        patch.number,
        patch.picks.len() as u64,
        patch.design as u64,
    );
    patch.enable(false)?;
    if random.one_in(4) && livepatch::set_enabled(&patch.name(), false).is_ok() {
        events::note(What::Reverse, patch.number, 0, 0);
        CHANGES.reversed.up();
    }
    let is_there = patch.settle()?;
    events::note(What::Settled, patch.number, is_there.into(), 0);
    if is_there {
        CHANGES.enabled.up();
        narrow(&coming);
        PATCHES[number].lock().push(patch);
    } else {
        narrow(&before);
    }
    Ok(())
}

/// Disables one of the patches, which need not be the uppermost.
fn disable(number: usize, index: usize) -> Result<(), String> {
    let patch = PATCHES[number].lock().remove(index);
    let after = goals_without(number, &patch);
    if !widen(&after) {
        return Ok(());
    }
    events::note(What::Disable, patch.number, 0, 0);
    patch.disable()?;
    if patch.settle()? {
        return Err(alloc::format!(
            "'{}' is there after it was disabled",
            patch.name()
        ));
    }
    events::note(What::Settled, patch.number, 0, 0);
    CHANGES.disabled.up();
    narrow(&after);
    Ok(())
}

/// Enables a patch that replaces all others, those of the other threads as well.
fn replace_all(number: usize, own: &[usize], random: &mut Random) -> Result<(), String> {
    let mut patch = Patch::choose(NEXT.fetch_add(1, Ordering::Relaxed), own, random);
    if patch.picks.is_empty() {
        return Ok(());
    }
    let after: Vec<(usize, Goals)> = (0..groups().len())
        .map(|group| (group, patch.goals(group).unwrap_or(Goals::ORIGINAL)))
        .collect();
    showcase::may_be_replaced();
    if !widen(&after) {
        return Ok(());
    }
    events::note(
        What::Replace,
        patch.number,
        patch.picks.len() as u64,
        patch.design as u64,
    );
    patch.enable(true)?;
    if !patch.settle()? {
        return Err(alloc::format!(
            "'{}' is not there after it has replaced all",
            patch.name()
        ));
    }
    events::note(What::Settled, patch.number, 1, 0);
    CHANGES.replaced.up();
    narrow(&after);
    showcase::was_replaced();
    for patches in &PATCHES {
        let replaced = core::mem::take(&mut *patches.lock());
        drop(replaced);
    }
    PATCHES[number].lock().push(patch);
    let left = livepatch::enabled().len();
    if left == 1 {
        Ok(())
    } else {
        Err(alloc::format!(
            "{left} patches are enabled after one has replaced all"
        ))
    }
}

/// Whether functions in this language are patched. Nobody else patches.
pub(super) fn is_patched(language: Language) -> bool {
    PATCHES.iter().any(|patches| {
        let patches = patches.lock();
        let mut picks = patches.iter().flat_map(|patch| &patch.picks);
        picks.any(|(group, _)| groups()[*group].language == language)
    })
}

/// Takes everything away that they have enabled. Nobody else patches.
pub(super) fn clear() -> Result<(), String> {
    for (number, patches) in PATCHES.iter().enumerate() {
        loop {
            let height = patches.lock().len();
            if height == 0 {
                break;
            }
            disable(number, height - 1)?;
        }
    }
    Ok(())
}
