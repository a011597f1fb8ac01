//! Parameters of modules: the line `name=value …` that a module is loaded with, and the text of values.
//!
//! What is accepted, and which number a refusal has, is as Linux has it (`kernel/params.c`, `lib/kstrtox.c`).

use crate::errno::Errno;
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// Longest text of a `charp`, in bytes.
const TEXT_LIMIT: usize = 1024;

/// What a parameter's variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An integer of so many bytes.
    Integer {
        /// 1, 2, 4 or 8.
        size: u32,
        /// Whether it can be negative.
        signed: bool,
        /// It is shown in hexadecimal.
        hex: bool,
    },
    /// A byte that is 0 or 1; the word `inverted` says that the text means the opposite.
    Bool {
        /// `invbool`.
        inverted: bool,
    },
    /// A pointer to a string.
    Charp,
    /// An array that a string is copied to.
    String,
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An integer or truth value: the low bytes of this, as many as the kind has.
    Bits(u64),
    /// A string.
    Text(String),
}

impl Kind {
    /// The kind that C calls `name`.
    pub fn from_name(name: &str) -> Option<Kind> {
        let integer = |size, signed| Kind::Integer {
            size,
            signed,
            hex: false,
        };
        Some(match name {
            "byte" => integer(1, false),
            "short" => integer(2, true),
            "ushort" => integer(2, false),
            "int" => integer(4, true),
            "uint" => integer(4, false),
            "hexint" => Kind::Integer {
                size: 4,
                signed: false,
                hex: true,
            },
            "long" => integer(8, true),
            "ulong" | "ullong" => integer(8, false),
            "bool" => Kind::Bool { inverted: false },
            "invbool" => Kind::Bool { inverted: true },
            "charp" => Kind::Charp,
            "string" => Kind::String,
            _ => return None,
        })
    }

    /// Bytes of a variable; `None` where every one has its own size.
    pub fn size(self) -> Option<u32> {
        match self {
            Kind::Integer { size, .. } => Some(size),
            Kind::Bool { .. } => Some(1),
            Kind::Charp => Some(8),
            Kind::String => None,
        }
    }

    /// What `text` says; `None` is a name without a value, which only truth values take.
    ///
    /// # Errors
    /// `EINVAL`: it is no such value. `ERANGE`: no variable of this kind has it. `ENOSPC`: it is too long.
    pub fn parse(self, text: Option<&str>) -> Result<Value, Errno> {
        match (self, text) {
            (Kind::Integer { size, signed, .. }, Some(text)) => {
                integer(text.strip_suffix('\n').unwrap_or(text), size, signed).map(Value::Bits)
            }
            (Kind::Bool { inverted }, text) => {
                truth(text.unwrap_or("1")).map(|truth| Value::Bits(u64::from(truth != inverted)))
            }
            (Kind::Charp, Some(text)) if text.len() > TEXT_LIMIT => Err(Errno::NoSpace),
            (Kind::Charp | Kind::String, Some(text)) => Ok(Value::Text(text.to_owned())),
            (_, None) => Err(Errno::Invalid),
        }
    }

    /// The text of a value.
    pub fn show(self, value: &Value) -> String {
        match (self, value) {
            (_, Value::Text(text)) => text.clone(),
            (Kind::Bool { inverted }, Value::Bits(bits)) => {
                (if (*bits != 0) != inverted { "Y" } else { "N" }).into()
            }
            (Kind::Integer { hex: true, .. }, Value::Bits(bits)) => format!("{bits:#08x}"),
            (Kind::Integer { size, signed, .. }, Value::Bits(bits)) => {
                let shift = 64 - 8 * size;
                if signed {
                    format!("{}", (bits << shift) as i64 >> shift)
                } else {
                    format!("{}", bits << shift >> shift)
                }
            }
            (_, Value::Bits(bits)) => format!("{bits:#x}"),
        }
    }
}

/// An integer in C's notation, with a sign and the base by what it begins with.
fn integer(text: &str, size: u32, signed: bool) -> Result<u64, Errno> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') if signed => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // What the language would take: a second sign.
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(Errno::Invalid);
    }
    let magnitude = u64::from_str_radix(digits, radix).map_err(|_| Errno::Range)?;
    let bits = 8 * size - u32::from(signed);
    let limit = (u64::MAX >> (64 - bits)) + u64::from(negative);
    match (magnitude <= limit, negative) {
        (true, false) => Ok(magnitude),
        (true, true) => Ok(magnitude.wrapping_neg()),
        (false, _) => Err(Errno::Range),
    }
}

fn truth(text: &str) -> Result<bool, Errno> {
    match text.as_bytes() {
        [b'y' | b'Y' | b't' | b'T' | b'1', ..] | [b'o' | b'O', b'n' | b'N', ..] => Ok(true),
        [b'n' | b'N' | b'f' | b'F' | b'0', ..] | [b'o' | b'O', b'f' | b'F', ..] => Ok(false),
        _ => Err(Errno::Invalid),
    }
}

/// Whether two names mean the same parameter: `-` is as good as `_`.
pub fn is_same_name(left: &str, right: &str) -> bool {
    let letters = |name: &str| name.replace('-', "_");
    letters(left) == letters(right)
}

/// One word of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// What is in front of `=`, or all of it.
    pub name: String,
    /// What is behind it.
    pub value: Option<String>,
}

/// The words of a line; what is between double quotes belongs together, and the quotes go.
pub fn arguments(line: &str) -> Vec<Argument> {
    let mut words = Vec::new();
    let (mut word, mut is_quoted, mut is_begun) = (String::new(), false, false);
    for letter in line.chars() {
        match letter {
            '"' => {
                is_quoted = !is_quoted;
                is_begun = true;
            }
            _ if letter.is_ascii_whitespace() && !is_quoted => {
                if core::mem::take(&mut is_begun) {
                    words.push(core::mem::take(&mut word));
                }
            }
            _ => {
                word.push(letter);
                is_begun = true;
            }
        }
    }
    if is_begun {
        words.push(word);
    }
    let argument = |word: String| match word.split_once('=') {
        Some((name, value)) => Argument {
            name: name.into(),
            value: Some(value.into()),
        },
        None => Argument {
            name: word,
            value: None,
        },
    };
    words.into_iter().map(argument).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> Kind {
        Kind::from_name(name).unwrap()
    }

    #[test]
    fn lines() {
        let words = arguments("  replace=1 text=\"two words\"\tflag name=a=b \"all=of it\" empty= ");
        let words: Vec<_> = words
            .iter()
            .map(|word| (word.name.as_str(), word.value.as_deref()))
            .collect();
        let expected = [
            ("replace", Some("1")),
            ("text", Some("two words")),
            ("flag", None),
            ("name", Some("a=b")),
            ("all", Some("of it")),
            ("empty", Some("")),
        ];
        assert_eq!(words, expected);
        assert_eq!(arguments(""), []);
        assert!(is_same_name("pre-patch_ret", "pre_patch-ret") && !is_same_name("a", "b"));
    }

    #[test]
    fn values_come_back_as_they_went_in() {
        for (name, text, shown) in [
            ("int", "-19", "-19"),
            ("int", "0x7fffffff", "2147483647"),
            ("int", "-2147483648\n", "-2147483648"),
            ("int", "+7", "7"),
            ("uint", "010", "8"),
            ("uint", "0", "0"),
            ("byte", "255", "255"),
            ("short", "-32768", "-32768"),
            ("ushort", "65535", "65535"),
            ("long", "-9223372036854775808", "-9223372036854775808"),
            ("ulong", "18446744073709551615", "18446744073709551615"),
            ("ullong", "0xFF", "255"),
            ("hexint", "4660", "0x001234"),
            ("bool", "Y", "Y"),
            ("bool", "off", "N"),
            ("bool", "on", "Y"),
            ("bool", "0", "N"),
            ("invbool", "y", "Y"),
            ("charp", "some text", "some text"),
            ("string", "", ""),
        ] {
            let value = kind(name).parse(Some(text)).unwrap();
            assert_eq!(kind(name).show(&value), shown, "{name} {text:?}");
        }
        assert_eq!(kind("bool").parse(None), Ok(Value::Bits(1)));
        assert_eq!(kind("invbool").parse(Some("Y")), Ok(Value::Bits(0)));
    }

    #[test]
    fn refusals_have_their_numbers() {
        for (name, text, errno) in [
            ("int", Some("abc"), Errno::Invalid),
            ("int", Some(""), Errno::Invalid),
            ("int", Some("-"), Errno::Invalid),
            ("int", Some("--1"), Errno::Invalid),
            ("int", Some("1 "), Errno::Invalid),
            ("int", Some("08"), Errno::Invalid),
            ("int", None, Errno::Invalid),
            ("int", Some("2147483648"), Errno::Range),
            ("int", Some("-2147483649"), Errno::Range),
            ("uint", Some("-1"), Errno::Invalid),
            ("byte", Some("256"), Errno::Range),
            ("ulong", Some("18446744073709551616"), Errno::Range),
            ("bool", Some("maybe"), Errno::Invalid),
            ("charp", None, Errno::Invalid),
            ("charp", Some(&"x".repeat(1025)), Errno::NoSpace),
        ] {
            assert_eq!(kind(name).parse(text), Err(errno), "{name} {text:?}");
        }
        assert_eq!(Kind::from_name("struct"), None);
    }
}
