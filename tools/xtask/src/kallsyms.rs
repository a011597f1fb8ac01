//! The kernel's symbol table, made from the linked image: names, sites and lines.

use addr2line::gimli::{EndianSlice, LittleEndian, SectionId};
use anyhow::{Context, Result, anyhow, bail};
use kernel_core::local_entry::LocalEntry;
use kernel_core::site::site_offset;
use kernel_core::symbols::{BUILD_ID_LENGTH, Binding, Kind, Line, Name, Symbol, TableBuilder};
use object::elf;
use object::read::elf::{ElfFile64, Sym as _};
use object::{
    LittleEndian as Little, Object as _, ObjectSection as _, ObjectSymbol as _, SymbolSection, write,
};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where the linked image records its functions' entries.
const ENTRIES: &str = "__patchable_function_entries";
/// Where the table itself goes.
const TABLE: &str = ".kallsyms";
/// The buffer of the device tree, most of which is the modules' later: its name would hide theirs.
const BUFFER: &str = ".noinit";

type Image<'d> = ElfFile64<'d, Little>;

/// A symbol table in the kernel's format, and the build id that it has within.
pub(crate) struct Kallsyms {
    /// The bytes.
    pub(crate) blob: Vec<u8>,
    /// 40 hexadecimal digits.
    pub(crate) build_id: String,
}

/// Makes the table of the linked image at `path`.
///
/// # Errors
/// The image cannot be read, has no build id or another one than `expected`, or is not fit for the format.
pub(crate) fn from_image(path: &Path, expected: Option<&str>) -> Result<Kallsyms> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    from_bytes(&bytes, expected).with_context(|| format!("no symbol table can be made of {}", path.display()))
}

fn from_bytes(bytes: &[u8], expected: Option<&str>) -> Result<Kallsyms> {
    let image = Image::parse(bytes).context("it is not a little-endian 64-bit ELF")?;
    let id = image
        .build_id()?
        .ok_or_else(|| anyhow!("it has no build id: is .note.gnu.build-id discarded?"))?;
    let id: [u8; BUILD_ID_LENGTH] = id
        .try_into()
        .map_err(|_| anyhow!("its build id has {} bytes", id.len()))?;
    let build_id = hex(&id);
    if let Some(expected) = expected.filter(|expected| *expected != build_id) {
        bail!("its build id is {build_id} instead of {expected}");
    }

    let sites = entries(&image)?;
    let names = names(&image)?;
    let mut table = TableBuilder::new(id);
    for Named { name, symbol, size } in &names {
        let address = symbol.address();
        let function = symbol.kind() == object::SymbolKind::Text;
        let site = if function && sites.contains(&address) {
            let code = code_at(&image, address)
                .ok_or_else(|| anyhow!("there is no code at {address:#x}, the entry of {name}"))?;
            Some(site_offset(code))
        } else {
            None
        };
        table.symbol(Symbol {
            name: Name::new(name),
            address,
            size: *size,
            local_entry: if function {
                let st_other = symbol.elf_symbol().st_other().0;
                LocalEntry::from_st_other(st_other).with_context(|| {
                    format!("{name} has the reserved local entry of st_other {st_other:#x}")
                })?
            } else {
                LocalEntry::Same
            },
            site,
            kind: if function { Kind::Function } else { Kind::Object },
            binding: if symbol.is_local() {
                Binding::Local
            } else {
                Binding::Global
            },
        });
    }
    for line in lines(&image)? {
        table.line(line);
    }
    Ok(Kallsyms {
        blob: table.build()?,
        build_id,
    })
}

/// A symbol that goes into the table.
struct Named<'d, 'f> {
    name: &'d str,
    symbol: object::read::elf::ElfSymbol64<'d, 'f, Little>,
    size: u64,
}

/// The functions and objects that lie in the image, with sizes, in address order.
fn names<'d, 'f>(image: &'f Image<'d>) -> Result<Vec<Named<'d, 'f>>> {
    let mut names = Vec::new();
    for symbol in image.symbols() {
        let kind = symbol.elf_symbol().st_type();
        let section = match symbol.section() {
            SymbolSection::Section(index) => image.section_by_index(index)?,
            _ => continue,
        };
        let name = symbol.name().context("a symbol's name is not UTF-8")?;
        let wanted = matches!(kind, elf::STT_FUNC | elf::STT_OBJECT) && !name.is_empty();
        if !wanted || [Ok(TABLE), Ok(BUFFER)].contains(&section.name()) {
            continue;
        }
        names.push(Named {
            name,
            symbol,
            size: symbol.size(),
        });
    }
    names.sort_by_key(|named| named.symbol.address());
    // Assembly may leave the size to the next symbol.
    let mut end = u64::MAX;
    let mut following = u64::MAX;
    for named in names.iter_mut().rev() {
        let address = named.symbol.address();
        if address != following {
            (end, following) = (following, address);
        }
        if named.size == 0 && named.symbol.kind() == object::SymbolKind::Text {
            named.size = end.min(section_end(image, address)).saturating_sub(address);
        }
    }
    Ok(names)
}

/// The global entries of the functions that have a site.
fn entries(image: &Image<'_>) -> Result<BTreeSet<u64>> {
    let Some(section) = image.section_by_name(ENTRIES) else {
        bail!("it has no section {ENTRIES}: does boot/tocsin.ld keep it under this name?");
    };
    let data = section.data()?;
    let words = data.chunks_exact(size_of::<u64>());
    if data.is_empty() || !words.remainder().is_empty() {
        bail!(
            "its section {ENTRIES} has {} bytes, which is no array of addresses",
            data.len()
        );
    }
    Ok(words
        .filter_map(|word| word.try_into().ok().map(u64::from_le_bytes))
        .collect())
}

fn section_at<'d, 'f>(
    image: &'f Image<'d>,
    address: u64,
) -> Option<object::read::elf::ElfSection64<'d, 'f, Little>> {
    image.sections().find(|section| {
        section.address() != 0 && (section.address()..section.address() + section.size()).contains(&address)
    })
}

fn section_end(image: &Image<'_>, address: u64) -> u64 {
    section_at(image, address).map_or(address, |section| section.address() + section.size())
}

fn code_at<'d>(image: &Image<'d>, address: u64) -> Option<&'d [u8]> {
    let section = section_at(image, address)?;
    section
        .data()
        .ok()?
        .get(usize::try_from(address - section.address()).ok()?..)
}

/// The line table, from DWARF.
fn lines(image: &Image<'_>) -> Result<Vec<Line>> {
    let section = |id: SectionId| -> Result<EndianSlice<'_, LittleEndian>> {
        let data = image
            .section_by_name(id.name())
            .map_or(Ok(&[][..]), |section| section.data())?;
        Ok(EndianSlice::new(data, LittleEndian))
    };
    let dwarf = addr2line::gimli::Dwarf::load(section)?;
    let context = addr2line::Context::from_dwarf(dwarf).context("its DWARF cannot be read")?;
    let mut lines = Vec::new();
    for (start, size, location) in context.find_location_range(0, u64::MAX)? {
        let place = location
            .file
            .zip(location.line)
            .map(|(file, line)| (tidy(file), line));
        lines.push(Line {
            address: start,
            place,
        });
        lines.push(Line {
            address: start + size,
            place: None,
        });
    }
    Ok(lines)
}

/// A file's name without the `./` that stands for the workspace, and without `x/../`.
fn tidy(file: &str) -> String {
    let mut parts = Vec::new();
    for part in file.trim_start_matches("./").split('/') {
        match part {
            ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An object file with `blob` in the section that the linker script places last.
///
/// # Errors
/// The object cannot be written; not for any blob that fits into memory.
pub(crate) fn object(blob: &[u8]) -> Result<Vec<u8>> {
    let (format, architecture) = (object::BinaryFormat::Elf, object::Architecture::PowerPc64);
    let mut object = write::Object::new(format, architecture, object::Endianness::Little);
    // e_flags 2: ELFv2, which the linker asks of everything it links together.
    object.flags = object::FileFlags::Elf {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_flags: elf::FileFlags(2),
    };
    let section = object.add_section(Vec::new(), TABLE.into(), object::SectionKind::ReadOnlyData);
    object.append_section_data(section, blob, 16);
    Ok(object.write()?)
}

#[cfg(test)]
mod tests {
    use super::{hex, object, tidy};
    use object::{Object as _, ObjectSection as _};

    #[test]
    fn the_object_holds_the_blob() {
        let bytes = object(b"a table").unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        assert_eq!(
            file.section_by_name(".kallsyms").unwrap().data().unwrap(),
            b"a table"
        );
        assert_eq!(file.architecture(), object::Architecture::PowerPc64);
    }

    #[test]
    fn small_things() {
        assert_eq!(hex(&[0, 0xab, 0xff]), "00abff");
        let names = [
            "./kernel/src/lib.rs",
            "/library/core/src/fmt.rs",
            "/library/a/b/../../c.rs",
            "../x.rs",
        ];
        let tidied = [
            "kernel/src/lib.rs",
            "/library/core/src/fmt.rs",
            "/library/c.rs",
            "../x.rs",
        ];
        assert_eq!(names.map(tidy), tidied);
    }
}
