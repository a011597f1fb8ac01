//! The situations, and what is expected of each return design in each. This is data: nothing here runs.

use arch::abi;
use arch::livepatch::ReturnDesign;

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
    /// Nothing: the language cannot say it, for this reason.
    Absent(&'static str),
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
    /// What comes out under `none`, `mini-frame`, `caller-frame`, `livepatch-stack` and `return-stack` where all code has a
    /// TOC.
    pub with_toc: [Outcome; 5],
}

impl Situation {
    /// What comes out under each design in this kernel. Without TOCs none can be lost; and caller-frame, which lives of r2
    /// being one, patches nothing.
    pub fn expected(&self) -> [Outcome; 5] {
        if abi::HAS_TOC {
            return self.with_toc;
        }
        let mut expected = self.with_toc;
        for (outcome, design) in expected.iter_mut().zip(ReturnDesign::ALL) {
            *outcome = match *outcome {
                Outcome::DoesNotApply(reason) => Outcome::DoesNotApply(reason),
                _ if design.limits().needs_toc_pointer => Outcome::Refused,
                TOC => Outcome::Right,
                other => other,
            };
        }
        expected
    }
}

const R: Outcome = Outcome::Right;
const TOC: Outcome = Outcome::Wrong(Wrong::Toc);
const HIDDEN: Outcome = Outcome::Wrong(Wrong::Hidden);
/// The first argument that is on the stack is wrong.
const N: Outcome = Outcome::Wrong(Wrong::Argument(9));
const FRAME: Outcome = Outcome::Wrong(Wrong::Frame);
const WILD: Outcome = Outcome::Wrong(Wrong::WildJump);
const LOOP: Outcome = Outcome::Wrong(Wrong::EndlessLoop);
const NO_SLICES: &str = "C has no slices";
const NO_CLOSURES: &str = "C has no closures";
/// Each patched, and the C of one goes on in the next one, by a jump.
pub(crate) const CHAIN: &[&str] = &["chain_1", "chain_2", "chain_3"];

use Action::{Absent, Call, CallFromElsewhere, CallPairs, Special};
use Language::{C, Rust};

/// Builds a row.
const fn row(name: &'static str, language: Language, action: Action, with_toc: [Outcome; 5]) -> Situation {
    Situation {
        name,
        language,
        action,
        with_toc,
    }
}

/// Every row, in the order in which it is shown.
#[rustfmt::skip]
pub(crate) static SITUATIONS: &[Situation] = &[
    //                                                                                      none mini caller livepatch return
    row("caller local",                      Rust, Call(&["local"]),                        [TOC, R, R,   R, R]),
    row("caller local",                      C,    Call(&["local"]),                        [TOC, R, R,   R, R]),
    row("caller in another object",          Rust, CallFromElsewhere(&["local"]),           [R,   R, TOC, R, R]),
    row("caller in another object",          C,    CallFromElsewhere(&["local"]),           [R,   R, TOC, R, R]),
    row("caller through a pointer",          Rust, Call(&["pointer"]),                      [R,   R, R,   R, R]),
    row("caller through a pointer",          C,    Call(&["pointer"]),                      [R,   R, R,   R, R]),
    row("callee without TOC",                Rust, Call(&["no_toc"]),                       [TOC, R, R,   R, R]),
    row("callee without TOC",                C,    Call(&["no_toc"]),                       [TOC, R, R,   R, R]),

    row("function pointer from elsewhere",   Rust, CallFromElsewhere(&["pointer"]),         [R,   R, TOC, R, R]),
    row("function pointer from elsewhere",   C,    CallFromElsewhere(&["pointer"]),         [R,   R, TOC, R, R]),
    // B has no TOC pointer of its own, so what caller-frame writes to 24(r1) is A's, which is there already.
    row("no TOC, caller elsewhere",          Rust, CallFromElsewhere(&["no_toc"]),          [R,   R, R,   R, R]),
    row("no TOC, caller elsewhere",          C,    CallFromElsewhere(&["no_toc"]),          [R,   R, R,   R, R]),

    // What A hands to B, and what it gets back.
    row("8 integers",                        Rust, Call(&["integers_8"]),                   [TOC, R, R,   R, R]),
    row("8 integers",                        C,    Call(&["integers_8"]),                   [TOC, R, R,   R, R]),
    row("9 integers",                        Rust, Call(&["integers_9"]),                   [TOC, N, R,   R, R]),
    row("9 integers",                        C,    Call(&["integers_9"]),                   [TOC, N, R,   R, R]),
    row("12 integers",                       Rust, Call(&["integers_12"]),                  [TOC, N, R,   R, R]),
    row("12 integers",                       C,    Call(&["integers_12"]),                  [TOC, N, R,   R, R]),
    row("two u128",                          Rust, Call(&["u128"]),                         [TOC, R, R,   R, R]),
    row("two u128",                          C,    Call(&["u128"]),                         [TOC, R, R,   R, R]),
    row("struct of 24 bytes by value",       Rust, Call(&["struct_24"]),                    [TOC, R, R,   R, R]),
    row("struct of 24 bytes by value",       C,    Call(&["struct_24"]),                    [TOC, R, R,   R, R]),
    // Rust's C reads the ninth word 32 bytes too low; gcc's puts r3 to r10 in front of the words on the stack: over A's frame.
    row("struct of 96 bytes by value",       Rust, Call(&["struct_96"]),                    [TOC, N, R,   R, R]),
    row("struct of 96 bytes by value",       C,    Call(&["struct_96"]),                    [TOC, FRAME, R, R, R]),
    row("struct by hidden pointer",          Rust, Call(&["hidden_pointer"]),               [TOC, R, R,   R, R]),
    row("struct by hidden pointer",          C,    Call(&["hidden_pointer"]),               [TOC, R, R,   R, R]),
    row("pair in two registers",             Rust, Call(&["pair"]),                         [TOC, R, R,   R, R]),
    row("pair in two registers",             C,    Call(&["pair"]),                         [TOC, R, R,   R, R]),
    row("variadic with 3 values",            Rust, Call(&["variadic_3"]),                   [TOC, FRAME, R, R, R]),
    row("variadic with 3 values",            C,    Call(&["variadic_3"]),                   [TOC, FRAME, R, R, R]),
    row("variadic with 12 values",           Rust, Call(&["variadic_12"]),                  [TOC, FRAME, R, R, R]),
    row("variadic with 12 values",           C,    Call(&["variadic_12"]),                  [TOC, FRAME, R, R, R]),
    row("five slices",                       Rust, Call(&["slices"]),                       [TOC, N, R,   R, R]),
    row("five slices",                       C,    Absent(NO_SLICES),                       [Outcome::DoesNotApply(NO_SLICES); 5]),
    row("closure",                           Rust, Call(&["closure"]),                      [TOC, R, R,   R, R]),
    row("closure",                           C,    Absent(NO_CLOSURES),                     [Outcome::DoesNotApply(NO_CLOSURES); 5]),

    // What C does.
    row("leaf",                              Rust, Call(&["leaf"]),                         [TOC, R, R,   R, R]),
    row("leaf",                              C,    Call(&["leaf"]),                         [TOC, R, R,   R, R]),
    row("non-leaf with a red zone",          Rust, Call(&["non_leaf"]),                     [TOC, R, R,   R, R]),
    row("non-leaf with a red zone",          C,    Call(&["non_leaf"]),                     [TOC, R, R,   R, R]),
    // C calls B through a stub and reloads its r2 from its own 24(r1), over which caller-frame has written B's.
    row("recursion 1 deep",                  Rust, Call(&["recursion_1"]),                  [TOC, R, TOC, R, R]),
    row("recursion 1 deep",                  C,    Call(&["recursion_1"]),                  [TOC, R, TOC, R, R]),
    row("recursion 10 deep",                 Rust, Call(&["recursion_10"]),                 [TOC, R, TOC, R, R]),
    row("recursion 10 deep",                 C,    Call(&["recursion_10"]),                 [TOC, R, TOC, R, R]),
    row("recursion 200 deep",                Rust, Call(&["recursion_200"]),                [TOC, R, TOC, R, R]),
    row("recursion 200 deep",                C,    Call(&["recursion_200"]),                [TOC, R, TOC, R, R]),
    row("mutual recursion",                  Rust, Call(&["even", "odd"]),                  [TOC, R, TOC, R, R]),
    row("mutual recursion",                  C,    Call(&["even", "odd"]),                  [TOC, R, TOC, R, R]),
    row("C calls A again",                   Rust, Call(&["again"]),                        [TOC, R, R,   R, R]),
    row("C calls A again",                   C,    Call(&["again"]),                        [TOC, R, R,   R, R]),
    // C leaves by `b stub`, which stores C's r2 at 24(r1): into the mini frame, or into A's. Under none the function that it
    // goes on in leaves its own r2 to A: in Rust that is the kernel's, and so A's, by accident.
    row("sibling call",                      Rust, Call(&["sibling"]),                      [R,   TOC, WILD, R, R]),
    row("sibling call",                      C,    Call(&["sibling"]),                      [TOC, TOC, WILD, R, R]),
    row("sibling call, caller elsewhere",    Rust, CallFromElsewhere(&["sibling"]),         [TOC, R, WILD, TOC, R]),
    row("sibling call, caller elsewhere",    C,    CallFromElsewhere(&["sibling"]),         [TOC, R, WILD, TOC, R]),
    // Each of the three has its record, all for one frame of A; caller-frame has room for one, and its helper returns to itself.
    row("chain of 3",                        Rust, Call(CHAIN),                             [TOC, TOC, LOOP, R, R]),
    row("chain of 3",                        C,    Call(CHAIN),                             [TOC, TOC, LOOP, R, R]),
    row("chain of 3, caller elsewhere",      Rust, CallFromElsewhere(CHAIN),                [TOC, R, LOOP, TOC, R]),
    row("chain of 3, caller elsewhere",      C,    CallFromElsewhere(CHAIN),                [TOC, R, LOOP, TOC, R]),

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
    row("every instruction: interrupt",      Rust, Special(stepping::interrupted),          [TOC, R, R,   R, R]),
    row("every instruction: interrupt",      C,    Special(stepping::interrupted),          [TOC, R, R,   R, R]),

    // The unwinder, asked for A and for A's caller.
    row("unwinder: inside C",                Rust, Special(stepping::unwound_in_c),         [R, R, R,   R, R]),
    row("unwinder: inside C",                C,    Special(stepping::unwound_in_c),         [R, R, R,   R, R]),
    row("unwinder: inside the helper",       Rust, Special(stepping::unwound_in_helper),    [R, R, R,   R, R]),
    row("unwinder: inside the helper",       C,    Special(stepping::unwound_in_helper),    [R, R, R,   R, R]),
    row("unwinder: every instruction",       Rust, Special(stepping::unwound),              [R, R, R,   R, R]),
    row("unwinder: every instruction",       C,    Special(stepping::unwound),              [R, R, R,   R, R]),
    // What finds A without it, by the frames' headers alone.
    row("back chains: inside what C calls",  Rust, Special(stepping::back_chains),          [R, R, HIDDEN, HIDDEN, HIDDEN]),
    row("back chains: inside what C calls",  C,    Special(stepping::back_chains),          [R, R, HIDDEN, HIDDEN, HIDDEN]),
];

/// Whether a call of A of the first of these comes back right under a design when all of them are patched. `elsewhere`: of the
/// A in an object of its own.
pub(crate) fn comes_back(language: Language, ids: &[&str], elsewhere: bool, design: ReturnDesign) -> bool {
    let is_meant = |row: &&Situation| {
        row.language == language
            && match row.action {
                Call(patched) => !elsewhere && patched == ids,
                CallFromElsewhere(patched) => elsewhere && patched == ids,
                _ => false,
            }
    };
    let column = ReturnDesign::ALL.iter().position(|other| *other == design);
    let row = SITUATIONS.iter().find(is_meant);
    row.zip(column)
        .is_some_and(|(row, column)| row.expected()[column] == R)
}
