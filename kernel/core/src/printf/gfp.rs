//! The names of the flags of a `gfp_t`; their values are those of `kernel/include/linux/gfp.h`.

use core::fmt::{Result, Write};

/// Names and flags, the larger sets first: what is named is taken out.
const NAMES: &[(&str, u32)] = &[
    ("GFP_KERNEL", 0xcc0),
    ("GFP_NOFS", 0xc40),
    ("GFP_ATOMIC", 0xa20),
    ("GFP_NOIO", 0xc00),
    ("GFP_NOWAIT", 0x800),
    ("__GFP_HIGH", 0x20),
    ("__GFP_IO", 0x40),
    ("__GFP_FS", 0x80),
    ("__GFP_ZERO", 0x100),
    ("__GFP_ATOMIC", 0x200),
    ("__GFP_DIRECT_RECLAIM", 0x400),
    ("__GFP_NOWARN", 0x2000),
    ("__GFP_NORETRY", 0x1_0000),
];

/// Writes the flags' names with `|` between them; what has none, as a number; `none` for no flag.
///
/// # Errors
/// Only those of `out`.
pub(super) fn write(out: &mut dyn Write, flags: u32) -> Result {
    let mut left = flags;
    for (name, value) in NAMES {
        if left & value == *value {
            separate(out, left != flags)?;
            out.write_str(name)?;
            left &= !value;
        }
    }
    match (left, flags) {
        (_, 0) => out.write_str("none"),
        (0, _) => Ok(()),
        _ => {
            separate(out, left != flags)?;
            write!(out, "{left:#x}")
        }
    }
}

fn separate(out: &mut dyn Write, is_due: bool) -> Result {
    if is_due { out.write_char('|') } else { Ok(()) }
}
