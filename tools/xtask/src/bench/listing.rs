//! The listing of a trampoline that is over its budget: every instruction that is executed, as the image has it.

use crate::command::capture;
use crate::toolchain::cross;
use anyhow::{Result, bail};
use std::path::Path;

/// The file.
pub(super) const FILE: &str = "bench-registers.txt";

/// The trampoline: it goes straight through.
const TRAMPOLINE: &str = "ftrace_regs_one_caller";

/// Makes it from the image.
///
/// # Errors
/// `objdump` is missing, or does not know the trampoline.
pub(super) fn listing(image: &Path) -> Result<String> {
    let mut objdump = cross("objdump")?;
    objdump.args(["-d", "--no-show-raw-insn"]);
    objdump.arg(format!("--disassemble={TRAMPOLINE}")).arg(image);
    let code = instructions(&capture(&mut objdump)?);
    if code.is_empty() {
        bail!("{} has no {TRAMPOLINE}", image.display());
    }
    Ok(format!(
        "What an ops costs that wants all registers: the stub's 4 instructions (mflr r0; lis r11; ori r11; b), the ops' own blr, and\n\
         these {} of {TRAMPOLINE} (arch/ppc64/src/ftrace/one_caller.S), from `cargo xtask bench`:\n\n{}\n",
        code.len(),
        code.join("\n")
    ))
}

/// The instructions of what objdump says, without their addresses, which say nothing.
fn instructions(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once(":\t"))
        .map(|(_, instruction)| {
            let words = instruction.replace('\t', " ");
            // `bne- 400288 <name>`: the name is enough.
            match words.rsplit_once(' ').filter(|(_, last)| last.starts_with('<')) {
                Some((start, name)) => format!(
                    "{} {}",
                    start.rsplit_once(' ').map_or(start, |(start, _)| start),
                    name.trim_matches(['<', '>'])
                ),
                None => words,
            }
        })
        .map(|words| words.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_are_left_out() {
        let text = "\nDisassembly of section .text:\n\n0000000000400598 <t>:\n  400598:\tld      r12,24(r13)\n  4005a0:\tbne-    400288 <ftrace_recursion>\n  4005a4:\tblr\n";
        assert_eq!(
            super::instructions(text),
            ["ld r12,24(r13)", "bne- ftrace_recursion", "blr"]
        );
    }
}
