//! Runs the cases and reports them as KTAP.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::glob;

use super::{Case, Result, nothing};
use crate::thread::{Builder, Outcome};
use crate::{bench, boot_arguments, logging, matrix, memory, module, power, println, stress};

/// How long a case may take, in ticks of the timebase: 20 s.
const TIME_LIMIT: u64 = 20 * arch::time::TICKS_PER_SECOND;

/// Every case of the image, by module and name.
#[allow(unsafe_code, reason = "the linker script collects the cases into one table")]
fn cases() -> Vec<&'static Case> {
    let range = arch::image::ktest();
    let start = range.start as *const Case;
    let length = (range.end - range.start) as usize / size_of::<Case>();
    // SAFETY: the linker puts nothing but `Case`s between the two symbols.
    let table = unsafe { core::slice::from_raw_parts(start, length) };
    let mut cases: Vec<&Case> = table.iter().collect();
    cases.sort_unstable_by_key(|case| (case.module, case.name));
    cases
}

/// Writes `module::case`, without the crate's name.
fn full_name(case: &Case, name: &mut String) {
    name.clear();
    let crate_name = case.module.find(':').unwrap_or(case.module.len());
    let module = case.module[crate_name..].trim_start_matches(':');
    for part in [module, "::", case.name] {
        name.push_str(part);
    }
}

/// What is run and reported.
struct Run {
    name: String,
    needs: fn() -> core::result::Result<(), &'static str>,
    work: Box<dyn FnOnce() -> Result + Send>,
}

/// The image's cases that are chosen.
fn chosen_cases(is_chosen: impl Fn(&str) -> bool) -> impl Iterator<Item = Run> {
    // There are hundreds, and one name after the other finds room here.
    let mut name = String::new();
    cases().into_iter().filter_map(move |case| {
        full_name(case, &mut name);
        is_chosen(&name).then(|| Run {
            name: name.clone(),
            needs: case.needs,
            work: Box::new(case.function),
        })
    })
}

/// Runs the stress, if the boot arguments ask for it, otherwise the cases that they choose, and ends the run.
pub(crate) fn run_what_is_asked_for() -> ! {
    if let Some(options) = stress::wanted() {
        stress::run(options);
    }
    let pattern = boot_arguments::get("case").unwrap_or("*");
    let passed = run(|name| glob::matches(pattern, name));
    power::exit(u8::from(!passed))
}

/// Loads the modules that came with the boot, then runs every case whose full name `is_chosen` and for which the machine has
/// what it needs; answers whether there was such a case and nothing failed.
fn run(is_chosen: impl Fn(&str) -> bool) -> bool {
    let rows = matrix::cases().map(|(name, work)| Run {
        name,
        needs: nothing,
        work: Box::new(work),
    });
    let figures = bench::cases().map(|(name, work)| Run {
        name,
        needs: nothing,
        work: Box::new(work),
    });
    let others = rows.chain(figures).filter(|run| is_chosen(&run.name));
    let chosen: Vec<Run> = chosen_cases(&is_chosen).chain(others).collect();
    let is_empty = chosen.is_empty();
    let extra = module::extra().into_iter();
    let extra = extra.map(|module| Run {
        name: module.case_name(),
        needs: nothing,
        work: Box::new(move || module.load()),
    });
    let extra: Vec<Run> = extra.collect();
    let first_case = extra.len();
    let runs: Vec<Run> = extra.into_iter().chain(chosen).collect();
    let count = runs.len();
    println!("KTAP version 1");
    println!("1..{count}");
    let (mut passed, mut skipped) = (0, 0);
    matrix::first_case_begins();
    bench::first_case_begins();
    for (index, Run { name, needs, work }) in runs.into_iter().enumerate() {
        if index == first_case {
            logging::quieten();
        }
        if let Err(reason) = needs() {
            println!("ok {} {name} # SKIP {reason}", index + 1);
            skipped += 1;
            continue;
        }
        match run_one(&name, work) {
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
    matrix::print();
    memory::print_check();
    let failed = count - passed - skipped;
    println!("# Totals: pass:{passed} fail:{failed} skip:{skipped}");
    failed == 0 && !is_empty
}

fn run_one(name: &str, function: Box<dyn FnOnce() -> Result + Send>) -> Result {
    match Builder::new(name).time_limit(TIME_LIMIT).spawn(function).join() {
        Ok(result) => result,
        Err(outcome @ Outcome::Faulted(_)) => Err(format!("the case's thread: {outcome}")),
        Err(outcome) => Err(outcome.to_string()),
    }
}
