//! One patch of the cast.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use arch::livepatch::ReturnDesign;
use arch::time::timebase;
use kernel_core::random::Random;
use kernel_core::stress::Goals;

use super::cast::{design, groups};
use super::counts::CHANGES;
use super::failure;
use super::turns::{GLANCE, PATIENCE};
use crate::livepatch::{self, KlpError, KlpFunc, KlpObject, KlpPatch};
use crate::matrix::Language;
use crate::module::{self, ModuleUse};
use crate::thread;

/// A patch that is enabled, or about to be.
pub(super) struct Patch {
    pub(super) number: u64,
    /// Its column in the matrix.
    pub(super) design: usize,
    /// Its groups, each with the number of the variant.
    pub(super) picks: Vec<(usize, usize)>,
    /// The modules that its replacements are in.
    holds: Vec<ModuleUse>,
}

impl Patch {
    /// One of some of these groups.
    pub(super) fn choose(number: u64, own: &[usize], random: &mut Random) -> Patch {
        let design = random.index(ReturnDesign::ALL.len());
        // Large ones and small ones: each function takes its time, while all CPUs are told of its changed site.
        let one_in = random.choose(&[2, 4, 8, 16]);
        let mut picks = Vec::new();
        for &group in own {
            let variant = random.index(groups()[group].variants.len());
            if random.one_in(one_in) && groups()[group].is_callable(Goals::replacement(variant, design)) {
                picks.push((group, variant));
            }
        }
        Patch {
            number,
            design,
            picks,
            holds: Vec::new(),
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> String {
        format!("stress-{}", self.number)
    }

    /// Where calls of a group go when it is in effect; `None` if it does not say.
    pub(super) fn goals(&self, group: usize) -> Option<Goals> {
        let pick = self.picks.iter().find(|(place, _)| *place == group)?;
        Some(Goals::replacement(pick.1, self.design))
    }

    /// Enables it, which may have to wait for others.
    pub(super) fn enable(&mut self, replace: bool) -> Result<(), String> {
        let name = self.name();
        let mut objects = Vec::new();
        for language in [Language::Rust, Language::C] {
            let is_meant = |(group, _): &&(usize, usize)| groups()[*group].language == language;
            let picks: Vec<_> = self.picks.iter().filter(is_meant).copied().collect();
            if !picks.is_empty() {
                self.hold(language)?;
                objects.push((language.target(), funcs(language, &picks)?));
            }
        }
        until_settled(|| {
            livepatch::enable(KlpPatch {
                name: name.clone(),
                design: Some(design(self.design)),
                unchecked: true,
                replace,
                objects: objects
                    .iter()
                    .map(|(target, funcs)| KlpObject {
                        name: target.map(String::from),
                        funcs: funcs.clone(),
                        ..KlpObject::default()
                    })
                    .collect(),
                ..KlpPatch::default()
            })
            .map(drop)
        })
    }

    fn hold(&mut self, language: Language) -> Result<(), String> {
        let user = format!("stress patch {}", self.number);
        for name in language.replacements() {
            self.holds
                .push(module::hold(name, &user).map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    /// Disables it, which may have to wait for others.
    pub(super) fn disable(&self) -> Result<(), String> {
        let name = self.name();
        until_settled(|| livepatch::disable(&name))
    }

    /// Waits until no thread moves to it or from it; answers whether it is there.
    pub(super) fn settle(&self) -> Result<bool, String> {
        let name = self.name();
        let start = timebase();
        loop {
            let all = livepatch::enabled();
            match all.iter().find(|info| info.name == name) {
                None => return Ok(false),
                Some(info) if !info.is_in_transition => return Ok(true),
                Some(_) => {}
            }
            if timebase() - start > PATIENCE && !failure::is_over() {
                let stalls: Vec<String> = livepatch::stalled().iter().map(ToString::to_string).collect();
                return Err(format!("'{name}' is still in transition: {}", stalls.join("; ")));
            }
            thread::sleep(GLANCE);
        }
    }
}

/// The functions of these groups, which are in this language, each with its replacement.
fn funcs(language: Language, picks: &[(usize, usize)]) -> Result<Vec<KlpFunc>, String> {
    let mut funcs = Vec::new();
    for &(group, variant) in picks {
        let group = &groups()[group];
        let pairs = group.variants[variant].pairs.iter();
        for ((_, old_name), (_, c)) in group.functions.iter().zip(pairs) {
            funcs.push(KlpFunc {
                old_name: old_name.clone(),
                sympos: 0,
                new_function: language.c(c)?,
            });
        }
    }
    Ok(funcs)
}

/// Does something with a patch, again while another one is in transition.
fn until_settled(mut act: impl FnMut() -> Result<(), KlpError>) -> Result<(), String> {
    let start = timebase();
    loop {
        match act() {
            Err(KlpError::OtherInTransition { .. }) if timebase() - start < PATIENCE => CHANGES.waited.up(),
            result => return result.map_err(|error| error.to_string()),
        }
        thread::sleep(GLANCE);
    }
}
