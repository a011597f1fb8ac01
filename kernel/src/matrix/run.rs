//! Runs the rows as cases, and keeps what came out.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use arch::abi;
use arch::livepatch::ReturnDesign;

use super::stage::{PATCH, Stage};
use super::table::{Action, SITUATIONS};
use super::{Language, Outcome, Situation};
use crate::livepatch::Route;
use crate::sync::{IrqLock, Rank};

/// What came out of a row: one outcome for each design, none where the cell could not be set up.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) situation: &'static Situation,
    pub(super) outcomes: [Option<Outcome>; ReturnDesign::ALL.len()],
    /// How many cells were run again by another route, with the same outcome.
    pub(super) again: u64,
}

/// In the order of the runs.
static RESULTS: IrqLock<Vec<Row>> = IrqLock::new(Rank::Case, Vec::new());

/// What came out so far.
pub(super) fn results() -> Vec<Row> {
    RESULTS.lock().clone()
}

impl Language {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::C => "C",
        }
    }
}

impl Situation {
    /// The row's case name: `matrix::rust::caller_local`.
    fn case_name(&self) -> String {
        /// More than any name has.
        const LENGTH: usize = 80;
        let mut name = String::with_capacity(LENGTH);
        let language = self.language.name();
        for part in ["matrix::", language, "::"] {
            name.push_str(part);
        }
        name.extend(
            self.name
                .chars()
                .map(|c| if c.is_alphanumeric() { c } else { '_' }),
        );
        name.make_ascii_lowercase();
        name
    }

    /// Runs one cell.
    fn cell(&self, design: ReturnDesign) -> Result<Outcome, String> {
        let stage = Stage::new(self.language, design)?;
        if !abi::HAS_TOC && design.limits().needs_toc_pointer {
            return match self.action {
                Action::Absent(reason) => Ok(Outcome::DoesNotApply(reason)),
                Action::Call(ids) | Action::CallFromElsewhere(ids) => stage.refusal(ids[0], ids[0]),
                Action::CallPairs(pairs) => stage.refusal(pairs[0].0, pairs[0].1),
                Action::Special(_) => stage.refusal("local", "local"),
            };
        }
        match self.action {
            Action::Absent(reason) => Ok(Outcome::DoesNotApply(reason)),
            Action::Call(ids) => {
                let a = stage.a(ids[0])?;
                stage.enable(ids)?;
                Ok(stage.call(a))
            }
            Action::CallFromElsewhere(ids) => {
                let a = stage.a_elsewhere(ids[0])?;
                stage.enable(ids)?;
                Ok(stage.call(a))
            }
            Action::CallPairs(pairs) => {
                let a = stage.a(pairs[0].0)?;
                stage.enable_pairs(PATCH, pairs)?;
                Ok(stage.call(a))
            }
            Action::Special(run) => run(&stage),
        }
    }

    /// Runs the row: every design, by every route that there is for it, and the comparison with what is expected.
    fn run(&'static self) -> crate::ktest::Result {
        let mut outcomes = [None; ReturnDesign::ALL.len()];
        let mut unexpected = Vec::new();
        for (index, (design, expected)) in ReturnDesign::ALL.into_iter().zip(self.expected()).enumerate() {
            match self.cell(design) {
                Ok(outcome) => {
                    outcomes[index] = Some(outcome);
                    if outcome != expected {
                        unexpected.push(format!("{design}: {outcome}, expected {expected}"));
                    }
                }
                Err(error) => unexpected.push(format!("{design}: {error}")),
            }
        }
        let mut again = 0;
        for route in [Route::Choice, Route::Trampoline] {
            // The only design for which there is another.
            let design = ReturnDesign::ReturnStack;
            let first = outcomes[design as usize];
            match route.during(|| self.cell(design)) {
                Ok(Outcome::DoesNotApply(_)) => {}
                Ok(outcome) if Some(outcome) == first => again += 1,
                Ok(outcome) => unexpected.push(format!("{design}, {route}: {outcome}")),
                Err(error) => unexpected.push(format!("{design}, {route}: {error}")),
            }
        }
        RESULTS.lock().push(Row {
            situation: self,
            outcomes,
            again,
        });
        if unexpected.is_empty() {
            Ok(())
        } else {
            Err(unexpected.join("\n"))
        }
    }
}

/// The rows as cases: name and work of each.
pub fn cases() -> impl Iterator<Item = (String, impl FnOnce() -> crate::ktest::Result + Send + 'static)> {
    SITUATIONS
        .iter()
        .map(|situation| (situation.case_name(), move || situation.run()))
}
