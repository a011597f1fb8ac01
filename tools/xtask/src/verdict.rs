//! What a run amounts to: the one place that decides between right and wrong.

use crate::report::{Case, Report};
use kernel_core::ktap::{EXTRA, Totals};
use std::fmt::Write as _;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

/// How the machine ended.
#[derive(Debug)]
pub(crate) enum End {
    /// There never was one.
    NotStarted(String),
    /// By itself; `complaints` is what QEMU wrote to its standard error.
    Ended { status: ExitStatus, complaints: String },
    /// By us, because its time was over.
    TimedOut { limit: Duration, complaints: String },
    /// By us, because it went on although the guest had reported its end.
    Lingered,
    /// By us, because of a signal.
    Interrupted,
}

/// The kinds of verdict; each is an exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Passed = 0,
    NotStarted = 3,
    Silent = 4,
    Hung = 5,
    Died = 6,
    Panicked = 7,
    CasesFailed = 8,
    ModuleFailed = 9,
    Interrupted = 130,
}

/// A kind, and the words that go with it.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    tail: Vec<String>,
}

impl Verdict {
    /// Judges a run.
    pub(crate) fn of(report: &Report, end: &End) -> Self {
        let (kind, message) = judge(report, end);
        Self {
            kind,
            message,
            tail: report.tail.iter().cloned().collect(),
        }
    }

    /// The status of a shell that ended in order, or why there is none.
    pub(crate) fn of_shell(report: &Report, end: &End) -> Result<u8, Self> {
        match (end, report.exit) {
            (End::Ended { .. }, Some(status)) if report.panic.is_none() => {
                Ok(u8::try_from(status).unwrap_or(1))
            }
            _ => Err(Self::of(report, end)),
        }
    }

    /// Says it: success to the standard output, anything else with the console's last lines to the standard error.
    pub(crate) fn print(&self) {
        if self.kind == Kind::Passed {
            println!("\nPASSED: {}", self.message);
            return;
        }
        let mut text = String::new();
        if !self.tail.is_empty() && self.kind != Kind::Interrupted {
            text.push_str("\nThe last lines of the guest's console:\n");
            for line in &self.tail {
                _ = writeln!(text, "  | {line}");
            }
        }
        eprintln!("{text}\nFAILED: {}", self.message);
    }

    /// The process's exit status.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }
}

fn judge(report: &Report, end: &End) -> (Kind, String) {
    let silent = report.is_silent();
    match end {
        End::Interrupted => (Kind::Interrupted, "interrupted".into()),
        End::NotStarted(reason) => (Kind::NotStarted, format!("QEMU did not start: {reason}")),
        End::Ended { status, complaints } if silent && !status.success() && !complaints.is_empty() => (
            Kind::NotStarted,
            format!("QEMU did not start ({status}): {complaints}"),
        ),
        End::Ended { status, complaints } if silent => (
            Kind::Silent,
            format!(
                "the guest printed nothing, and QEMU ended ({status}){}",
                quoted(complaints)
            ),
        ),
        End::TimedOut { limit, complaints } if silent => (
            Kind::Silent,
            format!(
                "the guest printed nothing within {}{}",
                seconds(*limit),
                quoted(complaints)
            ),
        ),
        _ if report.panic.is_some() => {
            let reason = report.panic.as_deref().unwrap_or_default();
            (
                Kind::Panicked,
                format!("the guest panicked: {reason}{}", whereabouts(report)),
            )
        }
        End::TimedOut { limit, complaints } => {
            let message = format!("the guest hung: it did not end within {}", seconds(*limit));
            (
                Kind::Hung,
                format!("{message}{}{}", whereabouts(report), quoted(complaints)),
            )
        }
        End::Lingered => (
            Kind::Hung,
            "the guest hung: it reported its end but did not power the machine off".into(),
        ),
        End::Ended { status, complaints } => match report.exit {
            None => {
                let message =
                    format!("the guest died: QEMU ended ({status}) before the guest reported its end");
                (
                    Kind::Died,
                    format!("{message}{}{}", whereabouts(report), quoted(complaints)),
                )
            }
            Some(exit) => match lost_store(report, complaints) {
                Some(complaint) => (
                    Kind::CasesFailed,
                    format!("the guest stored outside RAM, and only QEMU noticed: {complaint}"),
                ),
                None => judge_cases(report, exit, *status),
            },
        },
    }
}

/// What QEMU says of a store outside RAM that the guest could not notice (see `Machine::command`).
fn lost_store<'a>(report: &Report, complaints: &'a str) -> Option<&'a str> {
    let mut lines = complaints.lines().filter(|_| report.loses_stores);
    lines.find(|line| line.starts_with("Invalid write at addr "))
}

/// The guest ended in order: did the cases?
fn judge_cases(report: &Report, exit: u32, status: ExitStatus) -> (Kind, String) {
    let failed: Vec<&Case> = report.cases.iter().filter(|case| case.failed).collect();
    if !failed.is_empty() {
        let extra = failed.iter().any(|case| case.name.starts_with(EXTRA));
        let kind = if extra {
            Kind::ModuleFailed
        } else {
            Kind::CasesFailed
        };
        let what = if extra {
            "a module given with --module did not load"
        } else {
            "cases did not come out as expected"
        };
        return (
            kind,
            format!(
                "{what}; {} of {} failed:{}",
                failed.len(),
                report.cases.len(),
                list(&failed)
            ),
        );
    }
    let wrong = |message: String| (Kind::CasesFailed, message);
    let Some(plan) = report.plan else {
        return wrong("the guest ended without having announced its cases".into());
    };
    if plan == 0 {
        return wrong("no case ran: none has a name that matches".into());
    }
    if plan as usize != report.cases.len() {
        return wrong(format!(
            "{plan} cases were announced but {} reported",
            report.cases.len()
        ));
    }
    if let Some(irregular) = report.irregular.first() {
        return wrong(format!("the guest's report is not in order: {irregular}"));
    }
    match report.totals {
        Some(totals) if totals == report.counted => {}
        Some(totals) => {
            return wrong(format!(
                "the guest counted {}, its lines say {}",
                shown(totals),
                shown(report.counted)
            ));
        }
        None => return wrong("the guest ended without its totals".into()),
    }
    if report.counted.pass == 0 {
        return wrong(format!("no case passed: {}", shown(report.counted)));
    }
    if exit != 0 {
        return wrong(format!("no case failed, but the guest reports status {exit}"));
    }
    if !status.success() {
        return (
            Kind::Died,
            format!("every case passed, but QEMU failed afterwards ({status})"),
        );
    }
    (Kind::Passed, shown(report.counted))
}

fn shown(totals: Totals) -> String {
    let Totals { pass, fail, skip } = totals;
    format!("{pass} passed, {fail} failed, {skip} skipped")
}

fn list(cases: &[&Case]) -> String {
    let mut text = String::new();
    for Case { name, remarks, .. } in cases {
        _ = write!(text, "\n  {name}");
        if let Some(remark) = remarks.first() {
            _ = write!(text, ": {remark}");
        }
    }
    text
}

/// Which case the guest was in when it stopped.
fn whereabouts(report: &Report) -> String {
    let count = report.cases.len();
    match (report.cases.last(), report.plan) {
        _ if report.exit.is_some() && report.totals.is_some() => "; all its cases were over".into(),
        (Some(last), Some(plan)) if count < plan as usize => {
            format!(
                "; it was in case {} of {plan}, the last one to end was {}",
                count + 1,
                last.name
            )
        }
        (Some(last), _) => format!("; the last case to end was {}", last.name),
        (None, Some(plan)) => format!("; it was in the first of {plan} cases"),
        (None, None) => "; no case had begun".into(),
    }
}

fn quoted(complaints: &str) -> String {
    if complaints.is_empty() {
        String::new()
    } else {
        format!("; QEMU says: {complaints}")
    }
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs())
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
