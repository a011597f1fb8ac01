//! What a guest's console said, as far as the verdict needs it.

use kernel_core::ktap::{LOST_STORES, Line, Outcome, Totals};
use std::collections::VecDeque;

/// How many of the last lines a failure shows.
const TAIL: usize = 20;

/// A case that is over.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) failed: bool,
    /// The remarks that follow it: why it failed.
    pub(crate) remarks: Vec<String>,
}

/// Collects the lines of one run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The number of cases announced.
    pub(crate) plan: Option<u32>,
    pub(crate) cases: Vec<Case>,
    /// As the guest counted them.
    pub(crate) totals: Option<Totals>,
    /// As we counted them.
    pub(crate) counted: Totals,
    pub(crate) panic: Option<String>,
    pub(crate) exit: Option<u32>,
    /// The machine ignores stores outside RAM, and the guest cannot know of them.
    pub(crate) loses_stores: bool,
    /// What contradicts the format: cases out of order, a second plan.
    pub(crate) irregular: Vec<String>,
    /// The last lines.
    pub(crate) tail: VecDeque<String>,
}

impl Report {
    /// Whether the guest has said anything at all.
    pub(crate) fn is_silent(&self) -> bool {
        self.tail.iter().all(|line| line.trim().is_empty())
    }

    /// Takes the next line.
    pub(crate) fn line(&mut self, text: &str) {
        self.loses_stores |= text.contains(LOST_STORES);
        match Line::parse(text) {
            Line::Plan(count) if self.plan.is_none() => self.plan = Some(count),
            Line::Plan(_) => self.irregular.push(format!("a second plan: {text}")),
            Line::Case {
                number,
                name,
                outcome,
            } => self.case(number, name, outcome),
            Line::Totals(totals) if self.totals.is_none() => self.totals = Some(totals),
            Line::Totals(_) => self.irregular.push(format!("totals for the second time: {text}")),
            Line::Remark(text) => {
                if let Some(case) = self
                    .cases
                    .last_mut()
                    .filter(|case| case.failed && self.totals.is_none())
                {
                    case.remarks.push(text.to_owned());
                }
            }
            // The first one is the cause.
            Line::Panic(reason) if self.panic.is_none() => self.panic = Some(reason.to_owned()),
            Line::Exit(status) if self.exit.is_none() => self.exit = Some(status),
            Line::Exit(_) => self.irregular.push(format!("an end for the second time: {text}")),
            Line::Version | Line::Panic(_) | Line::Other(_) => {}
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(text.to_owned());
    }

    fn case(&mut self, number: u32, name: &str, outcome: Outcome<'_>) {
        let expected = self.cases.len() + 1;
        if number as usize != expected {
            self.irregular.push(format!(
                "case {name} has the number {number}, the next one is {expected}"
            ));
        }
        if self.cases.iter().any(|case| case.name == name) {
            self.irregular.push(format!("case {name} for the second time"));
        }
        match outcome {
            Outcome::Pass => self.counted.pass += 1,
            Outcome::Fail => self.counted.fail += 1,
            Outcome::Skip(_) => self.counted.skip += 1,
        }
        self.cases.push(Case {
            name: name.to_owned(),
            failed: outcome == Outcome::Fail,
            remarks: Vec::new(),
        });
    }
}
