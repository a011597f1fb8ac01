//! What the tracers show of a few functions that call each other, and what they refuse.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::record::EVENTS;
use super::{Change, Tracer, change_filter, clear, filter, set_on, set_tracer, show, traceable, tracer};
use crate::ftrace::{hook_count, reap};
use crate::livepatch::KlpPatch;
use crate::{ensure, ensure_eq, ktest, livepatch, thread};

#[inline(never)]
extern "C" fn inner(number: u64) -> u64 {
    core::hint::black_box(number) + 1
}

#[inline(never)]
extern "C" fn outer(number: u64) -> u64 {
    inner(number) * inner(number + 1)
}

#[inline(never)]
extern "C" fn descends(depth: u64) -> u64 {
    match depth {
        0 => 0,
        _ => core::hint::black_box(descends as extern "C" fn(u64) -> u64)(depth - 1) + 1,
    }
}

extern "C" fn inner_patched(number: u64) -> u64 {
    core::hint::black_box(number) + 10
}

const HERE: &str = "kernel::trace::tests::";
const INNER: &str = "kernel::trace::tests::inner";
const OUTER: &str = "kernel::trace::tests::outer";
const DESCENDS: &str = "kernel::trace::tests::descends";

#[inline(never)]
fn call(function: extern "C" fn(u64) -> u64, number: u64) -> u64 {
    core::hint::black_box(function)(number)
}

/// A tracer that is on for as long as this is there; behind it everything is as a boot has it.
pub(super) struct Tracing;

impl Tracing {
    pub(super) fn of(tracer: Tracer, lines: &str) -> Result<Tracing, String> {
        let tracing = Tracing;
        change_filter(Change::Replace, lines).map_err(|error| error.to_string())?;
        set_tracer(tracer).map_err(|error| error.to_string())?;
        Ok(tracing)
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        // A case that has failed says why; these cannot.
        let _ = set_tracer(Tracer::Nop);
        let _ = change_filter(Change::Replace, "");
        set_on(true);
        reap();
    }
}

/// What `trace` has behind its head.
pub(super) fn lines() -> Result<Vec<String>, String> {
    let mut text = String::new();
    show(&mut text).map_err(|error| error.to_string())?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines.map(String::from).collect())
}

/// `entries-in-buffer/entries-written`.
fn entries() -> Result<(u64, u64), String> {
    let mut text = String::new();
    show(&mut text).map_err(|error| error.to_string())?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("# entries-in-buffer/entries-written: "));
    let numbers = line.and_then(|line| line.split_whitespace().next()?.split_once('/'));
    let numbers = numbers.and_then(|(kept, written)| Some((kept.parse().ok()?, written.parse().ok()?)));
    numbers.ok_or_else(|| alloc::format!("no counts in {text}"))
}

/// The calls and the braces of a graph, without times.
fn graph() -> Result<Vec<String>, String> {
    let lines = lines()?.into_iter();
    Ok(lines
        .filter_map(|line| Some(line.split_once('|')?.1.replace(HERE, "")))
        .collect())
}

/// The function and its caller in each line of the tracer `function`.
fn calls() -> Result<Vec<String>, String> {
    let lines = lines()?.into_iter();
    Ok(lines
        .filter_map(|line| Some(line.rsplit_once(": ")?.1.replace(HERE, "")))
        .collect())
}

ktest! {
    fn function_shows_calls_with_their_callers() {
        let tracing = Tracing::of(Tracer::Function, &[INNER, OUTER].join("\n"))?;
        let result = call(outer, 1);
        let calls = calls()?;
        let own = lines()?.iter().all(|line| line.trim_start().starts_with(&alloc::format!("{}-", thread::current().name())));
        drop(tracing);
        ensure_eq!(result, 6, "the result");
        ensure_eq!(calls, ["outer <-call", "inner <-outer", "inner <-outer"].map(String::from), "the calls");
        ensure!(own, "a line is not of the thread that called");
        ensure_eq!((tracer(), filter()), (Tracer::Nop, None), "afterwards");
        Ok(())
    }

    fn function_graph_shows_who_calls_whom() {
        let tracing = Tracing::of(Tracer::FunctionGraph, "kernel::trace::tests::[io]*er")?;
        let result = call(outer, 1);
        let shown = graph()?;
        let times = lines()?.iter().filter(|line| line.contains(" us ")).count();
        drop(tracing);
        ensure_eq!(result, 6, "the result");
        ensure_eq!(shown, ["  outer() {", "    inner();", "    inner();", "  }"].map(String::from), "the graph");
        ensure_eq!(times, 3, "lines with a time");
        Ok(())
    }

    fn recursion_is_followed_to_the_depth_that_there_are_records_for() {
        let tracing = Tracing::of(Tracer::FunctionGraph, DESCENDS)?;
        let [shallow, deep] = [3, 200].map(|depth| {
            clear();
            (call(descends, depth), graph())
        });
        drop(tracing);
        ensure_eq!((shallow.0, deep.0), (3, 200), "the results");
        let wanted = ["  descends() {", "    descends() {", "      descends() {", "        descends();", "      }", "    }", "  }"];
        ensure_eq!(shallow.1?, wanted.map(String::from), "three deep");
        // The innermost that has a record calls others, which have none.
        let deep = deep.1?;
        let opened = deep.iter().filter(|line| line.ends_with('{')).count();
        let whole = deep.iter().filter(|line| line.ends_with(';')).count();
        ensure_eq!((opened, whole), (63, 1), "functions with and without others inside, two hundred deep");
        Ok(())
    }

    fn a_patched_function_is_traced_under_its_own_name() {
        let patch = KlpPatch::of_kernel("traced", &[(INNER, inner_patched as *const () as u64)]);
        livepatch::enable(patch).map_err(|error| error.to_string())?;
        let results = [Tracer::Function, Tracer::FunctionGraph].map(|tracer| {
            let tracing = Tracing::of(tracer, &[INNER, OUTER].join("\n"));
            let result = call(outer, 1);
            let shown = if tracer == Tracer::Function { calls() } else { graph() };
            (tracing.map(drop), result, shown)
        });
        livepatch::settle();
        livepatch::disable("traced").map_err(|error| error.to_string())?;
        livepatch::settle();
        reap();
        let [function, graph] = results;
        function.0?;
        graph.0?;
        ensure_eq!((function.1, graph.1), (11 * 12, 11 * 12), "the results");
        ensure_eq!(function.2?, ["outer <-call", "inner <-outer", "inner <-outer"].map(String::from), "the calls");
        ensure_eq!(graph.2?, ["  outer() {", "    inner();", "    inner();", "  }"].map(String::from), "the graph");
        Ok(())
    }

    fn the_filter_takes_names_and_patterns_and_gives_them_back() {
        let tracing = Tracing::of(Tracer::Function, INNER)?;
        let chosen = || filter().map(|sites| sites.iter().map(|site| site.function.to_string()).collect::<Vec<_>>());
        let hooks = hook_count();
        let one = chosen();
        let changes = [(Change::Add, OUTER), (Change::Add, "!kernel::trace::tests::in*"), (Change::Replace, DESCENDS)];
        let seen: Vec<_> = changes.into_iter().map(|(change, text)| {
            let result = change_filter(change, text);
            clear();
            call(outer, 1);
            call(descends, 1);
            (result, chosen().map(|names| names.join(" ").replace(HERE, "")), hook_count(), calls())
        }).collect();
        drop(tracing);
        ensure_eq!(one, Some(Vec::from([String::from(INNER)])), "one name");
        let wanted = [("inner outer", hooks + 1, 3), ("outer", hooks, 1), ("descends", hooks, 2)];
        for ((result, chosen, hooked, calls), (names, hooks, count)) in seen.into_iter().zip(wanted) {
            ensure_eq!(result, Ok(()), "to {names}");
            let mut chosen: Vec<_> = chosen.iter().flat_map(|names| names.split(' ')).collect();
            chosen.sort_unstable();
            ensure_eq!((chosen.join(" "), hooked), (String::from(names), hooks), "chosen and hooked");
            ensure_eq!(calls?.len(), count, "calls of {names}");
        }
        Ok(())
    }

    fn what_no_function_is_called_is_refused() {
        let tracing = Tracing::of(Tracer::Function, INNER)?;
        let before = (filter(), hook_count());
        let refused = ["kernel::no_such_thing", "kernel::no_such_*", "ftrace_caller", "kernel::trace::record::function_trace_call", "!nothing"].map(|line| {
            [Change::Replace, Change::Add].map(|change| change_filter(change, &[OUTER, line].join("\n")).err().map(|error| error.to_string()))
        });
        let unknown = "blk".parse::<Tracer>().err().map(|error| error.to_string());
        let after = (filter(), hook_count());
        drop(tracing);
        for reason in refused.into_iter().flatten() {
            let reason = reason.ok_or("it was not refused")?;
            ensure!(reason.starts_with("no function that can be traced is called '"), "{reason}");
        }
        ensure_eq!(unknown.as_deref(), Some("there is no tracer 'blk': it is one of function_graph, function, nop"), "no tracer");
        ensure!(before == after, "the filter has changed");
        Ok(())
    }

    fn with_tracing_off_nothing_is_recorded() {
        let tracing = Tracing::of(Tracer::Function, INNER)?;
        let counts = [true, false, true].map(|on| {
            set_on(on);
            call(outer, 1);
            entries()
        });
        clear();
        let cleared = entries();
        drop(tracing);
        let [first, off, again] = counts;
        ensure_eq!((first?, off?, again?, cleared?), ((2, 2), (2, 2), (4, 4), (0, 0)), "on, off, on, cleared");
        Ok(())
    }

    fn the_ring_keeps_the_last_events_and_counts_all() {
        let tracing = Tracing::of(Tracer::Function, &[INNER, OUTER].join("\n"))?;
        for number in 0..EVENTS as u64 {
            call(inner, number);
        }
        call(outer, 1);
        let counts = entries();
        let calls = calls();
        drop(tracing);
        let (kept, written) = counts?;
        // The thread may have gone to another CPU in between.
        ensure!(kept >= EVENTS as u64 && kept <= written, "{kept} of {written}");
        ensure_eq!(written, EVENTS as u64 + 3, "events that were written");
        ensure_eq!(calls?.last().map(String::as_str), Some("inner <-outer"), "the last call");
        Ok(())
    }

    fn what_can_be_traced_has_no_function_of_the_trampolines() {
        let names: Vec<String> = traceable().iter().map(|site| site.function.to_string()).collect();
        ensure!(names.iter().any(|name| name == INNER), "{INNER} is not there");
        let own = names.iter().find(|name| name.starts_with("kernel::trace::record::function") || name.ends_with("ftrace_graph_caller"));
        ensure_eq!(own, None, "a function that tracing runs itself");
        Ok(())
    }
}
