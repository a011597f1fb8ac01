//! A thread that loads and unloads modules: those that call, those that are called, and those with replacements.

use alloc::format;
use alloc::string::{String, ToString};

use arch::time::{TICKS_PER_SECOND, timebase};
use kernel_core::random::Random;
use kernel_core::stress::Digest;

use super::cast::{Objects, groups};
use super::counts::CHANGES;
use super::events::{self, What};
use super::turns::{Alone, GLANCE, PATIENCE, Together, wait_for_calls};
use super::{failure, patcher, showcase};
use crate::matrix::{Language, players};
use crate::module::{self, Reason};
use crate::thread;

/// Every module that comes and goes, for events.
pub(super) const MODULES: [&str; 10] = [
    "matrix_patch_rust",
    "matrix_company_rust",
    "matrix_caller_rust",
    "matrix_target",
    "matrix_patch",
    "matrix_company",
    "matrix_caller",
    "klp_target",
    "klp_caller",
    "klp_patch",
];

/// Its number in events.
pub(super) fn number(module: &str) -> u64 {
    let place = MODULES.iter().position(|name| *name == module);
    place.unwrap_or(MODULES.len()) as u64
}

/// Loads and unloads until it is over.
pub(super) fn work(mut random: Random) -> Digest {
    let mut digest = Digest::default();
    while !failure::is_over() {
        if let Err(error) = change(&mut random) {
            failure::fail(error);
        }
        digest.add(timebase());
        thread::sleep(random.below(TICKS_PER_SECOND / 200));
    }
    digest
}

fn change(random: &mut Random) -> Result<(), String> {
    let language = random.choose(&[Language::Rust, Language::C]);
    if random.one_in(16) {
        let _turn = Alone::enter();
        return reload_all(language);
    }
    let _turn = Together::enter();
    if random.one_in(3) {
        reload_caller(language)
    } else {
        showcase::change(random)
    }
}

/// Loads a module.
pub(super) fn load(name: &str) -> Result<(), String> {
    players::load(name)?;
    events::note(What::Load, number(name), 0, 0);
    CHANGES.loaded.up();
    Ok(())
}

/// Unloads a module that nobody uses, though a thread may have an address of it on its stack for a while.
pub(super) fn unload(name: &str) -> Result<(), String> {
    let start = timebase();
    loop {
        match module::unload(name) {
            Ok(()) => break,
            Err(error)
                if matches!(&error.reason, Reason::InUse { user } if user.starts_with("thread "))
                    && timebase() - start < PATIENCE =>
            {
                CHANGES.lingered.up();
            }
            Err(error) => return Err(error.to_string()),
        }
        thread::sleep(GLANCE);
    }
    events::note(What::Unload, number(name), 0, 0);
    CHANGES.unloaded.up();
    Ok(())
}

/// The object of the A that call from elsewhere goes and comes, while what they call is patched or not.
fn reload_caller(language: Language) -> Result<(), String> {
    let object = match language {
        Language::Rust => Objects::RUST_CALLER,
        Language::C => Objects::C_CALLER,
    };
    object.set_available(false);
    if !wait_for_calls() {
        return Ok(());
    }
    unload(language.elsewhere())?;
    load(language.elsewhere())?;
    find(object)
}

fn find(objects: Objects) -> Result<(), String> {
    for group in groups() {
        group.find(objects)?;
    }
    objects.set_available(true);
    Ok(())
}

/// Everything of a language goes and comes: first what patches it must be disabled, and until then must not go.
fn reload_all(language: Language) -> Result<(), String> {
    let Some(&patch) = language.replacements().first() else {
        return Ok(());
    };
    if patcher::is_patched(language) {
        match module::unload(patch) {
            Err(error) if matches!(error.reason, Reason::InUse { .. }) => CHANGES.refused.up(),
            Err(error) => return Err(error.to_string()),
            Ok(()) => {
                return Err(format!(
                    "'{patch}' was unloaded while its replacements are in use"
                ));
            }
        }
        patcher::clear()?;
    }
    let objects = match language {
        Language::Rust => Objects::RUST_CALLER,
        Language::C => Objects::C_TARGET.union(Objects::C_CALLER),
    };
    objects.set_available(false);
    if !wait_for_calls() {
        return Ok(());
    }
    for name in language.modules().iter().rev() {
        unload(name)?;
    }
    for name in language.modules() {
        load(name)?;
    }
    find(objects)
}
