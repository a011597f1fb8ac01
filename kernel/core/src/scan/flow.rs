//! All paths through one function: which instruction is reached with what known.
//!
//! The state at the front of each run of code is computed until nothing changes; then one last walk writes down what is
//! seen. Two things need care. A call that never returns is not marked as such, and what stands behind it may belong to
//! another path, with another stack pointer: that shows as a conflict right behind a call, and everything is done again
//! without that edge. And the targets of a jump table are data: GCC's stands behind the `bctr` and is read; for LLVM's
//! each run that nothing else reaches is taken as one of its targets.

use super::code::Code;
use super::decode::Insn;
use super::facts::{At, Reason, SiblingCall, Sightings};
use super::step::Step;
use super::value::{R1, State, Value};
use super::{Facts, Function};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// How many instructions are looked at and paths are joined before the scan gives up: compiled functions take a small
/// part of it, and code made for the purpose takes no longer.
const STEPS: usize = 1 << 20;

/// The facts of `function` alone. Its sibling calls have their targets, and nothing is known about these.
pub(super) fn scan(function: &Function<'_>) -> Facts {
    let mut sightings = Sightings::default();
    match Code::new(function) {
        Some(code) => Flow::new(code).run(&mut sightings),
        None => sightings.undecided(Reason::Malformed, at(0)),
    }
    sightings.into_facts()
}

fn at(index: usize) -> At {
    At {
        offset: (index * 4) as u32,
        in_sibling: false,
    }
}

struct Flow {
    code: Code,
    /// Where runs begin: the entries, targets of branches, what stands behind a call.
    fronts: BTreeSet<usize>,
    /// Calls that do not return.
    endless: BTreeSet<usize>,
    /// What is known at each front that is reached.
    states: BTreeMap<usize, State>,
    /// Fronts whose run is to be walked again.
    changed: BTreeSet<usize>,
    /// Words that control reaches, and those of jump tables.
    reached: Vec<bool>,
    /// How many words there are up to the last one that is reached.
    reached_end: usize,
    /// Each `bctr` without a table behind it, and what is known there.
    jumps: BTreeMap<usize, State>,
    /// Whether the targets of these were found.
    jumps_lead_somewhere: bool,
    /// Where two paths meet with different stack pointers.
    conflicts: BTreeSet<usize>,
    /// What is left of [`STEPS`].
    steps: usize,
}

impl Flow {
    fn new(code: Code) -> Flow {
        let mut fronts = BTreeSet::from(code.entries);
        for index in 0..code.len() {
            let (insn, length) = code.insn(index);
            match insn {
                Insn::Branch {
                    distance,
                    link: false,
                    ..
                } => fronts.extend(code.inside(index, distance)),
                insn if insn.is_call() => _ = fronts.insert(index + length),
                _ => {}
            }
        }
        Flow {
            code,
            fronts,
            endless: BTreeSet::new(),
            states: BTreeMap::new(),
            changed: BTreeSet::new(),
            reached: Vec::new(),
            reached_end: 0,
            jumps: BTreeMap::new(),
            jumps_lead_somewhere: false,
            conflicts: BTreeSet::new(),
            steps: STEPS,
        }
    }

    fn run(mut self, sightings: &mut Sightings) {
        let unreached = loop {
            let known = self.endless.len();
            let unreached = self.settle();
            if self.endless.len() == known || self.steps == 0 {
                break unreached;
            }
        };
        if self.steps == 0 {
            return sightings.undecided(Reason::TooComplex, at(0));
        }
        if let Some(index) = unreached {
            sightings.undecided(Reason::NotReached, at(index));
        }
        for conflict in &self.conflicts {
            sightings.undecided(Reason::StackPointerDiffers, at(*conflict));
        }
        if let (Some((index, _)), false) = (self.jumps.first_key_value(), self.jumps_lead_somewhere) {
            sightings.undecided(Reason::IndirectBranch, at(*index));
        }
        let fronts: Vec<usize> = self.states.keys().copied().collect();
        // The last walk passes each instruction once.
        self.steps = usize::MAX;
        for front in fronts {
            self.walk(front, Some(sightings));
        }
    }

    /// Computes the states from the entries on. Returns the first word of code that nothing reaches, if there is one.
    fn settle(&mut self) -> Option<usize> {
        self.states.clear();
        self.reached = vec![false; self.code.len()];
        self.reached_end = 0;
        self.jumps.clear();
        self.jumps_lead_somewhere = false;
        self.conflicts.clear();
        for entry in self.code.entries {
            self.arrive(entry, &State::entry());
        }
        let mut unreached = None;
        let mut index = 0;
        loop {
            while let Some(front) = self.changed.pop_first() {
                self.walk(front, None);
            }
            if self.steps == 0 {
                return unreached;
            }
            while self.reached.get(index).is_some_and(|reached| *reached) || self.code.is_fill(index) {
                index += 1;
            }
            // Zero is no instruction. LLVM puts one behind a sibling call; with GCC's, nothing but a table follows.
            let zero = self.code.word(index) == 0;
            if index >= self.code.len() || zero && index >= self.reached_end {
                return unreached;
            }
            if zero {
                index += 1;
            } else if self.jumps.is_empty() {
                unreached = unreached.or(Some(index));
                index += 1;
            } else {
                self.jumps_lead_somewhere = true;
                self.fronts.insert(index);
                let jumps = core::mem::take(&mut self.jumps);
                jumps.values().for_each(|state| self.arrive(index, state));
                self.jumps = jumps;
            }
        }
    }

    /// Control comes to `front` with this known.
    fn arrive(&mut self, front: usize, state: &State) {
        self.steps = self.steps.saturating_sub(1);
        let Some(known) = self.states.get_mut(&front) else {
            self.states.insert(front, state.clone());
            self.changed.insert(front);
            return;
        };
        match known.join(state) {
            Ok(false) => {}
            Ok(true) => _ = self.changed.insert(front),
            Err(_) => match self.code.call_before(front) {
                Some(call) if self.reached[call] => _ = self.endless.insert(call),
                _ => _ = self.conflicts.insert(front),
            },
        }
    }

    /// Follows control from a front to the end of its run.
    fn walk(&mut self, front: usize, mut sightings: Option<&mut Sightings>) {
        let Some(mut state) = self.states.get(&front).cloned() else {
            return;
        };
        let mut index = front;
        while self.steps > 0 {
            self.steps -= 1;
            // GCC's mark behind the end, where a call that does not return is the last instruction.
            if self.code.word(index) == 0 && self.code.call_before(index).is_some() {
                return;
            }
            let (insn, length) = self.code.insn(index);
            self.mark(index..index + length);
            let mut see = |reason| {
                if let Some(seen) = sightings.as_mut() {
                    seen.undecided(reason, at(index));
                }
            };
            let closed = state.registers[R1] == Value::Stack(0);
            let goes_on = match insn {
                Insn::Branch {
                    distance,
                    conditional,
                    link: false,
                } => {
                    match self.code.inside(index, distance) {
                        Some(target) => self.arrive(target, &state),
                        None if !closed => see(Reason::LeavesWithFrame),
                        None => {
                            if let Some(seen) = sightings.as_mut() {
                                seen.sibling_call(SiblingCall {
                                    at: at(index),
                                    target: self.code.address(index, distance),
                                    saves_toc: false,
                                });
                            }
                        }
                    }
                    conditional
                }
                Insn::BranchToLr {
                    conditional,
                    link: false,
                } => {
                    if !closed {
                        see(Reason::Unbalanced);
                    }
                    conditional
                }
                Insn::BranchToCtr {
                    conditional,
                    link: false,
                } => {
                    if closed && state.r12_is_set {
                        see(Reason::IndirectBranch);
                    }
                    self.jump(index, &state);
                    conditional
                }
                Insn::Trap => false,
                Insn::AbsoluteBranch | Insn::Leaves => {
                    see(Reason::Leaves);
                    false
                }
                Insn::Unknown => {
                    see(Reason::UnknownInstruction(self.code.word(index)));
                    false
                }
                insn => {
                    let mut step = Step {
                        state: &mut state,
                        seen: sightings.as_deref_mut(),
                        at: at(index),
                    };
                    step.apply(insn);
                    !self.endless.contains(&index)
                }
            };
            if !goes_on {
                return;
            }
            index += length;
            if index >= self.code.len() {
                // What calls at its very end calls what does not return.
                if let (Some(seen), None) = (sightings.as_mut(), self.code.call_before(index)) {
                    seen.undecided(Reason::RunsOffEnd, at(self.code.len()));
                }
                return;
            }
            if self.fronts.contains(&index) {
                return self.arrive(index, &state);
            }
        }
    }

    /// Control comes to a `bctr`.
    fn jump(&mut self, index: usize, state: &State) {
        let table = self.code.jump_table(index + 1);
        for target in &table {
            self.fronts.insert(*target);
            self.arrive(*target, state);
        }
        if table.is_empty() {
            self.jumps.insert(index, state.clone());
        } else {
            self.mark(index + 1..index + 1 + table.len());
        }
    }

    /// These words are reached, or belong to what is.
    fn mark(&mut self, words: Range<usize>) {
        let end = words.end.min(self.code.len());
        self.reached[words.start..end].fill(true);
        self.reached_end = self.reached_end.max(end);
    }
}
