//! The editor, with a terminal that understands what it shows.

use super::*;

/// One line of a screen, as a terminal would show it.
#[derive(Default)]
struct Screen {
    line: Vec<char>,
    cursor: usize,
    saved: usize,
    scrolled: Vec<String>,
}

impl Screen {
    fn show(&mut self, text: &str) {
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            match character {
                '\n' => {
                    self.scrolled
                        .push(core::mem::take(&mut self.line).into_iter().collect());
                    self.cursor = 0;
                }
                '\r' => self.cursor = 0,
                '\u{8}' => self.cursor -= 1,
                '\u{7}' => {}
                '\u{1b}' => {
                    assert_eq!(rest.next(), Some('['));
                    let mut number = String::new();
                    let end = loop {
                        match rest.next().expect("a sequence has an end") {
                            digit @ '0'..='9' => number.push(digit),
                            end => break end,
                        }
                    };
                    let number = number.parse().unwrap_or(1);
                    match end {
                        'K' => self.line.truncate(self.cursor),
                        'C' => self.cursor += number,
                        'D' => self.cursor -= number,
                        's' => self.saved = self.cursor,
                        'u' => self.cursor = self.saved,
                        'H' => self.cursor = 0,
                        'J' => self.line.clear(),
                        other => panic!("the terminal does not know {other:?}"),
                    }
                }
                plain => {
                    self.line.resize(self.line.len().max(self.cursor + 1), ' ');
                    self.line[self.cursor] = plain;
                    self.cursor += 1;
                }
            }
        }
    }
}

const NAMES: [&str; 5] = ["cat", "echo", "insmod", "lsmod", "ls"];

fn names(line: &str) -> Vec<String> {
    if line.contains(' ') {
        return ["/proc/", "/proc/cmdline", "/sys/"].map(String::from).to_vec();
    }
    NAMES.map(String::from).to_vec()
}

/// What is on the screen, with a bar where the cursor is, and the events that are any.
fn typed(keys: &str) -> (String, Vec<Event>) {
    let (mut editor, mut screen) = (Editor::new("$ "), Screen::default());
    let mut out = String::new();
    editor.start(&mut out);
    let mut events = Vec::new();
    for byte in keys.bytes() {
        match editor.feed(byte, &mut names, &mut out) {
            Event::None => {}
            event => {
                events.push(event);
                editor.start(&mut out);
            }
        }
        screen.show(&core::mem::take(&mut out));
    }
    let (line, cursor) = editor.look();
    let shown: String = screen.line.iter().collect();
    assert_eq!(shown.trim_end(), format!("$ {line}").trim_end(), "{keys:?}");
    assert_eq!(screen.cursor, 2 + cursor, "{keys:?}: the cursor in {line:?}");
    (format!("{}|{}", &line[..cursor], &line[cursor..]), events)
}

#[test]
fn editing() {
    for (keys, expected) in [
        ("abc", "abc|"),
        ("abc\x1b[D\x1b[DX", "aX|bc"),
        ("abc\x7f\x7f", "a|"),
        ("abc\x1b[D\x08", "a|c"),
        ("\x7fab\x1b[C\x1b[C", "ab|"),
        ("abc\x01X\x05Y", "XabcY|"),
        ("abc\x1b[H\x1b[3~\x1b[FZ", "bcZ|"),
        ("abc\x01\x04", "|bc"),
        ("abc\x04", "abc|"),
        ("echo a b  \x17X", "echo a X|"),
        ("echo ab\x1b[D\x17", "echo |b"),
        ("\x17", "|"),
        ("echo ab\x1b[D\x15X", "X|b"),
        ("echo ab\x1b[D\x1b[D\x0bX", "echo X|"),
        ("ab\x0cc", "abc|"),
        ("a\0b\x1bqc\x1b[5~ä", "abc|"),
        ("abc\x03d", "d|"),
    ] {
        assert_eq!(typed(keys).0, expected, "{keys:?}");
    }
}

#[test]
fn lines_are_given_whole() {
    let line = |text: &str| Event::Line(text.into());
    for (keys, expected) in [
        ("abc\rd\n", vec![line("abc"), line("d")]),
        ("abc\r\nd", vec![line("abc")]),
        ("abc\x1b[D\x1b[D\r", vec![line("abc")]),
        ("\r", vec![line("")]),
        ("ab\x03c\r", vec![Event::Interrupted, line("c")]),
        ("\x04", vec![Event::EndOfInput]),
        ("a\x7f\x04", vec![Event::EndOfInput]),
    ] {
        assert_eq!(typed(keys).1, expected, "{keys:?}");
    }
}

#[test]
fn history() {
    for (keys, expected) in [
        ("\x1b[A", "|"),
        ("one\rtwo\r\x1b[A", "two|"),
        ("one\rtwo\r\x1b[A\x1b[A\x1b[A", "one|"),
        ("one\rtwo\r\x1b[A\x1b[A\x1b[B", "two|"),
        ("one\r\x1b[A\x1b[B", "|"),
        ("one\r\r  \rone\r\x10\x10", "one|"),
        ("one\rtw\x1b[D\x1b[A", "one|"),
        ("one\r\x1b[A!\r\x1b[A\x1b[A", "one|"),
    ] {
        assert_eq!(typed(keys).0, expected, "{keys:?}");
    }
    let mut editor = Editor::new("");
    let mut out = String::new();
    for number in 0..250 {
        for byte in format!("echo {number}\r").bytes() {
            editor.feed(byte, &mut names, &mut out);
        }
    }
    let kept = editor.history();
    assert_eq!(
        (kept.len(), kept[0].as_str(), kept[99].as_str()),
        (100, "echo 150", "echo 249")
    );
}

#[test]
fn completion() {
    for (keys, expected) in [
        ("ca\t", "cat |"),
        ("l\t", "ls|"),
        ("ls\t\t", "ls|"),
        ("x\t", "x|"),
        ("cat /p\t", "cat /proc/|"),
        ("cat /s\t", "cat /sys/|"),
        ("cat /proc/c\t", "cat /proc/cmdline |"),
        ("ca /x\x01\x1b[C\x1b[C\t", "cat | /x"),
        ("echo a >/s\t", "echo a >/sys/|"),
    ] {
        assert_eq!(typed(keys).0, expected, "{keys:?}");
    }
    let (mut editor, mut screen, mut out) = (Editor::new("$ "), Screen::default(), String::new());
    editor.start(&mut out);
    for byte in "ls\t".bytes() {
        editor.feed(byte, &mut names, &mut out);
    }
    screen.show(&out);
    assert_eq!(screen.scrolled, ["$ ls", "lsmod  ls  "]);
}

#[test]
fn a_line_has_an_end() {
    let long = "x".repeat(3 * LINE_LIMIT);
    let (line, _) = typed(&long);
    assert_eq!(line.len(), LINE_LIMIT + 1);
    let (line, _) = typed(&format!("{long}\x01{long}\x1b[D\x7f\x0b"));
    assert!(line.len() <= LINE_LIMIT + 1);
    typed(&format!("{long}\rab\x1b[A\x1b[A"));
}

#[test]
fn nothing_that_is_typed_is_a_trap() {
    // A generator of our own: the same bytes in every run.
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let pieces = [
        "\x1b[", "\x1bO", "\x1b[3~", "\t", "\r", "\x7f", "a", "ls ", "\x01", "\x17", "\x1b[A", "\x1b[D",
    ];
    for _ in 0..200 {
        let (mut editor, mut out) = (Editor::new("$ "), String::new());
        for _ in 0..200 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let choice = (seed >> 33) as usize;
            if choice % 3 == 0 {
                editor.feed((choice >> 8) as u8, &mut names, &mut out);
            } else {
                for byte in pieces[choice % pieces.len()].bytes() {
                    editor.feed(byte, &mut names, &mut out);
                }
            }
        }
        editor.look();
    }
}
