use crate::local_entry::LocalEntry;

use super::{Binding, BuildError, Kind, Line, Name, Symbol, SymbolTable, SymbolsError, TableBuilder};

const BASE: u64 = 0x40_0000;
const ID: [u8; 20] = *b"0123456789abcdefghij";

fn function(name: &'static str, address: u64, size: u64) -> Symbol<'static> {
    Symbol {
        name: Name::new(name),
        address,
        size,
        local_entry: LocalEntry::Behind(8),
        site: Some(8),
        kind: Kind::Function,
        binding: Binding::Global,
    }
}

fn symbols() -> Vec<Symbol<'static>> {
    vec![
        function("_start", BASE, 0x40),
        function("_RNvNtC6kernel10situations1b", BASE + 0x100, 0x30),
        Symbol {
            site: None,
            local_entry: LocalEntry::SameClobbersToc,
            binding: Binding::Local,
            ..function("_RNvNtC6kernel5other1b", BASE + 0x130, 0x10)
        },
        // Encloses the next one.
        function("ftrace_caller", BASE + 0x200, 0x100),
        Symbol {
            site: None,
            ..function("ftrace_call", BASE + 0x220, 0x10)
        },
        // The same name twice, and a raw name that is also a path.
        Symbol {
            binding: Binding::Local,
            ..function("x::twice", BASE + 0x400, 4)
        },
        Symbol {
            binding: Binding::Local,
            ..function("x::twice", BASE + 0x404, 4)
        },
        function("_RNvC1x5twice", BASE + 0x408, 4),
        Symbol {
            kind: Kind::Object,
            site: None,
            local_entry: LocalEntry::Same,
            ..function("counter", BASE + 0x1000, 8)
        },
    ]
}

fn place(file: &str, line: u32) -> Option<(String, u32)> {
    Some((file.into(), line))
}

fn blob() -> Vec<u8> {
    let mut builder = TableBuilder::new(ID);
    for symbol in symbols().into_iter().rev() {
        builder.symbol(symbol);
    }
    // A gap between two stretches of code, and one that begins where another ends.
    let lines = [
        (0x00, place("boot/start.S", 10)),
        (0x08, place("boot/start.S", 8)),
        (0x40, None),
        (0x100, place("kernel/src/situations.rs", 70_000)),
        (0x104, place("kernel/src/situations.rs", 70_000)),
        (0x130, None),
        (0x130, place("kernel/src/other.rs", 1)),
        (0x140, None),
    ];
    for (offset, place) in lines {
        builder.line(Line {
            address: BASE + offset,
            place,
        });
    }
    builder.build().expect("it fits")
}

#[test]
fn a_key_finds_a_name_of_its_own_table() {
    let (one, another) = (blob(), blob());
    let [table, other] = [&one, &another].map(|blob| SymbolTable::parse(blob).unwrap());
    for symbol in table.iter() {
        let key = table.key(symbol.name).unwrap();
        assert_eq!(table.name(key), Some(symbol.name));
        assert_eq!(other.key(symbol.name), None);
    }
    assert_eq!(table.key(Name::new("_start")), None);
}

#[test]
fn every_symbol_comes_back_in_address_order() {
    let blob = blob();
    let table = SymbolTable::parse(&blob).unwrap();
    assert_eq!(table.build_id(), &ID);
    assert_eq!(table.len(), symbols().len());
    assert_eq!(table.iter().collect::<Vec<_>>(), symbols());
    assert_eq!(table.get(table.len()), None);
}

#[test]
fn an_address_is_found_within_the_size() {
    let blob = blob();
    let table = SymbolTable::parse(&blob).unwrap();
    let at = |offset: u64| {
        table
            .at(BASE + offset)
            .map(|(symbol, offset)| (symbol.path().to_string(), offset))
    };
    assert_eq!(at(0), Some(("_start".to_string(), 0)));
    assert_eq!(at(0x3f), Some(("_start".to_string(), 0x3f)));
    assert_eq!(at(0x40), None);
    assert_eq!(at(0x12c), Some(("kernel::situations::b".to_string(), 0x2c)));
    assert_eq!(at(0x130), Some(("kernel::other::b".to_string(), 0)));
    assert_eq!(at(0x224), Some(("ftrace_call".to_string(), 4)), "the innermost");
    assert_eq!(
        at(0x230),
        Some(("ftrace_caller".to_string(), 0x30)),
        "behind the inner one"
    );
    assert_eq!(at(0x1007), Some(("counter".to_string(), 7)));
    assert_eq!(at(0x1008), None);
    assert_eq!(table.at(0), None);
    assert_eq!(table.at(u64::MAX), None);
}

#[test]
fn a_name_is_found_raw_or_demangled() {
    let blob = blob();
    let table = SymbolTable::parse(&blob).unwrap();
    let named = |name: &str| {
        table
            .named(name)
            .map(|symbol| symbol.address - BASE)
            .collect::<Vec<_>>()
    };
    assert_eq!(named("kernel::situations::b"), [0x100]);
    assert_eq!(named("_RNvNtC6kernel10situations1b"), [0x100]);
    assert_eq!(
        named("x::twice"),
        [0x400, 0x404, 0x408],
        "in address order, raw names and paths together"
    );
    assert_eq!(named("_start"), [0]);
    for missing in ["", "a", "kernel::situations", "kernel::situations::bb", "zz"] {
        assert_eq!(named(missing), [], "{missing}");
    }
}

#[test]
fn what_lies_behind_can_be_left_out() {
    let blob = blob();
    let table = SymbolTable::parse(&blob).unwrap();
    let last = table.iter().last().unwrap();
    let (name, address) = (last.name.to_string(), last.address);
    let before = table.before(address);
    assert_eq!(before.len(), table.len() - 1);
    assert!(before.iter().eq(table.iter().take(before.len())));
    assert_eq!((before.at(address), before.range_at(address)), (None, None));
    assert_eq!(before.named(&name).count(), 0);
    assert_eq!(before.named("_start").count(), 1);
    assert_eq!(table.before(0).len(), 0);
    assert_eq!(table.before(u64::MAX).len(), table.len());
}

#[test]
fn a_line_holds_up_to_the_next_row() {
    let blob = blob();
    let table = SymbolTable::parse(&blob).unwrap();
    let line = |offset: u64| {
        table
            .line(BASE + offset)
            .map(|(file, line)| (file.to_string(), line))
    };
    assert_eq!(line(0), Some(("boot/start.S".to_string(), 10)));
    assert_eq!(line(7), Some(("boot/start.S".to_string(), 10)));
    assert_eq!(line(8), Some(("boot/start.S".to_string(), 8)));
    assert_eq!(line(0x40), None);
    assert_eq!(line(0xff), None);
    assert_eq!(
        line(0x12f),
        Some(("kernel/src/situations.rs".to_string(), 70_000))
    );
    assert_eq!(
        line(0x130),
        Some(("kernel/src/other.rs".to_string(), 1)),
        "an end and a beginning at one address"
    );
    assert_eq!(line(0x140), None);
    assert_eq!(table.line(BASE - 1), None);
}

#[test]
fn lines_in_many_blocks() {
    let mut builder = TableBuilder::new(ID);
    let rows = (0..5000u32).map(|row| {
        (
            BASE + u64::from(row) * 4,
            row % 7,
            1 + row.wrapping_mul(2_654_435_761) % 90_000,
        )
    });
    let rows: Vec<_> = rows.collect();
    for (address, file, line) in &rows {
        builder.line(Line {
            address: *address,
            place: place(&format!("file{file}.rs"), *line),
        });
    }
    let blob = builder.build().unwrap();
    let table = SymbolTable::parse(&blob).unwrap();
    for (address, file, line) in rows {
        let expected = Some((format!("file{file}.rs"), line));
        for offset in [0, 3] {
            let found = table.line(address + offset);
            let found = found.map(|(file, line)| (file.to_string(), line));
            assert_eq!(found, expected, "{address:#x} + {offset}");
        }
    }
}

#[test]
fn the_order_of_the_symbols_does_not_matter() {
    let build = |symbols: Vec<Symbol<'static>>| {
        let mut builder = TableBuilder::new(ID);
        for symbol in symbols {
            builder.symbol(symbol);
        }
        builder.build().unwrap()
    };
    assert_eq!(build(symbols()), build(symbols().into_iter().rev().collect()));
}

#[test]
fn an_empty_table_is_a_table() {
    let blob = TableBuilder::new(ID).build().unwrap();
    let table = SymbolTable::parse(&blob).unwrap();
    assert!(table.is_empty());
    assert_eq!(
        (table.at(BASE), table.line(BASE), table.named("a").next()),
        (None, None, None)
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut builder = TableBuilder::new(ID);
    builder.symbol(function("near", BASE, 4));
    builder.symbol(function("far", BASE + (1 << 32), 4));
    assert_eq!(
        builder.build(),
        Err(BuildError::TooFar {
            name: "far".into(),
            address: BASE + (1 << 32)
        })
    );

    let name = "n".repeat(2049).leak();
    let mut builder = TableBuilder::new(ID);
    builder.symbol(function(name, BASE, 4));
    assert_eq!(
        builder.build(),
        Err(BuildError::LongName {
            start: "n".repeat(64)
        })
    );
}

#[test]
fn what_is_no_table_is_refused() {
    assert_eq!(SymbolTable::parse(&[]).err(), Some(SymbolsError::Empty));
    assert_eq!(
        SymbolTable::parse(b"\x7fELF....").err(),
        Some(SymbolsError::NotATable)
    );
    let blob = blob();
    for length in 8..blob.len() {
        let error = SymbolTable::parse(&blob[..length]).err();
        assert!(
            matches!(error, Some(SymbolsError::Truncated { length: seen, .. }) if seen == length),
            "{length}: {error:?}"
        );
    }
}

/// Asks everything of a table whose bytes may be anything; only a panic or an endless loop fails.
fn exercise(bytes: &[u8]) -> usize {
    let Ok(table) = SymbolTable::parse(bytes) else {
        return 0;
    };
    let found = table
        .iter()
        .map(|symbol| symbol.name.to_string().len() + symbol.path().to_string().len())
        .sum::<usize>();
    let addresses = (BASE - 8..BASE + 0x450)
        .step_by(12)
        .chain([0, u64::MAX, u64::MAX / 2]);
    let hits = addresses
        .filter(|address| table.at(*address).is_some() | table.line(*address).is_some())
        .count();
    let names = ["_start", "kernel::other::b", "x::twice", ""];
    found + hits + names.iter().map(|name| table.named(name).count()).sum::<usize>()
}

#[test]
fn a_corrupt_table_does_no_harm() {
    let sound = blob();
    let expected = exercise(&sound);
    let mut different = 0;
    for offset in 0..sound.len() {
        for change in [0x01, 0x40, 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[offset] ^= change;
            different += usize::from(exercise(&bytes) != expected);
        }
    }
    assert!(different > 100, "the corruption was seen {different} times only");

    // Many bytes at once, from a fixed seed.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20_000 {
        let mut bytes = sound.clone();
        for _ in 0..random() % 24 {
            let offset = random() as usize % bytes.len();
            bytes[offset] = random() as u8;
        }
        exercise(&bytes);
    }
}
