//! Runs the cases and reports them as KTAP.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Case, Result};
use crate::println;
use crate::thread::{Builder, Outcome};

/// How long a case may take, in ticks of the timebase: 20 s.
const TIME_LIMIT: u64 = 20 * arch::time::TICKS_PER_SECOND;

/// Every case of the image, in the order of their names.
#[allow(unsafe_code, reason = "the linker script collects the cases into one table")]
fn cases() -> Vec<&'static Case> {
    let range = arch::image::ktest();
    let start = range.start as *const Case;
    let length = (range.end - range.start) as usize / size_of::<Case>();
    // SAFETY: the linker puts nothing but `Case`s between the two symbols.
    let table = unsafe { core::slice::from_raw_parts(start, length) };
    let mut cases: Vec<&Case> = table.iter().collect();
    cases.sort_by_key(|case| full_name(case));
    cases
}

/// `module::case`, without the crate's name.
fn full_name(case: &Case) -> String {
    let module = case.module.split_once("::").map_or("", |(_, rest)| rest);
    format!("{module}::{}", case.name)
}

/// Runs every case whose full name `is_chosen`; answers whether there was one and none failed.
pub fn run(is_chosen: impl Fn(&str) -> bool) -> bool {
    let chosen: Vec<_> = cases()
        .into_iter()
        .filter(|case| is_chosen(&full_name(case)))
        .collect();
    println!("KTAP version 1");
    println!("1..{}", chosen.len());
    let mut passed = 0;
    for (index, case) in chosen.iter().enumerate() {
        let name = full_name(case);
        match run_one(&name, case.function) {
            Ok(()) => {
                println!("ok {} {name}", index + 1);
                passed += 1;
            }
            Err(reason) => {
                println!("not ok {} {name}", index + 1);
                reason.lines().for_each(|line| println!("# {line}"));
            }
        }
    }
    println!("# Totals: pass:{passed} fail:{} skip:0", chosen.len() - passed);
    passed == chosen.len() && passed > 0
}

fn run_one(name: &str, function: fn() -> Result) -> Result {
    match Builder::new(name).time_limit(TIME_LIMIT).spawn(function).join() {
        Ok(result) => result,
        Err(outcome @ Outcome::Faulted(_)) => Err(format!("the case's thread: {outcome}")),
        Err(outcome) => Err(outcome.to_string()),
    }
}
