//! Trees, against a model that keeps one entry a page.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::{ControlFlow, Range};

use super::*;

/// Tables in a vector. The real address of the first is not 0, so that a forgotten one is noticed.
struct Memory {
    words: Vec<u64>,
    limit: usize,
}

const FIRST: u64 = 0x10_0000;

impl Memory {
    fn new() -> (Memory, u64) {
        let mut memory = Memory {
            words: Vec::new(),
            limit: usize::MAX,
        };
        let root = memory.allocate(ROOT_SIZE).unwrap();
        (memory, root)
    }
}

impl TableMemory for Memory {
    fn entry(&self, table: u64, index: u64) -> u64 {
        self.words[((table - FIRST) / 8 + index) as usize]
    }

    fn set_entry(&mut self, table: u64, index: u64, word: u64) {
        self.words[((table - FIRST) / 8 + index) as usize] = word;
    }

    fn allocate(&mut self, size: u64) -> Option<u64> {
        let start = (self.words.len() as u64 * 8).next_multiple_of(size);
        let end = ((start + size) / 8) as usize;
        (end <= self.limit).then(|| {
            self.words.resize(end, 0);
            FIRST + start
        })
    }
}

fn mappings(memory: &Memory, root: u64) -> Vec<(u64, u64, Leaf)> {
    let mut found = vec![];
    let _ = walk::<()>(memory, root, &mut |address, size, leaf| {
        found.push((address, size, leaf));
        ControlFlow::Continue(())
    });
    found
}

fn map(memory: &mut Memory, root: u64, range: Range<u64>, rights: Rights) -> Result<bool, MapError> {
    let real = range.start;
    change(memory, root, range, Change::Map { real, rights })
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[test]
fn pages_are_as_large_as_they_can_be() {
    let (mut memory, root) = Memory::new();
    assert_eq!(
        map(
            &mut memory,
            root,
            GIB - 2 * MIB - 4 * KIB..2 * GIB + 4 * KIB,
            Rights::Read
        ),
        Ok(false)
    );
    let sizes: Vec<_> = mappings(&memory, root).iter().map(|(_, size, _)| *size).collect();
    assert_eq!(sizes, [4 * KIB, 2 * MIB, GIB, 4 * KIB]);
    // The same range at real addresses that are not as round.
    let rights = Rights::Read;
    change(
        &mut memory,
        root,
        GIB << 9..(GIB << 9) + 4 * MIB,
        Change::Map { real: MIB, rights },
    )
    .unwrap();
    assert_eq!(mappings(&memory, root).len(), 4 + 1024);
    let leaf = Leaf::new(2 * MIB, rights);
    assert_eq!(
        leaf_at(&memory, root, (GIB << 9) + MIB + 5),
        Some(((GIB << 9) + MIB, leaf))
    );
    assert_eq!(leaf_at(&memory, root, (GIB << 9) + 4 * MIB), None);
    assert_eq!(leaf_at(&memory, root, u64::MAX), None, "more than a tree has");
}

#[test]
fn a_change_says_whether_something_was_there() {
    let (mut memory, root) = Memory::new();
    let range = 2 * MIB..6 * MIB;
    assert_eq!(change(&mut memory, root, range.clone(), Change::Unmap), Ok(false));
    assert_eq!(map(&mut memory, root, range.clone(), Rights::Read), Ok(false));
    assert_eq!(map(&mut memory, root, range.clone(), Rights::ReadWrite), Ok(true));
    assert_eq!(change(&mut memory, root, range.clone(), Change::Unmap), Ok(true));
    assert_eq!(change(&mut memory, root, range, Change::Unmap), Ok(false));
    assert_eq!(mappings(&memory, root), []);
}

#[test]
fn what_cannot_be_mapped_is_refused() {
    let (mut memory, root) = Memory::new();
    let senseless = |result| assert!(matches!(result, Err(MapError::Senseless { .. })), "{result:?}");
    senseless(map(&mut memory, root, 1..4096, Rights::Read));
    senseless(map(&mut memory, root, 0..4097, Rights::Read));
    senseless(map(&mut memory, root, END - 4096..END + 4096, Rights::Read));
    let rights = Rights::Read;
    senseless(change(
        &mut memory,
        root,
        0..4096,
        Change::Map { real: 7, rights },
    ));

    map(&mut memory, root, 0..4 * MIB, Rights::ReadWrite).unwrap();
    let inside = Err(MapError::Inside {
        address: 2 * MIB + 4096,
        size: 2 * MIB,
    });
    let part = 2 * MIB + 4096..2 * MIB + 8192;
    assert_eq!(change(&mut memory, root, part.clone(), Change::Unmap), inside);
    assert_eq!(map(&mut memory, root, part, Rights::Read), inside);

    memory.limit = memory.words.len();
    assert_eq!(
        map(&mut memory, root, GIB..GIB + 4096, Rights::Read),
        Err(MapError::NoTable)
    );
    assert_eq!(mappings(&memory, root).len(), 2, "and nothing is half there");
}

/// Random changes of small pages, in a range that ends at a table's end, against a map from page to rights.
#[test]
fn many_changes_are_what_a_model_says() {
    let (mut memory, root) = Memory::new();
    let mut model = BTreeMap::new();
    let base = GIB - 700 * PAGE_SIZE;
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) % below
    };
    for round in 0..3000 {
        let start = random(1400);
        let pages = start..(start + 1 + random(40)).min(1400);
        let rights = [
            None,
            Some(Rights::Read),
            Some(Rights::ReadWrite),
            Some(Rights::ReadExecute),
        ];
        let rights = rights[random(4) as usize];
        // Real addresses that are never aligned like the addresses: no page but the smallest fits.
        let real = |page: u64| 16 * GIB + PAGE_SIZE + page * PAGE_SIZE;
        let range = base + pages.start * PAGE_SIZE..base + pages.end * PAGE_SIZE;
        let wanted = rights.map_or(Change::Unmap, |rights| Change::Map {
            real: real(pages.start),
            rights,
        });
        let was_there = pages.clone().any(|page| model.contains_key(&page));
        assert_eq!(
            change(&mut memory, root, range, wanted),
            Ok(was_there),
            "round {round}"
        );
        for page in pages {
            match rights {
                Some(rights) => model.insert(page, Leaf::new(real(page), rights)),
                None => model.remove(&page),
            };
        }
        if round % 50 == 0 {
            let expected: Vec<_> = model
                .iter()
                .map(|(page, leaf)| (base + page * PAGE_SIZE, PAGE_SIZE, *leaf))
                .collect();
            assert_eq!(mappings(&memory, root), expected, "round {round}");
        }
        let page = random(1400);
        let found = leaf_at(&memory, root, base + page * PAGE_SIZE + random(PAGE_SIZE));
        assert_eq!(
            found,
            model.get(&page).map(|leaf| (base + page * PAGE_SIZE, *leaf))
        );
    }
}

#[test]
fn trees_share_what_is_below_and_keep_what_is_above() {
    let (mut memory, first) = Memory::new();
    let second = memory.allocate(ROOT_SIZE).unwrap();
    map(&mut memory, first, 2 * MIB..4 * MIB, Rights::Read).unwrap();
    share(&mut memory, first, second);
    map(&mut memory, first, 4 * MIB..6 * MIB, Rights::Read).unwrap();
    let window = ROOT_ENTRY_COVERS..ROOT_ENTRY_COVERS + PAGE_SIZE;
    map(&mut memory, second, window.clone(), Rights::ReadWrite).unwrap();
    assert_eq!(mappings(&memory, first).len(), 2);
    assert_eq!(mappings(&memory, second).len(), 3);
    // The entry of the window's page is where `slot` says.
    let (table, index) = slot(&memory, second, window.start).unwrap();
    assert_eq!(
        memory.entry(table, index),
        Leaf::new(window.start, Rights::ReadWrite).word()
    );
    memory.set_entry(table, index, 0);
    assert_eq!(leaf_at(&memory, second, window.start), None);
    assert_eq!(slot(&memory, first, window.start), None, "no table");
    assert_eq!(slot(&memory, first, 2 * MIB), None, "a larger page");
    assert_eq!(slot(&memory, second, END + window.start), None);
}

#[test]
fn a_census_counts_and_judges() {
    let (mut memory, root) = Memory::new();
    map(
        &mut memory,
        root,
        4 * MIB..4 * MIB + 12 * KIB,
        Rights::ReadExecute,
    )
    .unwrap();
    map(&mut memory, root, 5 * MIB..5 * MIB + 4 * KIB, Rights::Read).unwrap();
    map(&mut memory, root, 6 * MIB..8 * MIB, Rights::ReadWrite).unwrap();
    let take =
        |memory: &Memory, end| {
            let mut census = Census::default();
            let all = core::slice::from_ref(&(0..end)).to_vec();
            let result = walk(memory, root, &mut |address, size, leaf| match census
                .add(address, size, leaf, &all)
            {
                Ok(()) => ControlFlow::Continue(()),
                Err(violation) => ControlFlow::Break(violation),
            });
            match result {
                ControlFlow::Continue(()) => Ok(census),
                ControlFlow::Break(violation) => Err(violation),
            }
        };
    let census = Census {
        executable: 3,
        read_only: 1,
        writable: 512,
        both: 0,
        leaves: 5,
    };
    assert_eq!(take(&memory, GIB), Ok(census));
    assert!(matches!(
        take(&memory, 7 * MIB),
        Err(Violation::Nowhere {
            address: 0x60_0000,
            ..
        })
    ));
    // A bit that falls over in a leaf is seen, since the judgement is by the words.
    let (index, table) = (
        5 * MIB % (2 * MIB) / PAGE_SIZE,
        memory.words.iter().position(|word| word & 0xf == 0xc),
    );
    let table = FIRST + table.unwrap() as u64 * 8 - index * 8;
    let word = memory.entry(table, index);
    memory.set_entry(table, index, word | 3);
    assert!(matches!(
        take(&memory, GIB),
        Err(Violation::WriteAndExecute {
            address: 0x50_0000,
            ..
        })
    ));
}
