//! The situations, and what is expected of each return design in each. This is data: nothing here runs.

use super::stage::Stage;
use super::{Outcome, Wrong, company, stepping};

/// What A, B and C are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A and B are in the kernel, C in a module.
    Rust,
    /// A and B are in a module in C, and C in another.
    C,
}

/// What a situation does on its stage.
pub enum Action {
    /// Patches `b_…` of these, and calls `a_…` of the first one.
    Call(&'static [&'static str]),
    /// The same, but A is in an object of its own.
    CallFromElsewhere(&'static [&'static str]),
    /// Patches the first's `b_…` with the second's `c_…`, and calls `a_…` of the first.
    CallPairs(&'static [(&'static str, &'static str)]),
    /// Something of its own.
    Special(fn(&Stage) -> Result<Outcome, alloc::string::String>),
}

/// One row.
pub struct Situation {
    /// What it is called: also the name of its case.
    pub name: &'static str,
    /// What its players are written in.
    pub language: Language,
    /// What it does.
    pub action: Action,
    /// What comes out under `none`, `mini-frame`, `caller-frame`, `livepatch-stack` and `return-stack`.
    pub expected: [Outcome; 5],
}

const R: Outcome = Outcome::Right;
const TOC: Outcome = Outcome::Wrong(Wrong::Toc);

use Action::{Call, CallFromElsewhere, CallPairs, Special};
use Language::{C, Rust};

/// Builds a row.
const fn row(name: &'static str, language: Language, action: Action, expected: [Outcome; 5]) -> Situation {
    Situation {
        name,
        language,
        action,
        expected,
    }
}

/// Every row, in the order in which it is shown.
#[rustfmt::skip]
pub(super) static SITUATIONS: &[Situation] = &[
    //                                                                                      none mini caller livepatch return
    row("caller local",                      Rust, Call(&["local"]),                        [TOC, R, R,   R, R]),
    row("caller local",                      C,    Call(&["local"]),                        [TOC, R, R,   R, R]),
    row("caller in another object",          Rust, CallFromElsewhere(&["local"]),           [R,   R, TOC, R, R]),
    row("caller in another object",          C,    CallFromElsewhere(&["local"]),           [R,   R, TOC, R, R]),
    row("caller through a pointer",          Rust, Call(&["pointer"]),                      [R,   R, R,   R, R]),
    row("caller through a pointer",          C,    Call(&["pointer"]),                      [R,   R, R,   R, R]),
    row("callee without TOC",                Rust, Call(&["no_toc"]),                       [TOC, R, R,   R, R]),
    row("callee without TOC",                C,    Call(&["no_toc"]),                       [TOC, R, R,   R, R]),

    // What else is there.
    row("C calls the original B",            Rust, CallPairs(&[("local", "original")]),     [TOC, R, R,   R, R]),
    row("C calls the original B",            C,    CallPairs(&[("local", "original")]),     [TOC, R, R,   R, R]),
    row("graph tracer on B as well",         Rust, Special(company::graph),                 [TOC, R, R,   R, R]),
    row("graph tracer on B as well",         C,    Special(company::graph),                 [TOC, R, R,   R, R]),
    row("an ops before, an ops after",       Rust, Special(company::ops_around),            [TOC, R, R,   R, R]),
    row("an ops before, an ops after",       C,    Special(company::ops_around),            [TOC, R, R,   R, R]),
    row("full registers, r3 and LR changed", Rust, Special(company::full_registers),        [TOC, R, R,   R, R]),
    row("full registers, r3 and LR changed", C,    Special(company::full_registers),        [TOC, R, R,   R, R]),
    row("C sleeps, others call meanwhile",   Rust, Special(company::sleeping),              [TOC, R, R,   R, R]),
    row("C sleeps, others call meanwhile",   C,    Special(company::sleeping),              [TOC, R, R,   R, R]),
    row("disabled while C sleeps",           Rust, Special(company::disabled),              [TOC, R, R,   R, R]),
    row("disabled while C sleeps",           C,    Special(company::disabled),              [TOC, R, R,   R, R]),
    row("replaced while C sleeps",           Rust, Special(company::replaced),              [TOC, R, R,   R, R]),
    row("replaced while C sleeps",           C,    Special(company::replaced),              [TOC, R, R,   R, R]),
    row("C faults, its thread is ended",     Rust, Special(company::faulting),              [TOC, R, R,   R, R]),
    row("C faults, its thread is ended",     C,    Special(company::faulting),              [TOC, R, R,   R, R]),
    row("thread ended while in C",           Rust, Special(company::ended),                 [TOC, R, R,   R, R]),
    row("thread ended while in C",           C,    Special(company::ended),                 [TOC, R, R,   R, R]),

    // Stopped before every instruction of the call.
    row("every instruction: invariants",     Rust, Special(stepping::observed),             [TOC, R, R,   R, R]),
    row("every instruction: invariants",     C,    Special(stepping::observed),             [TOC, R, R,   R, R]),
    row("every instruction: thread switch",  Rust, Special(stepping::switched),             [TOC, R, R,   R, R]),
    row("every instruction: thread switch",  C,    Special(stepping::switched),             [TOC, R, R,   R, R]),
    row("every instruction: interrupt calls", Rust, Special(stepping::interrupted),         [TOC, R, R,   R, R]),
    row("every instruction: interrupt calls", C,    Special(stepping::interrupted),         [TOC, R, R,   R, R]),
];
