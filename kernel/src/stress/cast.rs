//! The cast: the functions of the matrix that can be patched together, the A that call them, and where calls may go just now.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use arch::livepatch::ReturnDesign;
use bitflags::bitflags;
use kernel_core::stress::Goals;
use spin::Once;

use super::options::Plant;
use crate::matrix::subjects::{A_OWN, Seen};
use crate::matrix::{Action, CHAIN, Language, Outcome, SITUATIONS, Situation, players};
use crate::module;

bitflags! {
    /// Objects that an A is in.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Objects: u32 {
        const RUST_CALLER = 1 << 0;
        const C_CALLER = 1 << 1;
        const C_TARGET = 1 << 2;
    }
}

/// Those that are loaded.
static AVAILABLE: AtomicU32 = AtomicU32::new(0);

impl Objects {
    /// From here on callers find them, or do not.
    pub(super) fn set_available(self, on: bool) {
        if on {
            AVAILABLE.fetch_or(self.bits(), Ordering::SeqCst);
        } else {
            AVAILABLE.fetch_and(!self.bits(), Ordering::SeqCst);
        }
    }

    pub(super) fn are_available(self) -> bool {
        AVAILABLE.load(Ordering::SeqCst) & self.bits() == self.bits()
    }
}

/// Functions that are patched together, because one calls the other.
pub(super) struct Group {
    pub(super) language: Language,
    /// The B: what the matrix calls each, and its full name.
    pub(super) functions: Vec<(&'static str, String)>,
    pub(super) variants: Vec<Variant>,
    pub(super) rows: Vec<Row>,
    /// [`Goals`].
    state: AtomicU64,
}

/// One choice of replacements for a group: for each B a C.
pub(super) struct Variant {
    pub(super) name: &'static str,
    pub(super) pairs: Vec<(&'static str, &'static str)>,
}

/// An A of a group.
pub(super) struct Row {
    /// The A is in an object of its own.
    pub(super) elsewhere: bool,
    /// The replacements that calls of this A come back from.
    pub(super) right: Goals,
    /// Those that it has come back from, and from the function itself.
    covered: AtomicU64,
    /// What it must be loaded for.
    pub(super) needs: Objects,
    /// Where it is.
    address: AtomicU64,
    /// What B answers.
    original: AtomicU64,
}

static CAST: Once<Vec<Group>> = Once::new();

/// All groups; none before [`gather`].
pub(super) fn groups() -> &'static [Group] {
    CAST.get().map_or(&[], Vec::as_slice)
}

/// What a row of the matrix that does something of its own patches, if others may do the same at any time.
fn pairs_of(situation: &Situation) -> Option<(bool, Vec<(&'static str, &'static str)>)> {
    let same = |ids: &'static [&'static str]| ids.iter().map(|id| (*id, *id)).collect();
    match situation.action {
        Action::Call(ids) => Some((false, same(ids))),
        Action::CallFromElsewhere(ids) => Some((true, same(ids))),
        Action::CallPairs(pairs) => Some((false, pairs.to_vec())),
        Action::Special(_) => {
            let c = match situation.name {
                "C sleeps, others call meanwhile" => "sleeps",
                "C faults, its thread is ended" => "faults",
                "thread ended while in C" => "spins",
                _ => return None,
            };
            Some((false, Vec::from([("local", c)])))
        }
        Action::Absent(_) => None,
    }
}

/// Makes the groups from the rows of the matrix. The modules are loaded.
pub(super) fn gather(plant: Option<Plant>) -> Result<(), String> {
    let mut groups: Vec<Group> = Vec::new();
    for situation in SITUATIONS {
        let Some((elsewhere, pairs)) = pairs_of(situation) else {
            continue;
        };
        let language = situation.language;
        let functions = || pairs.iter().map(|(b, _)| *b);
        let is_same = |group: &Group| {
            group.language == language && group.functions.iter().map(|(id, _)| *id).eq(functions())
        };
        let place = groups.iter().position(is_same).unwrap_or(groups.len());
        if place == groups.len() {
            groups.push(Group::new(language, functions())?);
        }
        let group = &mut groups[place];
        let variant = group.variant(pairs);
        let row = group.row(elsewhere);
        for (index, outcome) in situation.expected().into_iter().enumerate() {
            if outcome == Outcome::Right || plant.is_some_and(|plant| plant.is(outcome)) {
                row.right = row.right.or(Goals::replacement(variant, index));
            }
        }
    }
    CAST.call_once(|| groups);
    Ok(())
}

impl Group {
    /// Whether a call may meet half of one goal and half of another: a C of a chain leaves by a jump, and only under return-stack
    /// does anybody know then that its call has not returned (`livepatch/left_by_jump_tests.rs`).
    pub(super) fn may_mix(&self, goals: Goals) -> bool {
        let is_known = |(_, index)| design(index) == ReturnDesign::ReturnStack;
        let is_chain = self.functions.iter().map(|(id, _)| id).eq(CHAIN);
        is_chain && goals.count() > 1 && !goals.replacements().all(is_known)
    }

    fn new(language: Language, ids: impl Iterator<Item = &'static str>) -> Result<Group, String> {
        let function = |id| Ok((id, language.full_name(&format!("b_{id}"))?));
        Ok(Group {
            language,
            functions: ids.map(function).collect::<Result<_, String>>()?,
            variants: Vec::new(),
            rows: Vec::new(),
            state: AtomicU64::new(Goals::ORIGINAL.bits()),
        })
    }

    /// The number of the variant with these pairs.
    fn variant(&mut self, pairs: Vec<(&'static str, &'static str)>) -> usize {
        let place = self.variants.iter().position(|variant| variant.pairs == pairs);
        place.unwrap_or_else(|| {
            let name = pairs[0].1;
            self.variants.push(Variant { name, pairs });
            self.variants.len() - 1
        })
    }

    fn row(&mut self, elsewhere: bool) -> &mut Row {
        let place = self.rows.iter().position(|row| row.elsewhere == elsewhere);
        let place = place.unwrap_or_else(|| {
            self.rows.push(Row {
                elsewhere,
                right: Goals::NONE,
                covered: AtomicU64::new(0),
                needs: match (self.language, elsewhere) {
                    (Language::Rust, false) => Objects::empty(),
                    (Language::Rust, true) => Objects::RUST_CALLER,
                    (Language::C, false) => Objects::C_TARGET,
                    (Language::C, true) => Objects::C_TARGET.union(Objects::C_CALLER),
                },
                address: AtomicU64::new(0),
                original: AtomicU64::new(0),
            });
            self.rows.len() - 1
        });
        &mut self.rows[place]
    }

    /// The name of its first function.
    pub(super) fn name(&self) -> &'static str {
        self.functions.first().map_or("", |(id, _)| id)
    }

    /// Where calls may go.
    pub(super) fn goals(&self) -> Goals {
        Goals::from_bits(self.state.load(Ordering::SeqCst))
    }

    /// Says where calls may go from here on.
    pub(super) fn set_goals(&self, goals: Goals) {
        self.state.store(goals.bits(), Ordering::SeqCst);
    }

    /// Whether a call may end its thread.
    pub(super) fn is_fatal(&self, goals: Goals) -> bool {
        let is_fatal = |(variant, _): (usize, usize)| {
            self.variants
                .get(variant)
                .is_some_and(|variant| ["faults", "spins"].contains(&variant.name))
        };
        goals.replacements().any(is_fatal)
    }

    /// Whether any A may be called when it is patched so.
    pub(super) fn is_callable(&self, goals: Goals) -> bool {
        self.rows.iter().any(|row| goals.allow(row.right))
    }

    /// Finds the A whose objects are among these.
    pub(super) fn find(&self, objects: Objects) -> Result<(), String> {
        for row in self.rows.iter().filter(|row| {
            objects.intersects(row.needs)
                || (row.needs.is_empty() && row.address.load(Ordering::Relaxed) == 0)
        }) {
            let id = self.name();
            let address = if row.elsewhere {
                self.language.a_elsewhere(id)
            } else {
                self.language.a(id)
            };
            row.address.store(address?, Ordering::SeqCst);
        }
        Ok(())
    }
}

impl Row {
    /// Calls A.
    pub(super) fn call(&self) -> Seen {
        let a = players::call_a(self.address.load(Ordering::SeqCst));
        let mut seen = Seen::default();
        a(&mut seen);
        seen
    }

    /// What B answers.
    pub(super) fn original(&self) -> u64 {
        self.original.load(Ordering::Relaxed)
    }

    /// Notes that a call came back from there.
    pub(super) fn cover(&self, goals: Goals) {
        self.covered.fetch_or(goals.bits(), Ordering::Relaxed);
    }

    /// How many replacements, each under one design, calls have come back from, and how many there are.
    pub(super) fn coverage(&self) -> (u32, u32) {
        let covered = Goals::from_bits(self.covered.load(Ordering::Relaxed));
        (covered.count(), self.right.count())
    }

    /// Calls A while nothing is patched, and keeps what B answers.
    fn learn(&self) -> Result<(), String> {
        let seen = self.call();
        if seen.own != A_OWN {
            return Err(format!("A read {:#x} with nothing patched", seen.own));
        }
        self.original.store(seen.result, Ordering::Relaxed);
        Ok(())
    }
}

/// Loads everything, finds every function and asks every B.
pub(super) fn assemble(plant: Option<Plant>) -> Result<(), String> {
    for language in [Language::Rust, Language::C] {
        for name in language.modules() {
            players::load(name)?;
        }
    }
    gather(plant)?;
    for group in groups() {
        group.find(Objects::all())?;
        for row in &group.rows {
            row.learn()
                .map_err(|error| format!("{} in {}: {error}", group.name(), group.language.name()))?;
        }
    }
    Objects::all().set_available(true);
    Ok(())
}

/// Unloads everything.
pub(super) fn dismiss() -> Result<(), String> {
    for language in [Language::C, Language::Rust] {
        for name in language.modules().iter().rev() {
            module::unload(name).map_err(|error| format!("{error}"))?;
        }
    }
    Ok(())
}

/// The design of this number, among the columns of the matrix.
pub(super) fn design(number: usize) -> ReturnDesign {
    ReturnDesign::ALL.get(number).copied().unwrap_or_default()
}
