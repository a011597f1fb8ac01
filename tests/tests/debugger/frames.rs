//! GDB's frames, compared with the truth at every instruction.

use end_to_end::DESIGNS;

use super::run_script;

/// Every line must be about one call, in which something was compared, without a mismatch.
#[track_caller]
fn must_be_exact(lines: &[String], what: &str) {
    let begin = format!("{what}: 1 calls, ");
    let line = lines.iter().find(|line| line.starts_with(&begin));
    let line = line.unwrap_or_else(|| panic!("no call under {what}: {lines:#?}"));
    assert!(line.ends_with(" 0 mismatches"), "{lines:#?}");
}

/// Steps through a call under each of these designs, which must be exact.
fn step_through(options: &[&str], designs: &[&str]) -> Vec<String> {
    let case = "livepatch::tests::a_patch_comes_and_goes_under_every_design";
    let options = [&["--case", case], options].concat();
    // Patched, and afterwards.
    let settings = format!("CALLS={}", 2 * designs.len());
    let lines = run_script(&options, &settings, "witness.py", "witness");
    for design in designs {
        must_be_exact(&lines, design);
    }
    lines
}

#[test]
fn a_call_under_every_design() {
    if !end_to_end::has_gdb() {
        return;
    }
    let lines = step_through(&[], &DESIGNS);
    // So many lines of the trampolines' sources were found for their instructions, all of them right: a wrong one is a mismatch.
    let found = lines
        .iter()
        .find_map(|line| line.strip_suffix(" lines of assembly were those that were executed"));
    let found: u32 = found.and_then(|count| count.parse().ok()).expect("a count");
    assert!(found > 100, "{lines:#?}");
}

#[test]
fn a_call_that_the_graph_tracer_sees() {
    if !end_to_end::has_gdb() {
        return;
    }
    let case = "livepatch::tests::the_graph_tracer_sees_a_patched_function_begin_and_end_once";
    let settings = format!("CALLS={}", DESIGNS.len());
    let lines = run_script(&["--case", case], &settings, "witness.py", "witness");
    for design in DESIGNS {
        must_be_exact(&lines, &format!("{design}, graph"));
    }
}

/// The kernel steps through the call, so behind each instruction there is an exception.
#[test]
fn a_call_behind_exceptions() {
    if !end_to_end::has_gdb() {
        return;
    }
    let case = "unwind::stepped::trampolines::every_design";
    let settings = format!("CALLS={}; EVERY=200; SKIP=7", DESIGNS.len());
    let lines = run_script(&["--case", case], &settings, "interrupted.py", "witness");
    for place in ["at the vector", "on the way"] {
        let begin = format!("{place}: {} calls, ", DESIGNS.len());
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with(&begin) && line.ends_with(" 0 mismatches")),
            "{lines:#?}"
        );
    }
}

/// Another processor, whose code is pc-relative, with several CPUs. There is no TOC pointer, so caller-frame has no calls.
#[test]
fn a_call_in_a_kernel_without_a_toc() {
    if !end_to_end::has_gdb() {
        return;
    }
    let designs: Vec<&str> = DESIGNS
        .into_iter()
        .filter(|design| *design != "caller-frame")
        .collect();
    step_through(&["--cpu", "power10", "--abi", "pcrel", "--smp", "4"], &designs);
}

/// A machine whose firmware puts the kernel into memory only after the debugger has connected.
#[test]
fn a_call_without_a_hypervisor() {
    if !end_to_end::has_gdb() {
        return;
    }
    step_through(&["--machine", "powernv9"], &DESIGNS);
}
