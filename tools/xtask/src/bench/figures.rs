//! The figures of a run: read from consoles and from JSON, and compared for being the same.

use anyhow::{Context, Result, bail};
use kernel_core::bench::Figure;
use object::read::elf::{ElfFile64, ProgramHeader as _};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Value {
    /// As in `enable/kernel/28`.
    pub(super) id: String,
    /// `instructions`, `us`, `bytes`, `interrupts`.
    pub(super) unit: String,
    pub(super) value: u64,
}

/// All of them, each id once, in the order in which they were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    figures: Vec<Value>,
}

impl Figures {
    /// What a guest's console says.
    ///
    /// # Errors
    /// Nothing, or something twice.
    pub(super) fn of_console(console: &str) -> Result<Self> {
        let mut all = Self::default();
        let remarks = console.lines().filter_map(|line| line.strip_prefix("# "));
        for Figure { id, unit, value } in remarks.filter_map(Figure::parse) {
            all.push(Value {
                id: id.into(),
                unit: unit.into(),
                value,
            })?;
        }
        if all.figures.is_empty() {
            bail!("the guest says nothing of the bench");
        }
        Ok(all)
    }

    /// How much of the image is loaded.
    ///
    /// # Errors
    /// It is no ELF file.
    pub(super) fn of_image(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = ElfFile64::<object::LittleEndian>::parse(&*bytes)
            .with_context(|| format!("{} is no ELF file", path.display()))?;
        let loaded = file
            .elf_program_headers()
            .iter()
            .filter(|header| header.p_type(file.endian()) == object::elf::PT_LOAD);
        Ok(Self {
            figures: vec![Value {
                id: "image/loaded".into(),
                unit: "bytes".into(),
                value: loaded.map(|header| header.p_filesz(file.endian())).sum(),
            }],
        })
    }

    /// From a file that [`Self::json`] made.
    ///
    /// # Errors
    /// There is none, or it is something else.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} has no figures of the bench", path.display()))
    }

    /// For a file.
    ///
    /// # Errors
    /// Never.
    pub(super) fn json(&self) -> Result<String> {
        let mut json = serde_json::to_string_pretty(self).context("the figures make no JSON")?;
        json.push('\n');
        Ok(json)
    }

    fn push(&mut self, value: Value) -> Result<()> {
        if self.get(&value.id).is_some() {
            bail!("there are two figures '{}'", value.id);
        }
        self.figures.push(value);
        Ok(())
    }

    /// Takes those of another boot as well.
    ///
    /// # Errors
    /// Both have the same.
    pub(super) fn add(&mut self, other: Self) -> Result<()> {
        other.figures.into_iter().try_for_each(|value| self.push(value))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.figures.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.figures.len()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Value> {
        self.figures.iter().find(|value| value.id == id)
    }

    /// Where another run of the same has something else, in words.
    pub(super) fn differing(&self, other: &Self) -> Vec<String> {
        let mut words = Vec::new();
        for value in self.iter() {
            match other.get(&value.id) {
                Some(same) if same == value => {}
                Some(second) => {
                    words.push(format!(
                        "{}: {} {}, and {} the second time",
                        value.id, value.value, value.unit, second.value
                    ));
                }
                None => words.push(format!("{}: not the second time", value.id)),
            }
        }
        let new = other.iter().filter(|value| self.get(&value.id).is_none());
        words.extend(new.map(|value| format!("{}: only the second time", value.id)));
        words
    }
}

#[cfg(test)]
impl Figures {
    /// From pairs of id and instructions.
    pub(super) fn of(values: &[(&str, u64)]) -> Self {
        let value = |(id, value): &(&str, u64)| Value {
            id: (*id).into(),
            unit: "instructions".into(),
            value: *value,
        };
        Self {
            figures: values.iter().map(value).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Figures;

    #[test]
    fn a_console_is_read() {
        let console =
            "KTAP version 1\n# bench\ta/b\tinstructions\t7\n# something\n# bench\tc\tinstructions\t0\n";
        let figures = Figures::of_console(console).unwrap();
        assert_eq!(figures, Figures::of(&[("a/b", 7), ("c", 0)]));
        let again: Figures = serde_json::from_str(&figures.json().unwrap()).unwrap();
        assert_eq!(again, figures);
        assert!(Figures::of_console("# bench\ta\n").is_err());
        assert!(Figures::of_console("# bench\ta\tus\t1\n# bench\ta\tus\t1\n").is_err());
    }

    #[test]
    fn runs_that_do_not_agree_say_in_what() {
        let first = Figures::of(&[("a", 1), ("b", 2), ("c", 3)]);
        let second = Figures::of(&[("a", 1), ("b", 4), ("d", 3)]);
        let differing = first.differing(&second);
        assert_eq!(
            differing,
            [
                "b: 2 instructions, and 4 the second time",
                "c: not the second time",
                "d: only the second time"
            ]
        );
        assert!(first.differing(&first).is_empty());
    }
}
