//! The listing of a trampoline that is over its budget: every instruction that is executed, as the image has it.

use crate::command::capture;
use crate::toolchain::cross;
use anyhow::{Result, bail};
use std::path::Path;

/// The file.
pub(super) const FILE: &str = "bench-registers.txt";

/// What one call is counted to cost.
pub(super) const FIGURE: &str = "call/ops/registers";

/// The trampoline: it goes straight through.
const TRAMPOLINE: &str = "ftrace_regs_one_caller";

/// Instructions besides: the stub's, and the ops' own return.
const BESIDES: u64 = 4 + 1;

/// Makes it from the image.
///
/// # Errors
/// `objdump` is missing, or knows so many instructions of it that they are not the `counted` ones of a call.
pub(super) fn listing(image: &Path, counted: u64) -> Result<String> {
    let mut objdump = cross("objdump")?;
    objdump.args(["-d", "--no-show-raw-insn", "--no-addresses"]);
    objdump.arg(format!("--disassemble={TRAMPOLINE}")).arg(image);
    let code = instructions(&capture(&mut objdump)?);
    if code.len() as u64 + BESIDES != counted {
        bail!(
            "{TRAMPOLINE} has {} instructions and a call {BESIDES} besides, but {counted} were counted",
            code.len()
        );
    }
    Ok(format!(
        "What an ops costs that wants all registers: the stub's 4 instructions (mflr r0; lis r11; ori r11; b), the ops' own blr, and\n\
         these {} of {TRAMPOLINE} (arch/ppc64/src/ftrace/one_caller.S), from `cargo xtask bench`:\n\n{}\n",
        code.len(),
        code.join("\n")
    ))
}

/// The instructions of what objdump says.
fn instructions(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.starts_with('\t'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn instructions_are_told_from_the_rest() {
        let text = "\nDisassembly of section .text:\n\n<t>:\n\tld      r12,24(r13)\n\tbne-    <ftrace_recursion>\n\tblr\n";
        assert_eq!(
            super::instructions(text),
            ["ld r12,24(r13)", "bne- <ftrace_recursion>", "blr"]
        );
    }
}
