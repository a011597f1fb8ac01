//! Code that nobody compiled: the scan ends, and does not panic, whatever it is given.

use kernel_core::scan::{Facts, Function, Reason, Target, scan};

/// A small generator of numbers (xorshift64*), so that a seed is all that a failure needs to be seen again.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Words that a scan is interested in: frames, copies of r1, short branches, calls, tables.
fn interesting(numbers: &mut Numbers) -> u32 {
    let (register, displacement) = (numbers.below(32) as u32, numbers.below(0x100) as u32);
    let backwards = numbers.below(2) as u32 * 0x03ff_ff00;
    match numbers.below(16) {
        0 => 0xf821_0001 | (0xffff - displacement * 16) & 0xfff0, // stdu r1,-n(r1)
        1 => 0x3821_0000 | (displacement * 4),                    // addi r1,r1,n
        2 => 0xe821_0000,                                         // ld r1,0(r1)
        3 => 0x7c21_0b78 | register << 16,                        // mr rn,r1
        4 => 0x3801_0000 | register << 21 | displacement,         // addi rn,r1,n
        5 => 0xf801_0000 | register << 21 | displacement & !3,    // std rn,n(r1)
        6 => 0xe800_0000 | register << 16 | displacement & !3,    // ld r0,n(rn)
        7 => 0x4800_0000 | (displacement & !3 | backwards),       // b
        8 => 0x4182_0000 | displacement & !3,                     // beq
        9 => 0x4800_0001 | displacement & !3,                     // bl
        10 => 0x4e80_0420,                                        // bctr
        11 => displacement & !3,                                  // a distance in a table
        12 => 0x4e80_0020,                                        // blr
        13 => 0x7c21_016a | register << 11,                       // stdux r1,r1,rn
        14 => 0x3c01_0000 | register << 21 | displacement,        // addis rn,r1,n
        _ => numbers.next() as u32,
    }
}

fn check(function: &Function<'_>) -> Facts {
    let facts = scan(function, &|address| match address % 12 {
        0 => Target::Unknown,
        4 => Target::Stub {
            saves_toc: true,
            to: None,
        },
        // Into itself, at an entry or not.
        _ => Target::Function(Function {
            address: address & !8,
            ..*function
        }),
    });
    let end = function.code.len() as u32;
    assert!(
        facts.undecided.iter().all(|undecided| undecided.at.offset <= end),
        "{facts:?}"
    );
    assert!(
        facts.sibling_calls.iter().all(|call| call.at.offset < end),
        "{facts:?}"
    );
    facts
}

#[test]
fn any_words_are_scanned_to_an_end() {
    let (mut decided, mut with_arguments) = (0, 0);
    for seed in 1..=20_000 {
        let mut numbers = Numbers(seed);
        let length = 1 + numbers.below(if seed % 100 == 0 { 2000 } else { 60 });
        let noise = numbers.below(3) == 0;
        let word = |_| {
            if noise {
                numbers.next() as u32
            } else {
                interesting(&mut numbers)
            }
        };
        let code: Vec<u8> = (0..length).map(word).flat_map(u32::to_le_bytes).collect();
        let facts = check(&Function {
            address: 0x40_0000,
            code: &code,
            local_entry: if length > 2 { 8 } else { 0 },
            site: Some((seed % 16) as u32 * 4).filter(|site| u64::from(*site) < length * 4),
        });
        decided += u32::from(facts.undecided.is_empty());
        with_arguments += u32::from(facts.stack_arguments.is_some());
    }
    assert!(
        decided > 50 && with_arguments > 1000,
        "noise that reaches nothing: {decided}, {with_arguments}"
    );
}

#[test]
fn lengths_and_entries_that_fit_no_function_are_told() {
    let code = [0u8; 64];
    for (length, local_entry, site) in [
        (0, 0, None),
        (7, 0, None),
        (8, 8, None),
        (8, 2, None),
        (8, 0, Some(8)),
    ] {
        let facts = check(&Function {
            address: 0,
            code: &code[..length],
            local_entry,
            site,
        });
        assert_eq!(
            facts.undecided.len(),
            1,
            "{length} {local_entry} {site:?}: {facts:?}"
        );
    }
}

/// Each `bctr` may go to every word behind it, which no patience is enough for.
#[test]
fn code_made_to_take_for_ever_is_given_up() {
    let code: Vec<u8> = [0x4e80_0420u32]
        .iter()
        .cycle()
        .take(1 << 18)
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let facts = check(&Function {
        address: 0,
        code: &code,
        local_entry: 0,
        site: None,
    });
    assert!(
        facts
            .undecided
            .iter()
            .any(|undecided| undecided.reason == Reason::TooComplex),
        "{facts:?}"
    );
}

/// The whole address space is branched about, and addresses wrap.
#[test]
fn code_at_the_end_of_the_address_space() {
    let code: Vec<u8> = [0x4800_0000u32 | 0x01ff_fffc, 0x4bff_fff0, 0x4e80_0020]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let facts = check(&Function {
        address: u64::MAX - 11,
        code: &code,
        local_entry: 0,
        site: None,
    });
    assert_eq!(facts.sibling_calls.len(), 1, "{facts:?}");
}
