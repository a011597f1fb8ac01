//! Boots in which time passes by instructions, for figures that are the same each time.

use crate::console::Console;
use crate::machine::{Board, Cpu, Firmware, ICOUNT_SHIFT, Machine};
use crate::qemu;
use crate::verdict::{End, Kind, Verdict};
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// Boots pseries with so many processors of this kind: what the guest said when it has passed, otherwise the verdict. The guest
/// is told on its command line that it can count, besides `arguments`. Where these ask for a shell there are no cases, and it
/// has passed when it ends in order.
pub(crate) fn boot(
    (cpu, smp): (Cpu, u16),
    arguments: &str,
    image: &Path,
    initrd: &Path,
    timeout: Duration,
) -> Result<Result<String, Verdict>> {
    let board = Board::Pseries {
        cpu,
        firmware: Firmware::Vof,
    };
    let machine = Machine {
        board,
        smp,
        memory: board.default_memory(),
        icount: true,
        gdb: None,
        kgdb: None,
        command_line: format!("{arguments} icount={ICOUNT_SHIFT}"),
        image: image.to_path_buf(),
        initrd: initrd.to_path_buf(),
    };
    let mut screen = Vec::new();
    let mut console = Console::new(&mut screen, None);
    let end = match qemu::boot(&machine, Some(timeout), &mut console, None) {
        Ok(end) => end,
        Err(qemu::StartError(reason)) => End::NotStarted(reason),
    };
    let report = console.finish()?;
    let has_shell = arguments.split_whitespace().any(|argument| argument == "shell");
    let shell_passed = has_shell && matches!(Verdict::of_shell(&report, &end), Ok(0));
    let verdict = Verdict::of(&report, &end);
    if !shell_passed && verdict.kind != Kind::Passed {
        return Ok(Err(verdict));
    }
    Ok(Ok(String::from_utf8_lossy(&screen).into_owned()))
}
