//! Runs the rows as cases, and shows what came out as a table.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use arch::livepatch::ReturnDesign;

use super::stage::{PATCH, Stage};
use super::table::{Action, SITUATIONS};
use super::{Language, Outcome, Situation};
use crate::println;
use crate::sync::IrqLock;

/// What came out, row by row, in the order of the runs.
static RESULTS: IrqLock<Vec<(&'static Situation, [Outcome; 5])>> = IrqLock::new(Vec::new());

impl Situation {
    /// The row's case name: `matrix::rust::caller_local`.
    fn case_name(&self) -> String {
        let language = match self.language {
            Language::Rust => "rust",
            Language::C => "c",
        };
        let name: String = self
            .name
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '_' })
            .collect();
        format!("matrix::{language}::{}", name.to_lowercase())
    }

    /// Runs one cell.
    fn cell(&self, design: ReturnDesign) -> Result<Outcome, String> {
        let stage = Stage::new(self.language, design)?;
        match self.action {
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

    /// Runs the row: every design, and the comparison with what is expected.
    fn run(&'static self) -> crate::ktest::Result {
        let mut outcomes = [Outcome::Right; 5];
        let mut unexpected = Vec::new();
        for (index, design) in ReturnDesign::ALL.into_iter().enumerate() {
            let outcome = self.cell(design).map_err(|error| format!("{design}: {error}"))?;
            outcomes[index] = outcome;
            let expected = self.expected[index];
            if outcome != expected {
                unexpected.push(format!("{design}: {outcome}, expected {expected}"));
            }
        }
        RESULTS.lock().push((self, outcomes));
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

/// Prints the table of what came out in this boot; nothing when no row has run.
pub fn print() {
    let results = RESULTS.lock().clone();
    if results.is_empty() {
        return;
    }
    println!("#");
    println!(
        "# The matrix: what came out when A called B and C ran in its place. What is not RIGHT is WRONG in the way it says."
    );
    println!(
        "# {:<40}{}",
        "situation",
        ReturnDesign::ALL.map(|design| format!("{design:<15} ")).concat()
    );
    for (situation, outcomes) in results {
        let language = if situation.language == Language::C {
            "C"
        } else {
            "Rust"
        };
        let title = format!("{}, {language}", situation.name);
        println!(
            "# {title:<40}{}",
            outcomes
                .map(|outcome| format!("{outcome:<15} "))
                .concat()
                .to_string()
                .trim_end()
        );
    }
}
