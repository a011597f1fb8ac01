//! Functions of modules, in Rust and in C: their prologues and epilogues, the stubs between objects, sibling calls, recursion,
//! the way to the original. Under each design that such a call comes back from.

use alloc::format;

use arch::livepatch::ReturnDesign;

use super::{must_be_exact, run_stepped};
use crate::ktest;
use crate::matrix::subjects::Seen;
use crate::matrix::{Language, Stage, comes_back};

/// Situations of the matrix: what is patched together; A of the first one is called.
const SHAPES: [&[&str]; 10] = [
    &["local"],
    &["no_toc"],
    &["leaf"],
    &["non_leaf"],
    &["integers_12"],
    &["variadic_3"],
    &["recursion_1"],
    &["recursion_10"],
    &["sibling"],
    &["chain_1", "chain_2", "chain_3"],
];

/// Steps through a call of A: of the one beside B, or of the one in an object of its own.
fn stepped(stage: &Stage, ids: &[&str], elsewhere: bool) -> ktest::Result {
    let a = if elsewhere {
        stage.a_elsewhere(ids[0])?
    } else {
        stage.a(ids[0])?
    };
    let result = run_stepped(move || a(&mut Seen::default()))?;
    let from = if elsewhere { ", from elsewhere" } else { "" };
    must_be_exact(
        &format!("{:?}, {}, {}{from}", stage.language, stage.design, ids[0]),
        &result,
    )
}

ktest! {
    fn every_shape_of_call() {
        for language in [Language::Rust, Language::C] {
            for design in ReturnDesign::for_kernel() {
                let stage = Stage::new(language, design)?;
                for ids in SHAPES {
                    for elsewhere in [false, true] {
                        if comes_back(language, ids, elsewhere, design) {
                            stage.enable(ids)?;
                            stepped(&stage, ids, elsewhere)?;
                            stage.disable()?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn the_original() {
        for language in [Language::Rust, Language::C] {
            for design in ReturnDesign::for_kernel().filter(|design| *design != ReturnDesign::None) {
                let stage = Stage::new(language, design)?;
                stage.enable_pairs("matrix", &[("local", "original")])?;
                let a = stage.a("local")?;
                let result = run_stepped(move || a(&mut Seen::default()))?;
                must_be_exact(&format!("{language:?}, {design}, the original"), &result)?;
            }
        }
        Ok(())
    }

    /// Nobody is hooked.
    fn what_is_not_patched() {
        for language in [Language::Rust, Language::C] {
            let stage = Stage::new(language, ReturnDesign::ReturnStack)?;
            for ids in SHAPES {
                stepped(&stage, ids, false)?;
            }
        }
        Ok(())
    }
}
