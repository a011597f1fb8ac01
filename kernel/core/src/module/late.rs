//! What a live patch refers to in an object that may come later (Documentation/livepatch/module-elf-format): symbols named
//! `.klp.sym.OBJECT.NAME,POSITION`. Linux keeps their relocations in sections of their own, `.klp.rela.OBJECT.SECTION`; here the
//! name of the symbol says it all, and it does not matter where the relocation stands.
//!
//! The link leaves zeros and stubs that trap. Whoever loads the object fills them in, and empties them when it goes.

use super::file::Relocation;
use super::link::Linker;
use super::relocation::{Howto, Value};
use super::{ModuleError, StubKind};
use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// What such a symbol's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateName<'a> {
    /// The object: a module, or `vmlinux`.
    pub object: &'a str,
    /// The symbol there, which may be local.
    pub name: &'a str,
    /// Which one of those with the name, from 1, by address; 0: the name is unique.
    pub position: usize,
}

impl<'a> LateName<'a> {
    /// Takes a symbol's name apart; `None` when it is an ordinary one.
    pub fn parse(symbol: &'a str) -> Option<Self> {
        let (object, rest) = symbol.strip_prefix(".klp.sym.")?.split_once('.')?;
        let (name, position) = rest.rsplit_once(',')?;
        let position = position.parse().ok()?;
        (!object.is_empty() && !name.is_empty()).then_some(LateName {
            object,
            name,
            position,
        })
    }
}

/// All references of a module to one symbol of an object that may come later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// The object.
    pub object: String,
    /// The symbol there.
    pub name: String,
    /// Which one of those with the name; 0: the name is unique.
    pub position: usize,
    /// Doublewords of the module's data that become its address plus a number.
    pub data: Vec<(u64, i64)>,
    /// Stubs of the module that go to it.
    pub stubs: Vec<(u64, StubKind)>,
}

impl Linker<'_, '_> {
    /// An address in data, which is 0 until the object comes.
    pub(super) fn late_data(&mut self, relocation: &Relocation) -> Result<u64, ModuleError> {
        let section = &self.file.sections[relocation.section];
        let howto = Howto::of(relocation.kind);
        let is_address =
            howto.is_some_and(|howto| howto.value == Value::Absolute && howto.field.width() == 8);
        let offset = self.layout.sections[relocation.section].map(|start| start + relocation.offset);
        match offset {
            Some(offset) if is_address && section.is_writable() && offset % 8 == 0 => {
                self.note_late_data(relocation.symbol, offset, relocation.addend);
                Ok(0)
            }
            _ => Err(ModuleError::LateReference {
                place: self.file.place(relocation),
                symbol: self.file.symbols[relocation.symbol].name.to_owned(),
            }),
        }
    }

    pub(super) fn note_late_data(&mut self, symbol: usize, offset: u64, addend: i64) {
        let place = (self.base + offset, addend);
        if let Some(late) = self.late_of(symbol)
            && !late.data.contains(&place)
        {
            late.data.push(place);
        }
    }

    pub(super) fn note_late_stub(&mut self, symbol: usize, offset: u64, kind: StubKind) {
        let address = self.base + offset;
        if let Some(late) = self.late_of(symbol) {
            late.stubs.push((address, kind));
        }
    }

    fn late_of(&mut self, symbol: usize) -> Option<&mut Late> {
        let LateName {
            object,
            name,
            position,
        } = LateName::parse(self.file.symbols[symbol].name)?;
        let is_it = |late: &Late| late.object == object && late.name == name && late.position == position;
        let index = self.late.iter().position(is_it).unwrap_or_else(|| {
            self.late.push(Late {
                object: object.to_owned(),
                name: name.to_owned(),
                position,
                data: Vec::new(),
                stubs: Vec::new(),
            });
            self.late.len() - 1
        });
        self.late.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::LateName;

    #[test]
    fn names() {
        let late = LateName::parse(".klp.sym.klp_target.b_value.1234,2").unwrap();
        assert_eq!(
            (late.object, late.name, late.position),
            ("klp_target", "b_value.1234", 2)
        );
        for other in [
            "printk",
            ".klp.sym.vmlinux",
            ".klp.sym.a.b",
            ".klp.sym..b,1",
            ".klp.sym.a.,1",
            ".klp.sym.a.b,x",
        ] {
            assert_eq!(LateName::parse(other), None, "{other}");
        }
    }
}
