//! A symbol's name, which a table has in codes, and the path that it stands for.

use super::codes::Codes;
use super::layout::NAME_LENGTH;
use super::plain;
use core::fmt;
use core::fmt::Write as _;

/// A name as the linker has it, `_RNvNtCs…` for Rust. It is decoded when it is looked at; nothing is allocated for that.
#[derive(Clone, Copy)]
pub struct Name<'a>(Form<'a>);

#[derive(Clone, Copy)]
enum Form<'a> {
    Text(&'a str),
    Codes(Codes<'a>),
}

/// Where a table has a name, by which it finds it again: for who keeps many names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameKey {
    /// Numbers of the first code, and of the one behind the last.
    pub(super) start: u32,
    pub(super) end: u32,
}

impl<'a> Name<'a> {
    /// A name that is there as text.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Name(Form::Text(text))
    }

    /// Whether a text can only be a path: no linker's name has what it has.
    pub(super) fn is_path(text: &str) -> bool {
        text.as_bytes().windows(2).any(|pair| pair == b"::")
    }

    pub(super) const fn of_codes(codes: Codes<'a>) -> Self {
        Name(Form::Codes(codes))
    }

    /// Its codes, if it is from a table.
    pub(super) fn codes(self) -> Option<Codes<'a>> {
        match self.0 {
            Form::Text(_) => None,
            Form::Codes(codes) => Some(codes),
        }
    }

    /// What `look` answers of the text. It is on the caller's stack meanwhile; a corrupt table's name is empty.
    pub fn with<R>(self, look: impl FnOnce(&str) -> R) -> R {
        match self.0 {
            Form::Text(text) => look(text),
            Form::Codes(codes) => {
                let bytes: heapless::Vec<u8, NAME_LENGTH> = codes.bytes().take(NAME_LENGTH).collect();
                look(core::str::from_utf8(&bytes).unwrap_or_default())
            }
        }
    }

    /// The demangled path, `kernel::situations::b`; the name itself when it is not mangled.
    #[must_use]
    pub const fn path(self) -> Path<'a> {
        Path(self)
    }
}

impl PartialEq<str> for Name<'_> {
    fn eq(&self, other: &str) -> bool {
        match self.0 {
            Form::Text(text) => text == other,
            Form::Codes(codes) => codes.bytes().eq(other.bytes()),
        }
    }
}

impl PartialEq<&str> for Name<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        other.with(|other| *self == *other)
    }
}

impl Eq for Name<'_> {}

impl fmt::Display for Name<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|text| out.pad(text))
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|text| fmt::Debug::fmt(text, out))
    }
}

/// A name, to be printed or compared as the path that it stands for.
#[derive(Clone, Copy)]
pub struct Path<'a>(Name<'a>);

impl Path<'_> {
    /// Whether it begins so.
    #[must_use]
    pub fn starts_with(self, start: &str) -> bool {
        let mut expected = Expected {
            rest: start.as_bytes(),
            and_then: AndThen::Anything,
        };
        // An error is a difference.
        write!(expected, "{self}").is_ok() && expected.rest.is_empty()
    }
}

impl PartialEq<str> for Path<'_> {
    fn eq(&self, other: &str) -> bool {
        if let Some(answer) = self.0.with(|name| plain::stands_for(name, other)) {
            return answer;
        }
        let mut expected = Expected {
            rest: other.as_bytes(),
            and_then: AndThen::Nothing,
        };
        write!(expected, "{self}").is_ok() && expected.rest.is_empty()
    }
}

impl PartialEq<&str> for Path<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.with(|name| match rustc_demangle::try_demangle(name) {
            Ok(path) => write!(out, "{path:#}"),
            Err(_) => out.pad(name),
        })
    }
}

impl fmt::Debug for Path<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Takes what is written as long as it is what is expected.
struct Expected<'t> {
    rest: &'t [u8],
    and_then: AndThen,
}

/// What may be behind all that is expected.
enum AndThen {
    Nothing,
    Anything,
}

impl fmt::Write for Expected<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let text = text.as_bytes();
        self.rest = match (self.rest.strip_prefix(text), &self.and_then) {
            (Some(rest), _) => rest,
            (None, AndThen::Anything) if text.starts_with(self.rest) => &[],
            (None, _) => return Err(fmt::Error),
        };
        Ok(())
    }
}
