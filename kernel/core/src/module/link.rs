//! The finished bytes of a module for one address.
//!
//! Nothing outside the returned value changes: who links a module and then drops the result has done nothing.

use super::call::Route;
use super::file::{Definition, FileSymbol, ModuleFile, Relocation};
use super::layout::TOC_BIAS;
use super::relocation::{Howto, Value, name};
use super::stub::TOC_SAVE;
use super::symbol::{Resolve, ResolveError, Resolved};
use super::{Late, LateName, Layout, Linked, ModuleError, Stub, StubKind};
use crate::insn::{NOP, R1, R2, ld};
use crate::local_entry::LocalEntry;
use alloc::{borrow::ToOwned, vec::Vec};

/// What a symbol stands for in this link.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// An address; a function's global entry.
    Known {
        address: u64,
        external: Option<Resolved>,
    },
    /// Weak, and nobody defines it.
    Nothing,
    /// In an object that may come later.
    Late,
}

pub(super) struct Linker<'a, 'b> {
    pub(super) file: &'a ModuleFile<'b>,
    pub(super) layout: &'a Layout,
    pub(super) base: u64,
    resolver: &'a dyn Resolve,
    /// The answers for undefined symbols, each asked for once.
    pub(super) answers: Vec<Option<Target>>,
    pub(super) image: Vec<u8>,
    /// What is filled in when its object comes.
    pub(super) late: Vec<Late>,
}

impl ModuleFile<'_> {
    /// Links the module for `base`, with `layout` from [`ModuleFile::lay_out`] of the same file.
    ///
    /// # Errors
    /// Symbols that nobody or several define, values that do not fit, calls that cannot be made.
    pub fn link(&self, layout: &Layout, base: u64, resolver: &dyn Resolve) -> Result<Linked, ModuleError> {
        if base % layout.alignment != 0 || base.checked_add(layout.size + TOC_BIAS).is_none() {
            return Err(ModuleError::Misplaced {
                base,
                alignment: layout.alignment,
            });
        }
        let mut image = alloc::vec![0; layout.size as usize];
        for (section, offset) in self.sections.iter().zip(&layout.sections) {
            if let Some(start) = offset {
                put(&mut image, *start, section.data);
            }
        }
        let answers = alloc::vec![None; self.symbols.len()];
        let mut linker = Linker {
            file: self,
            layout,
            base,
            resolver,
            answers,
            image,
            late: Vec::new(),
        };
        for relocation in &self.relocations {
            linker.apply(relocation)?;
        }
        let stubs = linker.write_stubs()?;
        linker.clear_mcount_calls();
        Ok(linker.finish(stubs))
    }
}

impl Linker<'_, '_> {
    fn apply(&mut self, relocation: &Relocation) -> Result<(), ModuleError> {
        let (file, layout) = (self.file, self.layout);
        let (Some(start), Some(howto)) = (layout.sections[relocation.section], Howto::of(relocation.kind))
        else {
            return Ok(());
        };
        // A branch to the profiling hook is a site; its word is written with the sites.
        if howto.value == Value::Hint || file.is_mcount_call(relocation) {
            return Ok(());
        }
        let offset = start + relocation.offset;
        let place = self.base + offset;
        let toc = self.base + layout.toc;
        let value = match howto.value {
            Value::Hint => 0,
            Value::TocBase => toc,
            Value::Absolute => self.data(relocation)?,
            Value::Relative => self.data(relocation)?.wrapping_sub(place),
            Value::TocRelative => self.data(relocation)?.wrapping_sub(toc),
            Value::GotRelative => self.got_entry(relocation)?.wrapping_sub(place),
            Value::Call | Value::CallWithoutToc => self.call(relocation, offset)?.wrapping_sub(place),
        };
        let bytes = self
            .image
            .get_mut(offset as usize..(offset + howto.field.width()) as usize);
        bytes
            .and_then(|bytes| howto.field.write(bytes, value as i64))
            .ok_or_else(|| ModuleError::OutOfReach {
                name: name(relocation.kind),
                place: file.place(relocation),
                symbol: file.symbol_name(&file.symbols[relocation.symbol]).to_owned(),
                value: value as i64,
                field: howto.field.demand(),
            })
    }

    /// S + A of a reference to data, or to a function as data: its global entry.
    fn data(&mut self, relocation: &Relocation) -> Result<u64, ModuleError> {
        let address = match self.target(relocation)? {
            Target::Known { address, .. } => address,
            Target::Nothing => 0,
            Target::Late => return self.late_data(relocation),
        };
        Ok(address.wrapping_add(relocation.addend as u64))
    }

    fn got_entry(&mut self, relocation: &Relocation) -> Result<u64, ModuleError> {
        if relocation.addend != 0 {
            let found = relocation.addend as u64;
            return Err(self
                .file
                .bad_relocation(relocation, "r_addend", found, "0 for a GOT entry"));
        }
        let offset = self.layout.got(relocation.symbol).map_or(0, |entry| entry.offset);
        if matches!(self.target(relocation)?, Target::Late) {
            self.note_late_data(relocation.symbol, offset, 0);
            return Ok(self.base + offset);
        }
        let address = self.data(relocation)?;
        put(&mut self.image, offset, &address.to_le_bytes());
        Ok(self.base + offset)
    }

    /// Where the branch at `offset` of the image goes.
    fn call(&mut self, relocation: &Relocation, offset: u64) -> Result<u64, ModuleError> {
        let (address, external) = match self.target(relocation)? {
            Target::Known { address, external } => (address, external),
            Target::Late => (0, None),
            Target::Nothing => {
                let symbol = self.file.symbols[relocation.symbol].name.to_owned();
                return Err(ModuleError::WeakCall {
                    place: self.file.place(relocation),
                    symbol,
                });
            }
        };
        let kind = match self.file.route(relocation)? {
            Route::Direct(entry) => {
                return Ok(address
                    .wrapping_add(relocation.addend as u64)
                    .wrapping_add(entry.into()));
            }
            Route::Stub(kind) => kind,
        };
        let has_toc = Howto::of(relocation.kind).is_some_and(|howto| howto.value == Value::Call);
        let keeps_toc = external.is_some_and(|callee| callee.local_entry == LocalEntry::Same);
        match kind {
            StubKind::Plain if has_toc && !keeps_toc => return Err(self.file.missing_nop(relocation)),
            StubKind::Plain => {}
            StubKind::SaveToc if self.file.wants_restore(relocation)? => {
                put(&mut self.image, offset + 4, &ld(R2, TOC_SAVE, R1).to_le_bytes());
            }
            StubKind::SaveToc => {}
        }
        Ok(self.base
            + self
                .layout
                .stub(relocation.symbol, kind)
                .map_or(0, |stub| stub.offset))
    }

    fn target(&mut self, relocation: &Relocation) -> Result<Target, ModuleError> {
        let symbol = &self.file.symbols[relocation.symbol];
        let place = || self.file.place(relocation);
        let address = match symbol.definition {
            Definition::Absolute => symbol.value,
            Definition::Section(section) => match self.layout.sections[section] {
                Some(start) => self.base + start + symbol.value,
                None => {
                    let section = self.file.sections[section].name.to_owned();
                    let symbol = self.file.symbol_name(symbol).to_owned();
                    return Err(ModuleError::NotLoaded {
                        place: place(),
                        symbol,
                        section,
                    });
                }
            },
            Definition::Undefined if symbol.name == ".TOC." => self.base + self.layout.toc,
            // The null symbol: a relocation that has only an addend.
            Definition::Undefined if relocation.symbol == 0 => 0,
            Definition::Undefined => {
                if let Some(answer) = self.answers[relocation.symbol] {
                    return Ok(answer);
                }
                let answer = self.ask(symbol).map_err(|error| match error {
                    ResolveError::NotFound | ResolveError::Late => ModuleError::Unresolved {
                        symbol: symbol.name.to_owned(),
                        place: place(),
                    },
                    ResolveError::Ambiguous(candidates) => ModuleError::Ambiguous {
                        symbol: symbol.name.to_owned(),
                        place: place(),
                        candidates,
                    },
                })?;
                self.answers[relocation.symbol] = Some(answer);
                return Ok(answer);
            }
        };
        Ok(Target::Known {
            address,
            external: None,
        })
    }

    fn ask(&self, symbol: &FileSymbol<'_>) -> Result<Target, ResolveError> {
        match self.resolver.resolve(symbol.name) {
            Ok(found) => Ok(Target::Known {
                address: found.address,
                external: Some(found),
            }),
            Err(ResolveError::NotFound) if symbol.is_weak() => Ok(Target::Nothing),
            Err(ResolveError::Late) if LateName::parse(symbol.name).is_some() => Ok(Target::Late),
            Err(error) => Err(error),
        }
    }

    fn write_stubs(&mut self) -> Result<Vec<Stub>, ModuleError> {
        let mut stubs = Vec::with_capacity(self.layout.stubs.len());
        let mut late_stubs = Vec::new();
        for slot in &self.layout.stubs {
            let symbol = &self.file.symbols[slot.symbol];
            let target = match (symbol.definition, self.answers[slot.symbol]) {
                (_, Some(Target::Known { address, .. })) => address,
                (Definition::Section(section), _) => {
                    self.base + self.layout.sections[section].unwrap_or(0) + symbol.value
                }
                _ => symbol.value,
            };
            let name = self.file.symbol_name(symbol).to_owned();
            let is_late = matches!(self.answers[slot.symbol], Some(Target::Late));
            if is_late {
                late_stubs.push((slot.symbol, slot.offset, slot.kind));
            }
            let code = if is_late {
                Some(StubKind::EMPTY)
            } else {
                slot.kind.words(target)
            };
            let Some(code) = code else {
                return Err(ModuleError::StubTarget {
                    symbol: name,
                    address: target,
                });
            };
            let code: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
            put(&mut self.image, slot.offset, &code);
            stubs.push(Stub {
                address: self.base + slot.offset,
                kind: slot.kind,
                target,
                symbol: name,
            });
        }
        for (symbol, offset, kind) in late_stubs {
            self.note_late_stub(symbol, offset, kind);
        }
        Ok(stubs)
    }

    /// The `bl _mcount` of every C site becomes a `nop`: an unhooked site calls nobody.
    fn clear_mcount_calls(&mut self) {
        for site in &self.file.sites {
            if let Some(start) = self.layout.sections[site.section] {
                put(&mut self.image, start + site.offset, &NOP.to_le_bytes());
            }
        }
    }
}

/// Copies bytes into the image; what lies outside, which a checked layout never asks for, is not written.
fn put(image: &mut [u8], offset: u64, bytes: &[u8]) {
    let start = offset as usize;
    if let Some(room) = image.get_mut(start..start.saturating_add(bytes.len())) {
        room.copy_from_slice(bytes);
    }
}
