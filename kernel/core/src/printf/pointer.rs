//! `%p` and the kernel's extensions of it.
//!
//! | format | what |
//! |---|---|
//! | `%p`, `%px`, `%pK` | the address, 16 digits: nothing here needs to be hidden |
//! | `%ps` | the name of the function or object there |
//! | `%pS`, `%pB` | the same with offset and size; `%pB` is a return address, and what counts is in front of it |
//! | `%pe` | an error pointer's name: `-ENOMEM` |
//! | `%pGg` | the flags of a `gfp_t` |
//! | `%*ph`, with `C`, `D` or `N` | so many bytes, with ` `, `:`, `-` or nothing between them |

use super::{Arguments, Directive, gfp, text};
use crate::errno::Errno;
use alloc::string::String;
use core::fmt::{Result, Write};

/// Error pointers are the last so many addresses.
const MAX_ERRNO: u64 = 4095;
/// No more bytes than this are shown.
const BYTES: usize = 64;

impl Directive {
    /// Writes one pointer; letters that are no extension stay in the text.
    pub(super) fn pointer(
        self,
        out: &mut dyn Write,
        cursor: &mut &[u8],
        arguments: &mut dyn Arguments,
    ) -> Result {
        let address = arguments.next();
        let rest = *cursor;
        let mut take = |length| *cursor = &rest[length..];
        let mut content = String::new();
        match rest {
            [b's', ..] => {
                take(1);
                arguments.symbol(&mut content, address, false)?;
            }
            [b'S', ..] => {
                take(1);
                arguments.symbol(&mut content, address, true)?;
            }
            [b'B', ..] => {
                take(1);
                arguments.symbol(&mut content, address.wrapping_sub(1), true)?;
            }
            [b'e', ..] => {
                take(1);
                let number = 0u64.wrapping_sub(address);
                if !(1..=MAX_ERRNO).contains(&number) {
                    return self.address(out, address);
                }
                match Errno::from_number(number as i32) {
                    Some(errno) => write!(content, "-{errno}")?,
                    None => write!(content, "-{number}")?,
                }
            }
            [b'G', b'g', ..] => {
                take(2);
                match *arguments.bytes_or_none(address, size_of::<u32>()) {
                    [a, b, c, d] => gfp::write(&mut content, u32::from_le_bytes([a, b, c, d]))?,
                    _ => content.push_str("(null)"),
                }
            }
            [b'h', ..] => {
                let separator = match rest.get(1) {
                    Some(b'C') => ":",
                    Some(b'D') => "-",
                    Some(b'N') => "",
                    _ => " ",
                };
                take(if separator == " " { 1 } else { 2 });
                let count = self.width.clamp(1, BYTES);
                for (index, byte) in arguments.bytes_or_none(address, count).iter().enumerate() {
                    let separator = if index == 0 { "" } else { separator };
                    write!(content, "{separator}{byte:02x}")?;
                }
                return text(out, content.as_bytes());
            }
            [b'x' | b'K', ..] => {
                take(1);
                return self.address(out, address);
            }
            _ => return self.address(out, address),
        }
        self.pad(out, "", content.as_bytes(), false)
    }

    /// The address itself.
    fn address(self, out: &mut dyn Write, address: u64) -> Result {
        let precision = Some(16);
        Directive { precision, ..self }.integer(out, "", address, 16, false)
    }
}

impl dyn Arguments + '_ {
    /// Bytes that a pointer of C's leads to; none for the null pointer.
    fn bytes_or_none(&self, address: u64, count: usize) -> &[u8] {
        if address == 0 {
            &[]
        } else {
            self.bytes(address, count)
        }
    }
}
