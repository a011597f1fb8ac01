//! What a line means: commands of words, with `;`, `&&` and `||` between them and redirections in them, as in any Unix shell.
//!
//! `'…'` quotes everything, `"…"` everything but `\` and `$?`, `\` the next character; `#` at a word's beginning starts a
//! comment. `$?` is the status of the last command. What a Unix shell has and this one has not is an error that says so.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::iter::Peekable;
use core::str::Chars;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// After which outcome of the command before it is executed.
    pub when: When,
    /// Its name and its arguments; there is at least one word.
    pub words: Vec<Word>,
    /// Where its output goes instead of the console.
    pub output: Option<Redirect>,
    /// Where its complaints go instead of the console.
    pub errors: Option<Redirect>,
}

/// After which outcome of the command before it a command is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Any; the first one of a line, and those behind `;`.
    Always,
    /// Success: `&&`.
    AfterSuccess,
    /// Failure: `||`.
    AfterFailure,
}

/// One word, without its quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Its text.
    pub text: String,
    /// It has `*`, `?` or `[` outside of quotes: it stands for the names that fit, if there are any.
    pub is_pattern: bool,
}

/// Where a stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// To what.
    pub target: Target,
    /// `>>`: behind what is there.
    pub append: bool,
}

/// To what a stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file.
    File(Word),
    /// `>&1`, `>&2`: where the other stream goes.
    OtherStream,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What.
    pub problem: Problem,
}

/// What can be wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A quote has no end.
    OpenQuote,
    /// There is nothing behind the last backslash.
    NothingEscaped,
    /// A redirection says no file.
    NoFile,
    /// Between two separators, or before the first one, there is no command.
    NoCommand,
    /// A stream is redirected twice.
    RedirectedTwice,
    /// There is no such thing in this shell.
    Missing(&'static str),
    /// A control character.
    Control,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: ", self.column)?;
        match self.problem {
            Problem::OpenQuote => f.write_str("this quote is not closed"),
            Problem::NothingEscaped => f.write_str("there is nothing behind the backslash"),
            Problem::NoFile => f.write_str("this redirection names no file"),
            Problem::NoCommand => f.write_str("a command is missing before this"),
            Problem::RedirectedTwice => f.write_str("this stream is redirected already"),
            Problem::Missing(what) => write!(f, "there are no {what} in this shell"),
            Problem::Control => f.write_str("a control character outside of quotes"),
        }
    }
}

impl core::error::Error for LineError {}

/// The commands of a line; none for an empty one. `status` is what `$?` stands for.
///
/// # Errors
/// The line cannot be executed, and why.
pub fn parse(line: &str, status: i32) -> Result<Vec<Command>, LineError> {
    let mut parser = Parser {
        rest: line.chars().peekable(),
        column: 1,
        status,
    };
    parser.commands()
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    /// Of the next character.
    column: usize,
    status: i32,
}

/// What stands between words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    End,
    Then(When),
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        self.column += 1;
        Some(next)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    fn error<T>(&self, column: usize, problem: Problem) -> Result<T, LineError> {
        Err(LineError { column, problem })
    }

    fn commands(&mut self) -> Result<Vec<Command>, LineError> {
        let mut commands = Vec::new();
        let mut when = When::Always;
        loop {
            let command = self.command(when)?;
            let column = self.column;
            let separator = self.separator()?;
            match (command, separator) {
                (Some(command), _) => commands.push(command),
                (None, Separator::End) if when == When::Always => {}
                (None, _) => return self.error(column, Problem::NoCommand),
            }
            match separator {
                Separator::End => return Ok(commands),
                Separator::Then(next) => when = next,
            }
        }
    }

    /// The words up to a separator, which is not taken; `None` where there are none.
    fn command(&mut self, when: When) -> Result<Option<Command>, LineError> {
        let mut command = Command {
            when,
            words: Vec::new(),
            output: None,
            errors: None,
        };
        let start = self.column;
        loop {
            while self.peek().is_some_and(|next| next == ' ' || next == '\t') {
                self.next();
            }
            match self.peek() {
                Some('#') => while self.next().is_some() {},
                None | Some(';' | '&' | '|') => break,
                Some('>') => {
                    let (column, redirect) = (self.column, self.redirect()?);
                    self.redirected(column, &mut command.output, redirect)?;
                }
                Some(_) => {
                    let column = self.column;
                    let (word, is_bare) = self.word()?;
                    // A digit that touches the sign says which stream.
                    let stream = match word.text.as_str() {
                        "1" if is_bare => Some(&mut command.output),
                        "2" if is_bare => Some(&mut command.errors),
                        _ => None,
                    };
                    match stream.filter(|_| self.peek() == Some('>')) {
                        Some(stream) => {
                            let redirect = self.redirect()?;
                            self.redirected(column, stream, redirect)?;
                        }
                        None => command.words.push(word),
                    }
                }
            }
        }
        if !command.words.is_empty() {
            return Ok(Some(command));
        }
        if command.output.is_some() || command.errors.is_some() {
            return self.error(start, Problem::NoCommand);
        }
        Ok(None)
    }

    fn redirected(
        &self,
        column: usize,
        slot: &mut Option<Redirect>,
        redirect: Redirect,
    ) -> Result<(), LineError> {
        match slot.replace(redirect) {
            None => Ok(()),
            Some(_) => self.error(column, Problem::RedirectedTwice),
        }
    }

    /// `>` and what follows it.
    fn redirect(&mut self) -> Result<Redirect, LineError> {
        let start = self.column;
        self.next();
        let append = self.take('>');
        if self.take('&') {
            return match self.next() {
                Some('1' | '2') if !append => Ok(Redirect {
                    target: Target::OtherStream,
                    append,
                }),
                _ => self.error(start, Problem::Missing("streams but 1 and 2")),
            };
        }
        while self.take(' ') {}
        match self.peek() {
            None | Some(';' | '&' | '|' | '>' | '#') => self.error(start, Problem::NoFile),
            Some(_) => Ok(Redirect {
                target: Target::File(self.word()?.0),
                append,
            }),
        }
    }

    fn separator(&mut self) -> Result<Separator, LineError> {
        let column = self.column;
        Ok(match self.next() {
            None => Separator::End,
            Some('&') if self.take('&') => Separator::Then(When::AfterSuccess),
            Some('&') => return self.error(column, Problem::Missing("commands in the background")),
            Some('|') if self.take('|') => Separator::Then(When::AfterFailure),
            Some('|') => return self.error(column, Problem::Missing("pipes")),
            Some(_) => Separator::Then(When::Always),
        })
    }

    /// A word, and whether it is bare: no quote and no backslash in it.
    fn word(&mut self) -> Result<(Word, bool), LineError> {
        let mut word = Word::default();
        let mut is_bare = true;
        while let Some(next) = self.peek() {
            let column = self.column;
            match next {
                ' ' | '\t' | ';' | '&' | '|' | '>' => break,
                '<' => return self.error(column, Problem::Missing("redirections of the input")),
                '(' | ')' | '`' => {
                    return self.error(
                        column,
                        Problem::Missing("parentheses and backquotes without quotes"),
                    );
                }
                '\'' => {
                    is_bare = false;
                    self.next();
                    self.single_quoted(column, &mut word.text)?;
                }
                '"' => {
                    is_bare = false;
                    self.next();
                    self.double_quoted(column, &mut word.text)?;
                }
                '\\' => {
                    is_bare = false;
                    self.next();
                    match self.next() {
                        Some(escaped) => word.text.push(escaped),
                        None => return self.error(column, Problem::NothingEscaped),
                    }
                }
                '$' => self.variable(&mut word.text)?,
                control if control.is_control() => return self.error(column, Problem::Control),
                plain => {
                    word.is_pattern |= matches!(plain, '*' | '?' | '[');
                    self.next();
                    word.text.push(plain);
                }
            }
        }
        Ok((word, is_bare))
    }

    fn single_quoted(&mut self, start: usize, text: &mut String) -> Result<(), LineError> {
        loop {
            match self.next() {
                None => return self.error(start, Problem::OpenQuote),
                Some('\'') => return Ok(()),
                Some(character) => text.push(character),
            }
        }
    }

    fn double_quoted(&mut self, start: usize, text: &mut String) -> Result<(), LineError> {
        loop {
            match self.peek() {
                None => return self.error(start, Problem::OpenQuote),
                Some('$') => self.variable(text)?,
                Some(character) => {
                    self.next();
                    match character {
                        '"' => return Ok(()),
                        '\\' => match self.next() {
                            None => return self.error(start, Problem::OpenQuote),
                            Some(escaped) => {
                                // As in every shell: before others the backslash stands for itself.
                                if !matches!(escaped, '"' | '\\' | '$' | '`') {
                                    text.push('\\');
                                }
                                text.push(escaped);
                            }
                        },
                        plain => text.push(plain),
                    }
                }
            }
        }
    }

    /// `$?`, or a dollar that stands for itself.
    fn variable(&mut self, text: &mut String) -> Result<(), LineError> {
        let column = self.column;
        self.next();
        match self.peek() {
            Some('?') => {
                self.next();
                // Writing to a string cannot fail.
                let _ = fmt::Write::write_fmt(text, format_args!("{}", self.status));
            }
            Some(next) if next == '{' || next == '(' || next == '_' || next.is_alphanumeric() => {
                return self.error(column, Problem::Missing("variables but $?"));
            }
            _ => text.push('$'),
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
