//! Patterns for names, as shells and Linux's `set_ftrace_filter` have them.
//!
//! `*` stands for any characters, `?` for one, `[abc]`, `[a-z]` and `[!a-z]` for one of a set; all others for themselves. A
//! bracket without its end is a bracket. Time is at most the product of the two lengths: no pattern is a trap.

/// Whether all of `name` fits `pattern`.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // Behind the last star: the pattern from there, and the name from where the star's characters may end.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let fits = match (head(pattern), name.chars().next()) {
            (None, None) => return true,
            (Some((Element::Any, rest)), _) => {
                pattern = rest;
                retry = Some((rest, name));
                continue;
            }
            (Some((Element::One(set), rest)), Some(character)) if set.has(character) => {
                Some((rest, &name[character.len_utf8()..]))
            }
            _ => None,
        };
        // The star takes one more character when what follows it did not fit.
        let again = || {
            let (behind, from) = retry?;
            let taken = from.chars().next()?;
            Some((behind, &from[taken.len_utf8()..]))
        };
        match (fits, again()) {
            (Some((rest, shorter)), _) => (pattern, name) = (rest, shorter),
            (None, Some((behind, shorter))) => {
                (pattern, name) = (behind, shorter);
                retry = Some((behind, shorter));
            }
            (None, None) => return false,
        }
    }
}

/// What the front of a pattern stands for.
enum Element<'p> {
    /// Any number of any characters.
    Any,
    One(Set<'p>),
}

enum Set<'p> {
    Every,
    This(char),
    /// The characters between the brackets.
    Of(&'p str),
    /// All but the characters between the brackets.
    Except(&'p str),
}

/// Splits a pattern behind its first element; `None` at its end.
fn head(pattern: &str) -> Option<(Element<'_>, &str)> {
    let first = pattern.chars().next()?;
    let rest = &pattern[first.len_utf8()..];
    let one = |set, rest| Some((Element::One(set), rest));
    match first {
        '*' => Some((Element::Any, rest)),
        '?' => one(Set::Every, rest),
        // The first character of a set may be the bracket that ends it.
        '[' => match rest
            .char_indices()
            .skip(1 + usize::from(rest.starts_with('!')))
            .find(|(_, end)| *end == ']')
        {
            Some((end, _)) => match rest[..end].strip_prefix('!') {
                Some(inside) => one(Set::Except(inside), &rest[end + 1..]),
                None => one(Set::Of(&rest[..end]), &rest[end + 1..]),
            },
            None => one(Set::This('['), rest),
        },
        character => one(Set::This(character), rest),
    }
}

impl Set<'_> {
    fn has(&self, character: char) -> bool {
        match *self {
            Set::Every => true,
            Set::This(this) => this == character,
            Set::Of(inside) => listed(inside, character),
            Set::Except(inside) => !listed(inside, character),
        }
    }
}

fn listed(inside: &str, character: char) -> bool {
    let mut rest = inside.chars();
    while let Some(low) = rest.next() {
        let mut ahead = rest.clone();
        let fits = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(high)) => {
                rest = ahead;
                (low..=high).contains(&character)
            }
            _ => low == character,
        };
        if fits {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn what_fits() {
        for (pattern, name) in [
            ("", ""),
            ("*", ""),
            ("*", "livepatch::returns::none"),
            ("livepatch::*", "livepatch::returns::none"),
            ("*::none", "livepatch::returns::none"),
            ("*returns*", "livepatch::returns::none"),
            ("l*p*n*e", "livepatch::returns::none"),
            ("a*b*c", "abbcbc"),
            ("a**c", "ac"),
            ("a?c", "abc"),
            ("??", "é→"),
            ("[abc]x", "bx"),
            ("[a-c-]", "-"),
            ("[!a-c]", "d"),
            ("[]]", "]"),
            ("[!]]", "a"),
            ("a[", "a["),
            ("[ab", "[ab"),
            ("*[0-9]", "case7"),
        ] {
            assert!(matches(pattern, name), "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn what_does_not_fit() {
        for (pattern, name) in [
            ("", "a"),
            ("a", ""),
            ("?", ""),
            ("a", "ab"),
            ("*::none", "livepatch::returns::none_at_all"),
            ("a*b*c", "abbcb"),
            ("[abc]", "d"),
            ("[!a-c]", "b"),
            ("[]", "]"),
            ("[a-c]", "-"),
            ("A", "a"),
        ] {
            assert!(!matches(pattern, name), "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn many_stars_end_soon() {
        let name = "a".repeat(2000);
        assert!(!matches(&("*a".repeat(200) + "b"), &name));
        assert!(matches(&"*a".repeat(200), &name));
    }
}
