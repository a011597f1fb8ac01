//! How lines are read, and what is said of those that cannot be.

use super::*;

/// Words, output, errors of each command, in short.
fn shown(line: &str) -> String {
    let file = |redirect: &Option<Redirect>, sign: &str| match redirect {
        None => String::new(),
        Some(Redirect { target, append }) => {
            let more = if *append { ">" } else { "" };
            match target {
                Target::File(word) => format!(" {sign}{more}[{}]", word.text),
                Target::OtherStream => format!(" {sign}&"),
            }
        }
    };
    let commands = parse(line, 7).unwrap_or_else(|error| panic!("{line}: {error}"));
    let command = |command: &Command| {
        let when = match command.when {
            When::Always => "",
            When::AfterSuccess => "&&",
            When::AfterFailure => "||",
        };
        let words: Vec<String> = command
            .words
            .iter()
            .map(|word| format!("[{}]{}", word.text, if word.is_pattern { "*" } else { "" }))
            .collect();
        format!(
            "{when}{}{}{}",
            words.join(""),
            file(&command.output, ">"),
            file(&command.errors, "2>")
        )
    };
    commands.iter().map(command).collect::<Vec<_>>().join(";")
}

#[test]
fn words() {
    for (line, expected) in [
        ("", ""),
        ("   \t ", ""),
        ("# nothing", ""),
        ("ls", "[ls]"),
        ("  echo  a\tb ", "[echo][a][b]"),
        ("echo a#b # c", "[echo][a#b]"),
        ("echo 'a b' \"c d\" e\\ f", "[echo][a b][c d][e f]"),
        ("echo 'it'\\''s'", "[echo][it's]"),
        ("echo '' \"\"", "[echo][][]"),
        (r#"echo "a\"b\n\\" '\'"#, r#"[echo][a"b\n\][\]"#),
        ("echo $? \"$?\" '$?' $ a$", "[echo][7][7][$?][$][a$]"),
        (
            "cat /sys/*/x a? [a-z] '*' \\*",
            "[cat][/sys/*/x]*[a?]*[[a-z]]*[*][*]",
        ),
        ("echo größe", "[echo][größe]"),
        ("echo '\u{1}'", "[echo][\u{1}]"),
    ] {
        assert_eq!(shown(line), expected, "{line}");
    }
}

#[test]
fn redirections() {
    for (line, expected) in [
        ("echo 1 > /a/b", "[echo][1] >[/a/b]"),
        ("echo 1>/a", "[echo] >[/a]"),
        ("echo a1>/a", "[echo][a1] >[/a]"),
        ("echo x >> 'a b'", "[echo][x] >>[a b]"),
        ("> a echo x", "[echo][x] >[a]"),
        ("cat x 2> e > o", "[cat][x] >[o] 2>[e]"),
        ("cat x 2>&1", "[cat][x] 2>&"),
        ("cat x >o 2>&1", "[cat][x] >[o] 2>&"),
        ("echo 2 > a", "[echo][2] >[a]"),
        ("echo '2'> a", "[echo][2] >[a]"),
    ] {
        assert_eq!(shown(line), expected, "{line}");
    }
}

#[test]
fn several_commands() {
    for (line, expected) in [
        ("a;b", "[a];[b]"),
        ("a ; b;", "[a];[b]"),
        ("a && b || c", "[a];&&[b];||[c]"),
        ("a > x && b", "[a] >[x];&&[b]"),
    ] {
        assert_eq!(shown(line), expected, "{line}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_column() {
    for (line, expected) in [
        ("echo 'abc", "column 6: this quote is not closed"),
        ("echo \"abc\\\"", "column 6: this quote is not closed"),
        ("echo \\", "column 6: there is nothing behind the backslash"),
        ("echo a >", "column 8: this redirection names no file"),
        ("echo a > ; b", "column 8: this redirection names no file"),
        ("echo a > b > c", "column 12: this stream is redirected already"),
        ("> a", "column 1: a command is missing before this"),
        ("; a", "column 1: a command is missing before this"),
        ("a ;; b", "column 4: a command is missing before this"),
        ("a &&", "column 5: a command is missing before this"),
        ("a && # b", "column 9: a command is missing before this"),
        (
            "a & b",
            "column 3: there are no commands in the background in this shell",
        ),
        ("größe | b", "column 7: there are no pipes in this shell"),
        (
            "a < b",
            "column 3: there are no redirections of the input in this shell",
        ),
        (
            "echo $HOME",
            "column 6: there are no variables but $? in this shell",
        ),
        (
            "echo \"${x}\"",
            "column 7: there are no variables but $? in this shell",
        ),
        (
            "a (b)",
            "column 3: there are no parentheses and backquotes without quotes in this shell",
        ),
        (
            "a >&3",
            "column 3: there are no streams but 1 and 2 in this shell",
        ),
        ("a\u{7}b", "column 2: a control character outside of quotes"),
    ] {
        let error = parse(line, 0).expect_err(line);
        assert_eq!(error.to_string(), expected, "{line}");
    }
}

#[test]
fn no_line_is_a_trap() {
    // Every short line over the characters that mean something: an answer, and in one line.
    let alphabet: Vec<char> = " a'\"\\#$?>&|;*2<(".chars().collect();
    let mut lines = vec![String::new()];
    for _ in 0..4 {
        lines = lines
            .iter()
            .flat_map(|line| alphabet.iter().map(move |character| format!("{line}{character}")))
            .collect();
        for line in &lines {
            match parse(line, 0) {
                Ok(commands) => {
                    assert!(commands.iter().all(|command| !command.words.is_empty()), "{line}")
                }
                Err(error) => {
                    let (text, length) = (error.to_string(), line.chars().count());
                    assert!(
                        !text.contains('\n') && (1..=length + 1).contains(&error.column),
                        "{line}: {text}"
                    );
                }
            }
        }
    }
}
