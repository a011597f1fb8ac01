//! Boot arguments: words of the form `key=value`, with spaces between them and quotes around what contains one.
//!
//! ```
//! # use kernel_core::cmdline::Cmdline;
//! let arguments = Cmdline::new(r#"log=debug case="thread: *" klp.unsafe"#);
//! assert_eq!(arguments.get("case"), Some("thread: *"));
//! assert_eq!(arguments.flag("klp.unsafe"), Ok(true));
//! ```

use core::fmt;

/// The boot arguments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cmdline<'a>(&'a str);

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument<'a> {
    /// What stands before the first `=`.
    pub key: &'a str,
    /// What stands behind it, without quotes; `None` where there is no `=`.
    pub value: Option<&'a str>,
}

/// A value that its key does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueError<'a, T> {
    /// The key.
    pub key: &'a str,
    /// The value; `None` where there is none.
    pub value: Option<&'a str>,
    /// The values that it takes.
    pub wanted: &'a [(&'a str, T)],
}

impl<T> fmt::Display for ValueError<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(out, "'{}={value}': the value is not one of", self.key)?,
            None => write!(out, "'{}' needs a value, one of", self.key)?,
        }
        for (index, (name, _)) in self.wanted.iter().enumerate() {
            write!(out, "{} {name}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl<T: fmt::Debug> core::error::Error for ValueError<'_, T> {}

/// What a flag may be set to.
const FLAG: &[(&str, bool)] = &[
    ("1", true),
    ("y", true),
    ("on", true),
    ("0", false),
    ("n", false),
    ("off", false),
];

impl<'a> Cmdline<'a> {
    /// The arguments in `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Cmdline(text)
    }

    /// All of it, as it was given.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// The words in their order.
    pub fn arguments(&self) -> impl Iterator<Item = Argument<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            rest = rest.trim_start();
            if rest.is_empty() {
                return None;
            }
            let mut quoted = false;
            let end = rest.find(|character: char| {
                quoted ^= character == '"';
                character.is_whitespace() && !quoted
            });
            let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
            rest = behind;
            Some(Argument::new(word))
        })
    }

    /// The value of the last word with this key; empty where that has no value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.last(key).map(|argument| argument.value.unwrap_or(""))
    }

    /// Whether a flag is set: `key`, or `key=` with 1, y or on.
    ///
    /// # Errors
    /// The value is neither of these nor 0, n or off.
    pub fn flag(&self, key: &'a str) -> Result<bool, ValueError<'a, bool>> {
        match self.last(key) {
            Some(Argument { value: None, .. }) => Ok(true),
            _ => Ok(self.choice(key, FLAG)?.unwrap_or(false)),
        }
    }

    /// What the key's value stands for; `None` when the key is not there.
    ///
    /// # Errors
    /// The value is not one of `wanted`.
    pub fn choice<T: Clone>(
        &self,
        key: &'a str,
        wanted: &'a [(&'a str, T)],
    ) -> Result<Option<T>, ValueError<'a, T>> {
        let Some(Argument { value, .. }) = self.last(key) else {
            return Ok(None);
        };
        let chosen = wanted.iter().find(|(name, _)| value == Some(name));
        chosen
            .map(|(_, meaning)| Some(meaning.clone()))
            .ok_or(ValueError { key, value, wanted })
    }

    /// The words whose key is not in `known`.
    pub fn unknown<'k>(&self, known: &'k [&'k str]) -> impl Iterator<Item = Argument<'a>> + use<'a, 'k> {
        self.arguments()
            .filter(move |argument| !known.contains(&argument.key))
    }

    fn last(&self, key: &str) -> Option<Argument<'a>> {
        self.arguments().filter(|argument| argument.key == key).last()
    }
}

impl<'a> Argument<'a> {
    fn new(word: &'a str) -> Self {
        // The quotes stand around the value or around the whole word; one that is not ended reaches to the end.
        let unquote = |text: &'a str| match text.strip_prefix('"') {
            Some(text) => text.strip_suffix('"').unwrap_or(text),
            None => text,
        };
        match unquote(word).split_once('=') {
            Some((key, value)) => Argument {
                key,
                value: Some(unquote(value)),
            },
            None => Argument {
                key: unquote(word),
                value: None,
            },
        }
    }
}

/// Replaces `word`, where it is one of the words in `text`, by spaces; answers whether it was there.
pub fn blank_out(text: &mut [u8], word: &[u8]) -> bool {
    let is_between = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b' ' | 0));
    let found = text
        .windows(word.len().max(1))
        .enumerate()
        .position(|(at, window)| {
            window == word && is_between(text[..at].last()) && is_between(text.get(at + word.len()))
        });
    if let Some(at) = found {
        text[at..at + word.len()].fill(b' ');
    }
    found.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn words(text: &str) -> Vec<(&str, Option<&str>)> {
        Cmdline::new(text)
            .arguments()
            .map(|argument| (argument.key, argument.value))
            .collect()
    }

    #[test]
    fn words_are_split_at_spaces_outside_quotes() {
        assert_eq!(words(""), []);
        assert_eq!(words("  \t "), []);
        assert_eq!(
            words(" quiet  a=1\tb= "),
            [("quiet", None), ("a", Some("1")), ("b", Some(""))]
        );
        assert_eq!(
            words(r#"a="b c" "d=e f" g"#),
            [("a", Some("b c")), ("d", Some("e f")), ("g", None)]
        );
        assert_eq!(words(r#"a="b c"#), [("a", Some("b c"))]);
        assert_eq!(words("a=b=c"), [("a", Some("b=c"))]);
        assert_eq!(words("=x"), [("", Some("x"))]);
        assert_eq!(words("\""), [("", None)]);
        assert_eq!(words("größe=ä"), [("größe", Some("ä"))]);
    }

    #[test]
    fn the_last_word_with_a_key_wins() {
        let arguments = Cmdline::new("case=a case=b log");
        assert_eq!(arguments.get("case"), Some("b"));
        assert_eq!(arguments.get("log"), Some(""));
        assert_eq!(arguments.get("cas"), None);
    }

    #[test]
    fn flags_are_set_by_their_name_or_a_value() {
        for (text, wanted) in [
            ("", false),
            ("x", true),
            ("x=1", true),
            ("x=on", true),
            ("x=1 x=off", false),
        ] {
            assert_eq!(Cmdline::new(text).flag("x"), Ok(wanted), "{text}");
        }
        let error = Cmdline::new("x=maybe").flag("x").unwrap_err();
        assert_eq!(
            format!("{error}"),
            "'x=maybe': the value is not one of 1, y, on, 0, n, off"
        );
    }

    #[test]
    fn a_choice_says_what_there_is_to_choose() {
        let levels = [("debug", 4), ("info", 3)];
        assert_eq!(Cmdline::new("log=info").choice("log", &levels), Ok(Some(3)));
        assert_eq!(Cmdline::new("").choice("log", &levels), Ok(None));
        let error = Cmdline::new("log").choice("log", &levels).unwrap_err();
        assert_eq!(format!("{error}"), "'log' needs a value, one of debug, info");
    }

    #[test]
    fn unknown_keys_are_told() {
        let unknown: Vec<_> = Cmdline::new("log=x lgo=y quiet")
            .unknown(&["log", "case"])
            .map(|argument| argument.key)
            .collect();
        assert_eq!(unknown, ["lgo", "quiet"]);
    }

    #[test]
    fn only_a_whole_word_is_blanked_out() {
        let blanked = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let was_there = blank_out(&mut bytes, b"entry=fdt");
            (was_there, String::from_utf8(bytes).unwrap())
        };
        assert_eq!(blanked("entry=fdt"), (true, "         ".into()));
        assert_eq!(blanked("a entry=fdt\0"), (true, "a          \0".into()));
        assert_eq!(blanked("a entry=fdt b"), (true, "a           b".into()));
        for text in ["", "entry=fd", "entry=fdtx", "reentry=fdt", "entry=fdt,x"] {
            assert_eq!(blanked(text), (false, text.into()));
        }
    }
}
