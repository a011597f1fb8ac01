//! The bytes of a terminal, put together to keys. Terminals differ in some keys; all usual forms are taken.

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A printable character.
    Character(u8),
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    /// Ctrl and a letter, in upper case.
    Control(u8),
    /// Anything that nobody gave a meaning to.
    Unknown,
}

/// Where in a sequence the terminal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    /// ESC O.
    Single,
    /// ESC [, with the number behind it and whether there was a further one.
    Sequence(u8, bool),
}

/// Puts bytes together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    state: State,
    /// The last byte was a carriage return: a line feed behind it belongs to it.
    returned: bool,
}

impl Keys {
    /// The key that ends with this byte.
    pub(super) fn take(&mut self, byte: u8) -> Option<Key> {
        let returned = core::mem::replace(&mut self.returned, byte == b'\r');
        match core::mem::take(&mut self.state) {
            State::Ground => match byte {
                b'\n' if returned => None,
                0x1b => self.go_on(State::Escape),
                _ => Some(plain(byte)),
            },
            State::Escape => match byte {
                b'[' => self.go_on(State::Sequence(0, false)),
                b'O' => self.go_on(State::Single),
                0x1b => self.go_on(State::Escape),
                _ => Some(Key::Unknown),
            },
            State::Single => Some(letter(byte)),
            State::Sequence(number, more) => match byte {
                b'0'..=b'9' if !more => {
                    let number = number.saturating_mul(10).saturating_add(byte - b'0');
                    self.go_on(State::Sequence(number, false))
                }
                0x20..=0x3f => self.go_on(State::Sequence(number, true)),
                b'~' => Some(match number {
                    1 | 7 => Key::Home,
                    4 | 8 => Key::End,
                    3 => Key::Delete,
                    _ => Key::Unknown,
                }),
                0x40..=0x7e => Some(letter(byte)),
                // Not part of any sequence: what came before is lost.
                _ => Some(plain(byte)),
            },
        }
    }

    fn go_on(&mut self, state: State) -> Option<Key> {
        self.state = state;
        None
    }
}

fn plain(byte: u8) -> Key {
    match byte {
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x08 | 0x7f => Key::Backspace,
        0x01..=0x1a => Key::Control(byte + b'@'),
        0x20..=0x7e => Key::Character(byte),
        _ => Key::Unknown,
    }
}

fn letter(byte: u8) -> Key {
    match byte {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => Key::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys::default();
        bytes.iter().filter_map(|byte| keys.take(*byte)).collect()
    }

    #[test]
    fn all_usual_forms() {
        for (bytes, expected) in [
            (
                &b"a~\r"[..],
                &[Key::Character(b'a'), Key::Character(b'~'), Key::Enter][..],
            ),
            (b"\r\n\n\r", &[Key::Enter, Key::Enter, Key::Enter]),
            (b"\t\x08\x7f", &[Key::Tab, Key::Backspace, Key::Backspace]),
            (
                b"\x01\x03\x1a",
                &[Key::Control(b'A'), Key::Control(b'C'), Key::Control(b'Z')],
            ),
            (
                b"\x1b[A\x1b[B\x1bOC\x1b[D",
                &[Key::Up, Key::Down, Key::Right, Key::Left],
            ),
            (
                b"\x1b[H\x1bOF\x1b[1~\x1b[8~",
                &[Key::Home, Key::End, Key::Home, Key::End],
            ),
            (b"\x1b[3~x", &[Key::Delete, Key::Character(b'x')]),
            (b"\x1b[1;5Cx", &[Key::Right, Key::Character(b'x')]),
            (b"\x1b[999999999~\x1b[?25h", &[Key::Unknown, Key::Unknown]),
            (b"\x1b\x1b[A", &[Key::Up]),
            (
                b"\x1bq\0\xc3\xa4",
                &[Key::Unknown, Key::Unknown, Key::Unknown, Key::Unknown],
            ),
            (b"\x1b[1\rx", &[Key::Enter, Key::Character(b'x')]),
        ] {
            assert_eq!(keys(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
