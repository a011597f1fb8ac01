//! Begins, watches, ends, and reports as KTAP: one case, `stress`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::time::{TICKS_PER_SECOND, timebase};
use kernel_core::random::Random;
use kernel_core::stress::Digest;

use super::cast::{self, groups};
use super::counts::{self, AllInterrupts, CHANGES, Interrupts};
use super::options::Options;
use super::patcher::PATCHERS;
use super::turns::{CALLERS, PATIENCE, progress};
use super::{caller, events, failure, forcer, loader, patcher, showcase, tracer};
use crate::thread::{self, Builder, JoinHandle, State};
use crate::{boot_arguments, cpu, ftrace, livepatch, logging, memory, power, println};

/// The timebase when the calls began; 0: they have not.
static START: AtomicU64 = AtomicU64::new(0);
static SEED: AtomicU64 = AtomicU64::new(0);

/// What somebody does: all that is random in it follows from what it is given.
type Work = fn(Random) -> Digest;

/// Somebody who works.
struct Worker {
    name: String,
    /// `None` when it has ended.
    handle: Option<JoinHandle<Digest>>,
    /// Its number among those who call, and how far it had come when it was looked at last, and when it was seen to get on.
    calls: Option<(usize, u64, u64)>,
}

/// Runs the stress and ends the machine.
pub(crate) fn run(options: Options) -> ! {
    SEED.store(options.seed, Ordering::Relaxed);
    println!("KTAP version 1");
    println!("1..1");
    println!("# seed: {}", options.seed);
    let outcome = stress(&options);
    match &outcome {
        Ok(()) => println!("ok 1 stress"),
        Err(reason) => {
            println!("not ok 1 stress");
            println!("# {reason}");
            print_end();
        }
    }
    memory::print_check();
    let failed = u8::from(outcome.is_err());
    println!("# Totals: pass:{} fail:{failed} skip:0", 1 - failed);
    power::exit(failed)
}

/// In a panic: whose seed it was, and what happened last.
pub(crate) fn report_panic() {
    if START.load(Ordering::Relaxed) != 0 {
        print_end();
    }
}

fn print_end() {
    println!("# seed: {}", SEED.load(Ordering::Relaxed));
    events::print(START.load(Ordering::Relaxed));
}

fn stress(options: &Options) -> Result<(), String> {
    logging::quieten();
    // Patches that have to wait say so, again and again.
    if boot_arguments::get("log").is_none() {
        logging::set_console_level(logging::USER_LEVEL);
    }
    cast::assemble(options.plant)?;
    showcase::begin();
    println!(
        "# {} groups of functions on {} CPUs",
        groups().len(),
        cpu::count()
    );
    let before = Interrupts::of_all();
    let start = timebase();
    START.store(start, Ordering::Relaxed);
    let mut workers = begin(options.seed);
    let watched = watch(&mut workers, start + options.seconds * TICKS_PER_SECOND);
    let took = timebase() - start;
    failure::end();
    watched?;
    let digest = join(workers)?;
    let after = Interrupts::of_all();
    if let Some(reason) = failure::first() {
        return Err(reason);
    }
    patcher::clear()?;
    showcase::clear()?;
    let (begun, ended) = tracer::graphed()?;
    let left = ftrace::hook_count();
    if left != 0 {
        return Err(format!("{left} hooks are left"));
    }
    if !livepatch::enabled().is_empty() {
        return Err(String::from("a patch is left"));
    }
    cast::dismiss()?;
    summarise(options, took, digest, before, after);
    println!("# functions that the graph tracer saw begin: {begun}, end: {ended}");
    Ok(())
}

/// Starts everybody: on each CPU one who calls and stays there, as many who go where there is room, and those who change things.
fn begin(seed: u64) -> Vec<Worker> {
    let mut workers = Vec::new();
    let mut stream = 0;
    let mut random = || {
        stream += 1;
        Random::new(seed, stream)
    };
    let callers = (2 * cpu::count()).min(CALLERS);
    for number in 0..callers {
        let name = format!("caller/{number}");
        let home = if number < cpu::count() {
            1 << number
        } else {
            u64::MAX
        };
        let random = random();
        let builder = Builder::new(&name).sacrificial().affinity(home);
        workers.push(Worker {
            name,
            handle: Some(builder.spawn(move || caller::work(number, random))),
            calls: Some((number, 0, timebase())),
        });
    }
    for number in 0..PATCHERS {
        let random = random();
        workers.push(worker(format!("patcher/{number}"), move || {
            patcher::work(number, random)
        }));
    }
    let works: [(&str, Work); 3] = [
        ("forcer", forcer::work),
        ("loader", loader::work),
        ("tracer", tracer::work),
    ];
    for (name, work) in works {
        let random = random();
        workers.push(worker(String::from(name), move || work(random)));
    }
    workers
}

fn worker(name: String, work: impl FnOnce() -> Digest + Send + 'static) -> Worker {
    Worker {
        handle: Some(Builder::new(&name).affinity(u64::MAX).spawn(work)),
        name,
        calls: None,
    }
}

/// Looks at everybody until the time is over, or something goes wrong.
fn watch(workers: &mut [Worker], end: u64) -> Result<(), String> {
    while timebase() < end {
        thread::sleep(TICKS_PER_SECOND / 100);
        if let Some(reason) = failure::first() {
            return Err(reason);
        }
        let now = timebase();
        for worker in &mut *workers {
            worker.must_live()?;
            if let Some((number, before, since)) = &mut worker.calls {
                let come = progress(*number);
                if come != *before {
                    (*before, *since) = (come, now);
                } else if now - *since > PATIENCE {
                    return Err(format!("{} does not come back from a call", worker.name));
                }
            }
        }
    }
    Ok(())
}

impl Worker {
    /// Nobody ends before it is over.
    fn must_live(&mut self) -> Result<(), String> {
        let has_ended = |handle: &JoinHandle<Digest>| handle.thread().state() == State::Ended;
        if !self.handle.as_ref().is_some_and(has_ended) || failure::is_over() {
            return Ok(());
        }
        events::freeze();
        self.join().map(drop)
    }

    fn join(&mut self) -> Result<Digest, String> {
        let Some(handle) = self.handle.take() else {
            return Ok(Digest::default());
        };
        handle
            .join()
            .map_err(|outcome| format!("{}: {outcome}", self.name))
    }
}

/// Waits for everybody's end; answers a number that stands for all that they have seen.
fn join(workers: Vec<Worker>) -> Result<u64, String> {
    let start = timebase();
    let mut digest = Digest::default();
    for mut worker in workers {
        while worker
            .handle
            .as_ref()
            .is_some_and(|handle| handle.thread().state() != State::Ended)
        {
            if timebase() - start > PATIENCE {
                return Err(format!("{} does not come to its end", worker.name));
            }
            thread::sleep(TICKS_PER_SECOND / 1000);
        }
        digest.add(worker.join()?.value());
    }
    Ok(digest.value())
}

/// What it came to.
fn summarise(options: &Options, took: u64, digest: u64, before: AllInterrupts, after: AllInterrupts) {
    let milliseconds = took / (TICKS_PER_SECOND / 1000);
    println!("# seconds: {}.{:03}", milliseconds / 1000, milliseconds % 1000);
    for cpu in cpu::online() {
        let number = cpu.number();
        let counts = counts::of_cpu(number);
        let [original, replaced, moving] =
            [&counts.original, &counts.replaced, &counts.moving].map(counts::Count::get);
        let Interrupts {
            decrementer,
            sent,
            received,
        } = after[number].since(before[number]);
        println!(
            "# CPU {number}: checked calls: {} ({original} B, {replaced} C, {moving} while threads moved), wrong: {}, left out: {}, decrementer armed: {}, taken: {decrementer}, interrupts from CPUs sent: {sent}, taken: {received}",
            original + replaced + moving,
            counts.wrong.get(),
            counts.left_out.get(),
            counts.armed.get(),
        );
    }
    let (covered, right) = groups()
        .iter()
        .flat_map(|group| &group.rows)
        .map(cast::Row::coverage)
        .fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    let all =
        counts::sum(|cpu| &cpu.original) + counts::sum(|cpu| &cpu.replaced) + counts::sum(|cpu| &cpu.moving);
    println!("# checked calls: {all}");
    println!(
        "# patches enabled: {}, disabled: {}, turned round: {}",
        CHANGES.enabled.get(),
        CHANGES.disabled.get(),
        CHANGES.reversed.get()
    );
    println!("# replaced all: {}", CHANGES.replaced.get());
    // Whatever came has gone by now: disabled, or replaced.
    let cycles = CHANGES.enabled.get() + CHANGES.replaced.get();
    println!("# cycles of patching and unpatching: {cycles}");
    println!("# waited for another's transition: {}", CHANGES.waited.get());
    println!(
        "# modules loaded: {}, unloaded: {}, refused as they had to be: {}, had to linger: {}",
        CHANGES.loaded.get(),
        CHANGES.unloaded.get(),
        CHANGES.refused.get(),
        CHANGES.lingered.get(),
    );
    println!("# threads ended in C: {}", CHANGES.killed.get());
    println!("# functions hooked besides: {}", CHANGES.traced.get());
    println!(
        "# tracers chosen: {}, of all functions: {}",
        CHANGES.traced_by_users.get(),
        CHANGES.traced_all.get()
    );
    println!("# gate closed: {}", CHANGES.closed.get());
    println!("# situations under designs: {covered} of {right} called while patched and settled");
    println!("# digest: {digest:#018x}");
    println!("# seed: {}", options.seed);
    println!("# wrong results: {}", counts::sum(|cpu| &cpu.wrong));
}
