//! C's format strings, as far as the kernel's printk takes them.
//!
//! `%[-+ #0][width|*][.precision|.*][hh|h|l|ll|z|j|t]conversion`, with the conversions `d i u x X o c s p %`, and `p` with
//! the kernel's extensions (`pointer.rs`). What is none of these is printed as it stands, so that a mistake is seen and
//! nothing is read for it.
//!
//! In the ELFv2 ABI every variable argument of these types takes one doubleword, so arguments come as `u64`s.

mod gfp;
mod pointer;
#[cfg(test)]
mod tests;

use core::fmt::{Result, Write};

/// Where arguments and the strings that they point to come from.
pub trait Arguments {
    /// The next argument.
    fn next(&mut self) -> u64;
    /// The bytes of the string at an address up to its NUL, at most `limit` of them.
    fn string(&self, address: u64, limit: usize) -> &[u8];
    /// So many bytes at an address.
    fn bytes(&self, address: u64, count: usize) -> &[u8];
    /// Writes the name of what is at an address, `with_offset` with the way from there: `name+0x10/0x40`.
    ///
    /// # Errors
    /// Only those of `out`.
    fn symbol(&self, out: &mut dyn Write, address: u64, with_offset: bool) -> Result;
}

/// One `%…`.
#[derive(Debug, Default, Clone, Copy)]
struct Directive {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    /// Bits of an integer argument.
    bits: u32,
}

/// No string is printed any further, and no field is padded to more.
const LIMIT: usize = 1024;

/// Writes `format` with its arguments.
///
/// # Errors
/// Only those of `out`.
pub fn write(out: &mut dyn Write, format: &[u8], arguments: &mut dyn Arguments) -> Result {
    let mut rest = format;
    while let Some(percent) = rest.iter().position(|&byte| byte == b'%') {
        text(out, &rest[..percent])?;
        let mut cursor = &rest[percent + 1..];
        let directive = Directive::parse(&mut cursor, arguments);
        let conversion = take(&mut cursor);
        if conversion == Some(b'p') {
            directive.pointer(out, &mut cursor, arguments)?;
        } else if !directive.convert(out, conversion, arguments)? {
            text(out, &rest[percent..rest.len() - cursor.len()])?;
        }
        rest = cursor;
    }
    text(out, rest)
}

fn take(cursor: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = cursor.split_first()?;
    *cursor = rest;
    Some(first)
}

fn take_if(cursor: &mut &[u8], wanted: u8) -> bool {
    let found = cursor.first() == Some(&wanted);
    if found {
        *cursor = &cursor[1..];
    }
    found
}

/// A number in the format, or from the arguments.
fn number(cursor: &mut &[u8], arguments: &mut dyn Arguments) -> i64 {
    if take_if(cursor, b'*') {
        return i64::from(arguments.next() as i32);
    }
    let mut value = 0i64;
    while let Some(digit) = cursor.first().filter(|byte| byte.is_ascii_digit()) {
        value = (value * 10 + i64::from(digit - b'0')).min(LIMIT as i64);
        *cursor = &cursor[1..];
    }
    value
}

impl Directive {
    fn parse(cursor: &mut &[u8], arguments: &mut dyn Arguments) -> Directive {
        let mut directive = Directive {
            bits: 32,
            ..Directive::default()
        };
        loop {
            match cursor.first() {
                Some(b'-') => directive.left = true,
                Some(b'+') => directive.plus = true,
                Some(b' ') => directive.space = true,
                Some(b'#') => directive.alternate = true,
                Some(b'0') => directive.zero = true,
                _ => break,
            }
            *cursor = &cursor[1..];
        }
        let width = number(cursor, arguments);
        directive.left |= width < 0;
        directive.width = (width.unsigned_abs() as usize).min(LIMIT);
        if take_if(cursor, b'.') {
            directive.precision = usize::try_from(number(cursor, arguments)).ok();
        }
        loop {
            directive.bits = match cursor.first() {
                Some(b'h') if directive.bits == 16 => 8,
                Some(b'h') => 16,
                Some(b'l' | b'z' | b'j' | b't') => 64,
                _ => break,
            };
            *cursor = &cursor[1..];
        }
        directive
    }

    /// Writes one argument; false, with nothing written or read, when there is no such conversion.
    fn convert(
        self,
        out: &mut dyn Write,
        conversion: Option<u8>,
        arguments: &mut dyn Arguments,
    ) -> core::result::Result<bool, core::fmt::Error> {
        let shift = 64 - self.bits;
        match conversion {
            Some(b'%') => out.write_char('%')?,
            Some(b'c') => self.pad(out, "", &[arguments.next() as u8], false)?,
            Some(b's') => {
                let address = arguments.next();
                let limit = self.precision.unwrap_or(LIMIT).min(LIMIT);
                match address {
                    0 => self.pad(out, "", b"(null)", false)?,
                    _ => self.pad(out, "", arguments.string(address, limit), false)?,
                }
            }
            Some(b'd' | b'i') => {
                let value = (arguments.next() << shift) as i64 >> shift;
                let sign = match value {
                    ..0 => "-",
                    _ if self.plus => "+",
                    _ if self.space => " ",
                    _ => "",
                };
                self.integer(out, sign, value.unsigned_abs(), 10, false)?;
            }
            Some(letter @ (b'u' | b'x' | b'X' | b'o')) => {
                let value = arguments.next() << shift >> shift;
                let (radix, prefix) = match letter {
                    b'u' => (10, ""),
                    b'o' => (8, "0"),
                    b'x' => (16, "0x"),
                    _ => (16, "0X"),
                };
                let prefix = if self.alternate && value != 0 { prefix } else { "" };
                self.integer(out, prefix, value, radix, letter == b'X')?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn integer(self, out: &mut dyn Write, prefix: &str, mut value: u64, radix: u64, upper: bool) -> Result {
        let mut digits = [b'0'; 22];
        let mut start = digits.len();
        while value != 0 {
            start -= 1;
            let digit = char::from_digit((value % radix) as u32, radix as u32).unwrap_or('?');
            digits[start] = if upper { digit.to_ascii_uppercase() } else { digit } as u8;
            value /= radix;
        }
        let least = self.precision.unwrap_or(1).min(digits.len());
        start = start.min(digits.len() - least);
        self.pad(
            out,
            prefix,
            &digits[start..],
            self.zero && self.precision.is_none() && !self.left,
        )
    }

    fn pad(self, out: &mut dyn Write, prefix: &str, content: &[u8], zeros: bool) -> Result {
        let padding = self.width.saturating_sub(prefix.len() + content.len());
        let fill = |out: &mut dyn Write, with: char| (0..padding).try_for_each(|_| out.write_char(with));
        if !self.left && !zeros {
            fill(out, ' ')?;
        }
        out.write_str(prefix)?;
        if zeros {
            fill(out, '0')?;
        }
        text(out, content)?;
        if self.left { fill(out, ' ') } else { Ok(()) }
    }
}

/// Writes bytes that should be UTF-8; those that are not become `\xff`.
fn text(out: &mut dyn Write, bytes: &[u8]) -> Result {
    for chunk in bytes.utf8_chunks() {
        out.write_str(chunk.valid())?;
        chunk
            .invalid()
            .iter()
            .try_for_each(|byte| write!(out, "\\x{byte:02x}"))?;
    }
    Ok(())
}
