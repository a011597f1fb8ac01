//! Tens of thousands of damaged modules: an error or a consistent result, never a panic.

use crate::kernel::{BASE, Symbols};
use crate::tools::{calls, rust};
use goblin::elf::Elf;
use kernel_core::module::ModuleFile;

/// A small generator of numbers (xorshift64*), so that a seed is all that a failure needs to be seen again.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Offsets that hold structure rather than code: the header, section headers, symbols, relocations.
fn structure(object: &[u8]) -> Vec<usize> {
    let elf = Elf::parse(object).unwrap();
    let tables = elf
        .section_headers
        .iter()
        .filter(|section| [2, 4].contains(&section.sh_type));
    let mut offsets: Vec<usize> = tables.flat_map(|section| section.file_range().unwrap()).collect();
    offsets.extend(0..64);
    offsets.extend(elf.header.e_shoff as usize..object.len());
    offsets
}

/// Parses, lays out and links; checks whatever comes out. True when it could be linked.
fn consistent(bytes: &[u8]) -> bool {
    let Ok(file) = ModuleFile::parse(bytes) else {
        return false;
    };
    let Ok(layout) = file.lay_out(4096) else {
        return false;
    };
    let linked = match file.link(&layout, BASE & !0xffff, &Symbols) {
        Ok(linked) => linked,
        Err(error) => {
            assert!(!error.to_string().contains('\n'));
            return false;
        }
    };
    let range = linked.base..=linked.base + layout.size;
    assert_eq!(linked.image.len() as u64, layout.size);
    for symbol in &linked.symbols {
        assert!(
            range.contains(&symbol.address) && range.contains(&(symbol.address + symbol.size)),
            "{symbol:?}"
        );
    }
    let text = linked.base..linked.base + layout.regions[0].size;
    for site in &linked.sites {
        assert!(text.contains(&site.address) && site.address % 4 == 0, "{site:?}");
        let start = (site.address - linked.base) as usize;
        assert_eq!(linked.image[start..start + 4], [0, 0, 0, 0x60], "{site:?}");
    }
    assert!(linked.stubs.iter().all(|stub| text.contains(&stub.address)));
    assert!(
        [linked.init, linked.exit]
            .into_iter()
            .flatten()
            .all(|entry| text.contains(&entry))
    );
    true
}

fn mutate(object: &[u8], seeds: std::ops::Range<u64>) {
    assert!(consistent(object));
    let structure = structure(object);
    let (mut good, mut bad) = (0, 0);
    for seed in seeds {
        let mut numbers = Numbers(seed + 1);
        let mut bytes = object.to_vec();
        for _ in 0..1 + numbers.below(4) {
            let at = structure[numbers.below(structure.len())];
            bytes[at] = match numbers.below(4) {
                0 => 0,
                1 => 0xff,
                2 => bytes[at] ^ 1 << numbers.below(8),
                _ => numbers.next() as u8,
            };
        }
        let outcome = std::panic::catch_unwind(|| consistent(&bytes));
        match outcome {
            Ok(true) => good += 1,
            Ok(false) => bad += 1,
            Err(_) => panic!("seed {seed}"),
        }
    }
    // A generator that only ever breaks everything, or nothing, would test little.
    assert!(good > 100 && bad > 100, "{good} good, {bad} bad");
}

#[test]
fn c_with_20000_seeds() {
    mutate(&calls("medium"), 0..20_000);
}

#[test]
fn rust_with_20000_seeds() {
    mutate(&rust(), 20_000..40_000);
}

#[test]
fn noise_with_an_elf_header() {
    let object = calls("medium");
    let mut numbers = Numbers(7);
    for _ in 0..5_000 {
        let mut bytes: Vec<u8> = (0..64 + numbers.below(2048))
            .map(|_| numbers.next() as u8)
            .collect();
        bytes[..64].copy_from_slice(&object[..64]);
        let table = numbers.below(bytes.len()) as u64;
        bytes[40..48].copy_from_slice(&table.to_le_bytes());
        consistent(&bytes);
    }
}
