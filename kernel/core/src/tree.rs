//! The tree of files that a user sees: paths, and the patterns by which a table says what is where.
//!
//! A pattern is an absolute path some of whose parts are holes: `/sys/module/{module}/refcnt`. Who reads the tree says which
//! names there are for a hole. What a pattern leads through is a folder; a pattern with a slash at its end says that this is
//! one, whatever is in it.

use alloc::string::String;
use alloc::vec::Vec;

/// What a path means, seen from the folder `from`: absolute, without `.`, `..`, double slashes and one at the end.
#[must_use]
pub fn absolute(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let start = if path.starts_with('/') { "" } else { from };
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.iter().fold(
        String::from(if parts.is_empty() { "/" } else { "" }),
        |mut path, part| {
            path.push('/');
            path.push_str(part);
            path
        },
    )
}

/// The parts of an absolute path; none for the root.
pub fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// This name.
    Name(&'a str),
    /// A hole, with what it is called.
    Hole(&'a str),
}

/// The parts of a pattern.
pub fn pattern(pattern: &str) -> impl Iterator<Item = Part<'_>> {
    parts(pattern).map(|part| {
        let hole = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        hole.map_or(Part::Name(part), Part::Hole)
    })
}

/// How a path goes with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit<'a, 'p> {
    /// Not at all.
    No,
    /// The path is a folder that the pattern leads through, and this comes next.
    Through {
        /// What fills the holes so far.
        holes: Vec<(&'p str, &'a str)>,
        /// The next part.
        next: Part<'p>,
        /// It is the pattern's last one.
        is_last: bool,
    },
    /// The path is all of the pattern; this fills its holes.
    Whole(Vec<(&'p str, &'a str)>),
}

/// How a path goes with a pattern. Whether what fills a hole is really there is not looked at.
#[must_use]
pub fn fit<'a, 'p>(path: &'a str, whole: &'p str) -> Fit<'a, 'p> {
    let mut holes = Vec::new();
    let mut parts = parts(path);
    let mut wanted = pattern(whole);
    loop {
        match (parts.next(), wanted.next()) {
            (None, None) => return Fit::Whole(holes),
            (None, Some(next)) => {
                let is_last = wanted.next().is_none();
                return Fit::Through { holes, next, is_last };
            }
            (Some(part), Some(Part::Hole(hole))) => holes.push((hole, part)),
            (Some(part), Some(Part::Name(name))) if part == name => {}
            _ => return Fit::No,
        }
    }
}

/// A truth value, as files of Linux take it (kstrtobool of 6.1): `1`, `y`, `on`, `0`, `n`, `off`, whatever follows the letters
/// that decide.
#[must_use]
pub fn truth(text: &str) -> Option<bool> {
    let mut letters = text.bytes().map(|letter| letter.to_ascii_lowercase());
    match letters.next()? {
        b'y' | b'1' => Some(true),
        b'n' | b'0' => Some(false),
        b'o' => match letters.next()? {
            b'n' => Some(true),
            b'f' => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A mode as `ls -l` shows it: `-rw-r--r--`.
#[must_use]
pub fn shown_mode(is_folder: bool, mode: u16) -> String {
    let mut shown = String::from(if is_folder { "d" } else { "-" });
    for bit in (0..9).rev() {
        let letter = ['x', 'w', 'r'][bit % 3];
        shown.push(if mode >> bit & 1 == 1 { letter } else { '-' });
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (from, path, expected) in [
            ("/", "", "/"),
            ("/", "/", "/"),
            ("/sys", "", "/sys"),
            ("/sys", "a/b", "/sys/a/b"),
            ("/sys", "/a//b/", "/a/b"),
            ("/sys/x", "..", "/sys"),
            ("/sys/x", "../../../..", "/"),
            ("/sys/x", "./../y/.", "/sys/y"),
        ] {
            assert_eq!(absolute(from, path), expected, "{path} from {from}");
        }
    }

    #[test]
    fn patterns() {
        let file = "/sys/module/{module}/refcnt";
        let through = |holes: &[(&'static str, &'static str)], next, is_last| Fit::Through {
            holes: holes.to_vec(),
            next,
            is_last,
        };
        for (path, expected) in [
            ("/", through(&[], Part::Name("sys"), false)),
            ("/sys/module", through(&[], Part::Hole("module"), false)),
            (
                "/sys/module/a",
                through(&[("module", "a")], Part::Name("refcnt"), true),
            ),
            ("/sys/module/a/refcnt", Fit::Whole(vec![("module", "a")])),
            ("/sys/module/a/refcnt/x", Fit::No),
            ("/sys/modules", Fit::No),
            ("/proc", Fit::No),
        ] {
            assert_eq!(fit(path, file), expected, "{path}");
        }
        assert_eq!(fit("/a/b", "/a/{x}/"), Fit::Whole(vec![("x", "b")]));
        assert_eq!(fit("/", "/"), Fit::Whole(vec![]));
    }

    #[test]
    fn truths() {
        for text in ["1", "y", "Y", "yes", "on", "ON", "1\n", "1x"] {
            assert_eq!(truth(text), Some(true), "{text}");
        }
        for text in ["0", "n", "No", "off", "0\n"] {
            assert_eq!(truth(text), Some(false), "{text}");
        }
        for text in ["", "2", "o", "ox", "true", " 1", "-1", "\n"] {
            assert_eq!(truth(text), None, "{text}");
        }
    }

    #[test]
    fn modes() {
        assert_eq!(shown_mode(false, 0o644), "-rw-r--r--");
        assert_eq!(shown_mode(false, 0o200), "--w-------");
        assert_eq!(shown_mode(true, 0o755), "drwxr-xr-x");
    }
}
