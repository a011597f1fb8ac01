//! Exceptions cannot be stepped through from inside: their entry and exit run with single steps off. So a debugger does it,
//! from outside: before every instruction, from the vector to the interrupted code, the unwind tables must lead to exactly
//! the registers that were interrupted, and from them to the thread's first function.

use end_to_end::debugged::{Waiting, wait_for_debugger};
use end_to_end::image::Image;
use end_to_end::remote::{Registers, Remote};
use end_to_end::unwinder::Tables;
use std::io::{self, BufReader, Read as _};
use std::path::Path;
use std::process::Child;

/// The case that takes one exception after the other.
const CASE: &str = "unwind::exceptions::*";
/// How the front door ends when the guest has reported its end and is still there: one that reports a failure is left standing by
/// QEMU when there is a debugger, so that it can be looked at.
const LEFT_STANDING: i32 = 5;
/// More instructions than an entry or an exit has.
const LONGEST: u32 = 400;
/// More frames than a thread has here.
const DEEPEST: usize = 200;
/// The vectors, and the templates that were copied to them.
const RESET: u64 = 0x100;
const MACHINE_CHECK: u64 = 0x200;
const DATA_STORAGE: u64 = 0x300;
const PROGRAM: u64 = 0x700;
const DECREMENTER: u64 = 0x900;
const TRACE: u64 = 0xd00;
const VECTORS: std::ops::Range<u64> = 0x100..0x1000;
/// Where the image begins; no stack is below.
const IMAGE: u64 = 0x40_0000;
/// Bytes of a vector.
const VECTOR_SIZE: u64 = 16;
/// MSR in an entry's first instruction: 64-bit, machine checks on, little-endian (Power ISA 3.0B, book III, 6.5).
const MSR_AT_VECTOR: u64 = 1 << 63 | 1 << 12 | 1;

/// A guest under a debugger, and what it was booted with.
struct Guest {
    run: Child,
    output: BufReader<std::process::ChildStderr>,
    remote: Remote,
    image: Image,
}

/// What was compared.
#[derive(Debug, Default)]
struct Count {
    exceptions: usize,
    /// Those of them whose interrupted r1 leads to no chain: nothing above is compared.
    without_chain: usize,
    /// Instructions before which the guest was stopped.
    instructions: usize,
    /// Frames of all chains.
    frames: usize,
    mismatches: Vec<String>,
}

impl Guest {
    fn boot(options: &[&str], cases: &str) -> Guest {
        let options = [&["--case", cases], options].concat();
        let Waiting { run, errors, line } = wait_for_debugger(240, &options);
        // TOCSIN_IMAGE=IMAGE gdb-multiarch -x … -ex 'target remote localhost:PORT'
        let mut words = line.split_whitespace();
        let image = words
            .find_map(|word| word.strip_prefix("TOCSIN_IMAGE="))
            .expect("the line names the image");
        let port = line.trim().trim_end_matches('\'').rsplit(':').next();
        let port = port.and_then(|port| port.parse().ok()).expect("and a port");
        Guest {
            run,
            output: errors,
            remote: Remote::connect(port).expect("QEMU waits there"),
            image: Image::read(Path::new(image)).expect("it can be read"),
        }
    }

    /// Lets the guest run until it comes to an address.
    fn run_to(&mut self, address: u64) -> io::Result<Registers> {
        self.remote.set_breakpoint(address)?;
        self.remote.go_on()?;
        self.remote.clear_breakpoint(address)?;
        let registers = self.remote.registers()?;
        assert_eq!(registers.pc, address, "it stopped elsewhere");
        Ok(registers)
    }

    /// Lets the guest run to the end: what it printed.
    fn finish(mut self) -> (i32, String) {
        self.remote.detach().expect("the guest is there");
        let mut text = String::new();
        let mut output = self.run.stdout.take().expect("its standard output");
        output.read_to_string(&mut text).expect("it is UTF-8");
        self.output.read_to_string(&mut text).expect("it is UTF-8");
        let status = self.run.wait().expect("it ends");
        (status.code().unwrap_or(-1), text)
    }

    /// Where the table of the next instruction is: a vector is a copy of its template.
    fn in_image(&self, pc: u64) -> u64 {
        if !VECTORS.contains(&pc) {
            return pc;
        }
        let template = match pc & !(VECTOR_SIZE - 1) {
            RESET => "reset_vector_template",
            MACHINE_CHECK => "machine_check_vector_template",
            _ => "exception_vector_template",
        };
        self.image.address(template) + pc % VECTOR_SIZE
    }

    /// All callers from these registers on, the innermost first. A compiler's table is right at calls, and may be wrong for the
    /// function that was interrupted: in the same way each time it is asked.
    fn chain(
        &mut self,
        tables: &Tables<'_>,
        mut registers: Registers,
        interrupted: u64,
    ) -> io::Result<Vec<Registers>> {
        let mut chain = Vec::new();
        let mut is_next = true;
        loop {
            let behind_call = if is_next { 0 } else { 4 };
            let address = self.in_image(registers.pc).checked_sub(behind_call);
            let address = address.ok_or_else(|| io::Error::other("a return to address 0"))?;
            let remote = &mut self.remote;
            let caller = tables.caller(&registers, address, interrupted, &mut |at| {
                // The debugger sees memory as the processor does: at a vector by real addresses, later with translation. What
                // is mapped in both is the image and what lies above it; a wild r1 may lead below.
                if at < IMAGE {
                    return Err(io::Error::other(format!("{at:#x} is on no stack")));
                }
                remote.read(at)
            });
            let Some(caller) = caller? else {
                return Ok(chain);
            };
            is_next = caller.was_interrupted;
            registers = caller.registers;
            chain.push(registers.clone());
            if chain.len() > DEEPEST {
                return Err(io::Error::other("the chain has no end"));
            }
        }
    }

    /// From a vector's first instruction, where `truth` are the registers and SRR0 says what was interrupted, one
    /// instruction after the other until `is_over`.
    fn step_through(
        &mut self,
        tables: &Tables<'_>,
        truth: &Registers,
        count: &mut Count,
        is_over: &dyn Fn(&Registers) -> bool,
    ) -> io::Result<()> {
        let mut expected = truth.clone();
        expected.pc = self.remote.register("srr0")?;
        // Above what was interrupted, the chain as the interrupted registers give it, before anything has changed.
        let above = self.chain(tables, expected.clone(), 0);
        let handler = self.image.address("exception_handler");
        let exit = self.image.address("exception_exit");
        let mut registers = truth.clone();
        count.exceptions += 1;
        count.without_chain += usize::from(above.is_err());
        for _ in 0..LONGEST {
            if is_over(&registers) {
                return Ok(());
            }
            if registers.pc == handler {
                // What the compiler has written is stepped through from inside; here it runs.
                self.run_to(exit)?;
                registers = self.remote.registers()?;
            }
            let save_register = self.remote.register("srr0")?;
            let address = self.in_image(registers.pc);
            let remote = &mut self.remote;
            let found = tables.caller(&registers, address, save_register, &mut |at| remote.read(at));
            count.instructions += 1;
            let place = format!("{:#x} {}", registers.pc, self.image.name_of(address));
            match found {
                Ok(Some(found)) => {
                    // MSR is no concern of a table's.
                    let found = Registers {
                        msr: expected.msr,
                        ..found.registers
                    };
                    let differs = difference(&expected, &found);
                    let chain = self.chain(tables, found, 0);
                    count.frames += 1;
                    if let Some(differs) = differs {
                        count.mismatches.push(format!("{place}: {differs}"));
                    } else if let Ok(above) = &above {
                        count.frames += above.len();
                        if chain.ok().as_ref() != Some(above) {
                            count.mismatches.push(format!("{place}: another chain above"));
                        }
                    }
                }
                other => count.mismatches.push(format!("{place}: {other:?}")),
            }
            self.remote.step()?;
            registers = self.remote.registers()?;
        }
        Err(io::Error::other("the exception has no end"))
    }
}

/// What of two sets of registers is not the same.
fn difference(expected: &Registers, found: &Registers) -> Option<String> {
    let named = |registers: &Registers| {
        let mut all: Vec<(String, u64)> = (0..32).map(|n| (format!("r{n}"), registers.gpr[n])).collect();
        all.push(("nip".to_owned(), registers.pc));
        all.push(("lr".to_owned(), registers.lr));
        all.push(("ctr".to_owned(), registers.ctr));
        all
    };
    let (expected, found) = (named(expected), named(found));
    let different = expected
        .iter()
        .zip(&found)
        .filter(|(expected, found)| expected != found);
    let words: Vec<String> = different
        .map(|((name, expected), (_, found))| format!("{name} is {expected:#x}, found {found:#x}"))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What the processor does for an exception at the next instruction, done by hand.
fn raise(guest: &mut Guest, vector: u64) -> io::Result<Registers> {
    let registers = guest.remote.registers()?;
    guest.remote.set_register("srr0", registers.pc)?;
    guest.remote.set_register("srr1", registers.msr)?;
    guest.remote.set_register("msr", MSR_AT_VECTOR)?;
    guest.remote.set_register("pc", vector)?;
    guest.remote.registers()
}

/// Steps through what comes back: from the vector to the interrupted instruction.
fn whole(guest: &mut Guest, tables: &Tables<'_>, truth: &Registers, count: &mut Count) -> io::Result<()> {
    let nip = guest.remote.register("srr0")?;
    let stack_pointer = truth.gpr[1];
    guest.step_through(tables, truth, count, &|registers| {
        registers.pc == nip && registers.gpr[1] == stack_pointer
    })
}

/// Steps through what does not: from the vector to the handler.
fn entry(guest: &mut Guest, tables: &Tables<'_>, truth: &Registers, count: &mut Count) -> io::Result<()> {
    let handler = guest.image.address("exception_handler");
    guest.step_through(tables, truth, count, &|registers| registers.pc == handler)
}

fn steps_through_every_exception(options: &[&str]) -> io::Result<()> {
    let mut guest = Guest::boot(options, CASE);
    let image = guest.image.clone();
    let tables = Tables::of(&image)?;
    let mut count = Count::default();

    // The vectors are there by the first exception.
    guest.run_to(image.address("exception_handler"))?;
    for _ in 0..3 {
        let truth = guest.run_to(DECREMENTER)?;
        whole(&mut guest, &tables, &truth, &mut count)?;
    }
    // The monitor's, on the reset stack.
    guest.remote.monitor("nmi")?;
    let truth = guest.run_to(RESET)?;
    whole(&mut guest, &tables, &truth, &mut count)?;
    // A trap and an access of nothing, in threads that end by them; single steps.
    for vector in [PROGRAM, DATA_STORAGE] {
        let truth = guest.run_to(vector)?;
        entry(&mut guest, &tables, &truth, &mut count)?;
    }
    for _ in 0..3 {
        let truth = guest.run_to(TRACE)?;
        whole(&mut guest, &tables, &truth, &mut count)?;
    }
    // With a stack pointer that is none, on the emergency stack: by hand, and everything put back.
    let sound = guest.remote.registers()?.gpr[1];
    let wild = [0x10, 0x7000_0000_0000_0000, sound & 0xffff_ffff | 7 << 40];
    for wild in wild {
        guest.remote.set_register("r1", wild)?;
        let truth = raise(&mut guest, TRACE)?;
        whole(&mut guest, &tables, &truth, &mut count)?;
        guest.remote.set_register("r1", sound)?;
    }
    // A machine check, by hand, since this machine has none: the thread does not come back from it.
    let truth = raise(&mut guest, MACHINE_CHECK)?;
    entry(&mut guest, &tables, &truth, &mut count)?;
    let (status, output) = guest.finish();
    assert_eq!(
        status, LEFT_STANDING,
        "the machine check ended the case's thread\n{output}"
    );
    assert!(output.contains("machine check in thread"), "{output}");

    println!(
        "{} exceptions stepped through, {} instructions, {} frames compared, {} mismatches",
        count.exceptions,
        count.instructions,
        count.frames,
        count.mismatches.len()
    );
    assert!(count.mismatches.is_empty(), "{}", count.mismatches.join("\n"));
    assert_eq!(
        count.without_chain,
        wild.len(),
        "only a wild r1 leads to no chain"
    );
    assert!(
        count.instructions > 1000,
        "only {} instructions",
        count.instructions
    );
    Ok(())
}

#[test]
fn the_tables_are_right_at_every_instruction_of_an_exception() -> io::Result<()> {
    steps_through_every_exception(&[])
}

/// The kernel's own walk, where the monitor's `nmi` comes in the middle of another exception.
fn reset_at(place: impl Fn(&Image) -> u64, steps: usize) -> io::Result<String> {
    let mut guest = Guest::boot(&[], CASE);
    guest.run_to(guest.image.address("exception_handler"))?;
    guest.run_to(DECREMENTER)?;
    guest.run_to(place(&guest.image))?;
    for _ in 0..steps {
        guest.remote.step()?;
    }
    guest.remote.monitor("nmi")?;
    let (_, output) = guest.finish();
    Ok(output)
}

#[test]
fn a_reset_in_an_entry_is_no_reliable_trace() -> io::Result<()> {
    let output = reset_at(|image| image.address("exception_entry"), 10)?;
    let trace = output
        .split("system reset of CPU")
        .nth(1)
        .expect("it is reported");
    assert!(trace.contains("interrupted by vector 0x100"), "{output}");
    assert!(trace.contains("what it interrupted is lost"), "{output}");
    Ok(())
}

#[test]
fn a_reset_behind_an_entry_has_both_exceptions_in_its_trace() -> io::Result<()> {
    let output = reset_at(|image| image.address("exception_exit"), 0)?;
    let trace = output
        .split("system reset of CPU")
        .nth(1)
        .expect("it is reported");
    // thread_start, or _start.
    let (trace, _) = trace.split_once("_start+").expect("the trace has its end");
    for vector in ["0x100", "0x900"] {
        assert!(
            trace.contains(&format!("interrupted by vector {vector}")),
            "{output}"
        );
    }
    assert!(!trace.contains("a guess"), "{output}");
    Ok(())
}
