//! What the guest says of the matrix, put in order.

use anyhow::{Context, Result, bail};
use kernel_core::matrix::Record;
use serde::{Deserialize, Serialize};

/// What is on the pages. Nothing here depends on the machine, the build or the processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// The columns.
    pub(super) designs: Vec<Design>,
    /// What other hooks cost.
    pub(super) hooked_calls: Vec<Call>,
    /// The rows.
    pub(super) situations: Vec<Situation>,
    pub(super) fields: Vec<Field>,
    pub(super) sizes: Vec<Size>,
}

/// A return design, with what it costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Design {
    pub(super) name: String,
    /// Of a patched call, more than unpatched.
    pub(super) instructions: u64,
    /// Of A's stack, while C runs.
    pub(super) stack_bytes: u64,
    /// Of a stack of the design's own.
    pub(super) record_bytes: u64,
}

/// A hook that is no live patch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) hooked_by: String,
    /// More than without the hook.
    pub(super) instructions: u64,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Situation {
    pub(super) name: String,
    pub(super) language: String,
    /// In the order of the designs.
    pub(super) cells: Vec<Cell>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cell {
    pub(super) design: String,
    pub(super) outcome: String,
    /// Why the situation cannot exist under the design.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
}

impl Cell {
    pub(super) fn is_right(&self) -> bool {
        self.outcome == "RIGHT"
    }
}

/// Where something is in a structure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Field {
    pub(super) structure: String,
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

/// How large something is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Size {
    pub(super) what: String,
    pub(super) bytes: u64,
}

/// All that a guest says.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) facts: Facts,
    /// What is not on the pages, because another compiler makes it come out otherwise: in words.
    pub(super) counts: Vec<String>,
}

impl Account {
    /// Reads a guest's console.
    ///
    /// # Errors
    /// Something is missing, or there twice.
    pub(super) fn read(console: &str) -> Result<Self> {
        let mut account = Self::default();
        let remarks = console.lines().filter_map(|line| line.strip_prefix("# "));
        for record in remarks.filter_map(Record::parse) {
            account.take(&record)?;
        }
        account.facts.validate()?;
        Ok(account)
    }

    fn take(&mut self, record: &Record<'_>) -> Result<()> {
        let facts = &mut self.facts;
        let counted = |what: &str, instructions: Option<u64>| {
            instructions.with_context(|| format!("the guest did not count the instructions of {what}"))
        };
        match *record {
            Record::Cell {
                situation,
                language,
                design,
                outcome,
                reason,
                ..
            } => facts.cell(
                situation,
                language,
                Cell {
                    design: design.into(),
                    outcome: outcome.into(),
                    reason: reason.into(),
                },
            ),
            Record::Design {
                name,
                instructions,
                stack,
                record,
            } => facts.designs.push(Design {
                name: name.into(),
                instructions: counted(name, instructions)?,
                stack_bytes: stack,
                record_bytes: record,
            }),
            Record::Call { hooked, instructions } => facts.hooked_calls.push(Call {
                hooked_by: hooked.into(),
                instructions: counted(hooked, instructions)?,
            }),
            Record::Field {
                structure,
                field,
                offset,
                size,
            } => facts.fields.push(Field {
                structure: structure.into(),
                name: field.into(),
                offset,
                bytes: size,
            }),
            Record::Size { what, bytes } => facts.sizes.push(Size {
                what: what.into(),
                bytes,
            }),
            Record::Count { what, number } => self.counts.push(format!("{number} {what}")),
        }
        Ok(())
    }
}

impl Facts {
    fn cell(&mut self, situation: &str, language: &str, cell: Cell) {
        match self.situations.last_mut() {
            Some(row) if row.name == situation && row.language == language => row.cells.push(cell),
            _ => self.situations.push(Situation {
                name: situation.into(),
                language: language.into(),
                cells: vec![cell],
            }),
        }
    }

    /// Every row has every column, once.
    fn validate(&self) -> Result<()> {
        if self.designs.is_empty() || self.situations.is_empty() {
            bail!("the guest says nothing of the matrix");
        }
        for (index, row) in self.situations.iter().enumerate() {
            let Situation { name, language, .. } = row;
            let columns = row.cells.iter().map(|cell| &cell.design);
            if !columns.eq(self.designs.iter().map(|design| &design.name)) {
                bail!("the guest's row '{name}' in {language} does not have one cell for each return design");
            }
            let is_twice = |other: &Situation| other.name == *name && other.language == *language;
            if self.situations[..index].iter().any(is_twice) {
                bail!("the guest has two rows '{name}' in {language}");
            }
        }
        Ok(())
    }

    /// Where a field is.
    ///
    /// # Errors
    /// The guest does not say.
    pub(super) fn field(&self, structure: &str, name: &str) -> Result<&Field> {
        let found = self
            .fields
            .iter()
            .find(|field| field.structure == structure && field.name == name);
        found.with_context(|| format!("the guest does not say where {structure}.{name} is"))
    }

    /// How large something is.
    ///
    /// # Errors
    /// The guest does not say.
    pub(super) fn size(&self, what: &str) -> Result<u64> {
        let found = self.sizes.iter().find(|size| size.what == what);
        found
            .map(|size| size.bytes)
            .with_context(|| format!("the guest does not say how large {what} is"))
    }

    /// What instructions were counted for, and how many.
    fn costs(&mut self) -> impl Iterator<Item = (&str, &mut u64)> {
        let designs = self.designs.iter_mut();
        let calls = self.hooked_calls.iter_mut();
        designs
            .map(|design| (design.name.as_str(), &mut design.instructions))
            .chain(calls.map(|call| (call.hooked_by.as_str(), &mut call.instructions)))
    }

    /// The same, but with the costs of `other` where it has them.
    pub(super) fn with_costs_of(&self, other: &Self) -> Self {
        let (mut all, mut other) = (self.clone(), other.clone());
        for (what, cost) in all.costs() {
            if let Some((_, before)) = other.costs().find(|(name, _)| *name == what) {
                *cost = *before;
            }
        }
        all
    }

    /// What costs something else in `new`, in words.
    pub(super) fn changed_costs(&self, new: &Self) -> Vec<String> {
        let (mut old, mut new) = (self.clone(), new.clone());
        let mut changes = Vec::new();
        for (what, now) in new.costs() {
            if let Some((_, before)) = old.costs().find(|(name, before)| *name == what && *before != now) {
                changes.push(format!("{what} {now} instead of {before}"));
            }
        }
        changes
    }

    /// The first thing that is not the same in both, in words.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        for (row, same) in self.situations.iter().zip(&other.situations) {
            let Situation { name, language, .. } = row;
            let differs = row.cells.iter().zip(&same.cells).find(|(a, b)| a != b);
            if let Some((a, b)) = differs {
                return Some(format!(
                    "'{name}' in {language} under {}: {} and {}",
                    a.design, a.outcome, b.outcome
                ));
            }
        }
        let costs = self.changed_costs(other);
        match costs.first() {
            Some(cost) => Some(format!("instructions of {cost}")),
            None => (self != other).then(|| "the rows, the sizes or the layouts".to_owned()),
        }
    }
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
