//! Names of the commonest shape, a path of nothing but identifiers, compared without a demangler, which takes tens of thousands
//! of instructions for a name.
//!
//! Source: RFC 2603, "Symbol name mangling v0". Such a name is `_R`, `N` and a namespace in small letters for each part but the
//! first, `C`, and the parts: a disambiguator, `s…_`, which a path does not show, the length, and the identifier.

/// Whether the mangled name stands for this path; `None` where it has another shape.
pub(super) fn stands_for(mangled: &str, path: &str) -> Option<bool> {
    let mut rest = mangled.strip_prefix("_R")?;
    let mut parts = 1;
    while let Some(behind) = rest.strip_prefix('N') {
        rest = behind.strip_prefix(|namespace: char| namespace.is_ascii_lowercase())?;
        parts += 1;
    }
    rest = rest.strip_prefix('C')?;
    let mut expected = Some(path);
    for part in 0..parts {
        let (identifier, behind) = identifier(rest)?;
        rest = behind;
        // `None` from the first difference on: the name may still turn out to be of another shape.
        expected = expected.and_then(|path| {
            let separator = if part == 0 { "" } else { "::" };
            path.strip_prefix(separator)?.strip_prefix(identifier)
        });
    }
    rest.is_empty().then_some(expected == Some(""))
}

/// The identifier at the front, and what is behind it.
fn identifier(text: &str) -> Option<(&str, &str)> {
    let text = match text.strip_prefix('s') {
        Some(disambiguated) => disambiguated.split_once('_')?.1,
        None => text,
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (length, text) = text.split_at(digits);
    let length: usize = length.parse().ok().filter(|length| *length > 0)?;
    // Between the length and an identifier that begins like a number.
    let text = text.strip_prefix('_').unwrap_or(text);
    text.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::stands_for;

    #[test]
    fn a_path_is_what_the_demangler_says() {
        let names = [
            "_RNvC1x5twice",
            "_RNvNtC6kernel10situations1b",
            "_RNvNtNtCsjJU0to1Eb4F_6kernel6unwind7stepped20the_kernels_own_code",
            "_RNvNtCs1_6kernels0_3one3two",
            "_RNvC1x2___",
        ];
        for name in names {
            let path = format!("{:#}", rustc_demangle::try_demangle(name).unwrap());
            assert_eq!(stands_for(name, &path), Some(true), "{name} is {path}");
            for wrong in [
                &path[1..],
                &path[..path.len() - 1],
                &format!("{path}::a"),
                &format!("{path}::"),
                "x",
                "",
            ] {
                assert_eq!(stands_for(name, wrong), Some(false), "{name} is not {wrong}");
            }
        }
    }

    #[test]
    fn other_shapes_are_left_to_the_demangler() {
        let others = [
            "_RNCNvC1x1a0",
            "_RINvC1x1aE",
            "_RNvMC1xNtB2_1A1a",
            "_RNvC1x1a.llvm.7",
            "_RNvC1xu3a_b",
            "_RNvC1x9a",
            "_RNvC1x",
            "_R",
            "main",
            "",
        ];
        for name in others {
            assert_eq!(stands_for(name, "x::a"), None, "{name}");
        }
    }
}
