//! Sound stacks give their callers; corrupt ones an end with its reason.

use core::mem::offset_of;
use core::ops::Range;

use super::*;
use crate::abi::FrameHeader;
use crate::entry::ExceptionFrame;

const THREAD: Range<u64> = 0x1_0000..0x1_4000;
const EMERGENCY: Range<u64> = 0x8000..0xa000;
const EXIT: Range<u64> = 0x700..0x740;

/// Two stacks as words.
struct Memory(Vec<u64>);

impl Memory {
    fn new() -> Self {
        Memory(vec![0; (THREAD.end - EMERGENCY.start) as usize / 8])
    }

    fn set(&mut self, address: u64, word: u64) {
        self.0[(address - EMERGENCY.start) as usize / 8] = word;
    }

    /// A frame: its caller's frame, and the return address into its own function.
    fn frame(&mut self, stack_pointer: u64, caller: u64, return_address: u64) {
        self.set(stack_pointer, caller);
        self.set(
            stack_pointer + offset_of!(FrameHeader, lr_save) as u64,
            return_address,
        );
    }

    fn exception(&mut self, at: u64, stack_pointer: u64, nip: u64, lr: u64, vector: u64) {
        self.frame(at, stack_pointer, EXIT.start);
        self.set(at + offset_of!(ExceptionFrame, gpr) as u64 + 8, stack_pointer);
        self.set(at + offset_of!(ExceptionFrame, nip) as u64, nip);
        self.set(at + offset_of!(ExceptionFrame, lr) as u64, lr);
        self.set(at + offset_of!(ExceptionFrame, vector) as u64, vector);
    }

    fn read(&self) -> impl FnMut(u64) -> u64 + '_ {
        |address| {
            assert!(address % 8 == 0, "{address:#x}");
            let inside = EMERGENCY.contains(&address) || THREAD.contains(&address);
            assert!(inside, "{address:#x} is outside the stacks");
            self.0[(address - EMERGENCY.start) as usize / 8]
        }
    }

    fn walk(&self, stack_pointer: u64) -> (Vec<(u64, Kind)>, End) {
        let mut unwinder = Unwinder::from_frame(stack_pointer, stacks(), EXIT, self.read());
        let frames = unwinder
            .by_ref()
            .map(|frame| (frame.address, frame.kind))
            .collect();
        (frames, unwinder.end().unwrap())
    }
}

fn stacks() -> Stacks {
    Stacks {
        thread: THREAD,
        emergency: EMERGENCY,
    }
}

#[test]
fn callers_come_from_the_inside_out() {
    let mut memory = Memory::new();
    memory.frame(0x1_3000, 0x1_3040, 0);
    memory.frame(0x1_3040, 0x1_3f00, 0x40_1000);
    memory.frame(0x1_3f00, 0x1_3fe0, 0x40_2000);
    memory.frame(0x1_3fe0, 0, 0x40_3000);
    let calls = [0x40_1000, 0x40_2000, 0x40_3000].map(|address| (address, Kind::Call));
    assert_eq!(memory.walk(0x1_3000), (calls.to_vec(), End::Outermost));
}

#[test]
fn an_exception_shows_the_interrupted_code_and_its_link_register() {
    let mut memory = Memory::new();
    memory.frame(0x1_2000, 0x1_2100, 0);
    memory.exception(0x1_2100, 0x1_3000, 0x40_5000, 0x40_6000, 0x900);
    memory.frame(0x1_3000, 0x1_3fe0, 0);
    memory.frame(0x1_3fe0, 0, 0x40_7000);
    let interrupted = [
        (0x40_5000, Kind::Interrupted { vector: 0x900 }),
        (0x40_6000, Kind::LinkRegister),
        (0x40_7000, Kind::Call),
    ];
    assert_eq!(memory.walk(0x1_2000), (interrupted.to_vec(), End::Outermost));

    // The function had already saved its link register: nothing is said twice.
    memory.exception(0x1_2100, 0x1_3000, 0x40_5000, 0x40_7000, 0x900);
    let frames = memory.walk(0x1_2000).0;
    assert_eq!(frames, [interrupted[0], interrupted[2]]);
    let (first, rest) = Unwinder::from_exception(0x1_2100, stacks(), EXIT, memory.read());
    let all: Vec<_> = first
        .into_iter()
        .chain(rest)
        .map(|frame| (frame.address, frame.kind))
        .collect();
    assert_eq!(all, frames);
}

#[test]
fn an_exception_on_the_emergency_stack_leads_back_to_the_thread() {
    let mut memory = Memory::new();
    memory.frame(0x9000, 0x9800, 0);
    memory.exception(0x9800, 0x1_0100, 0x40_5000, 0x40_7000, 0x300);
    memory.frame(0x1_0100, 0x1_3fe0, 0);
    memory.frame(0x1_3fe0, 0, 0x40_7000);
    let (frames, end) = memory.walk(0x9000);
    assert_eq!(
        frames,
        [
            (0x40_5000, Kind::Interrupted { vector: 0x300 }),
            (0x40_7000, Kind::Call)
        ]
    );
    assert_eq!(end, End::Outermost);

    // With a wild r1 there is still the place of the accident.
    memory.exception(0x9800, 0xdead_0000, 0x40_5000, 0x40_7000, 0x300);
    let (frames, end) = memory.walk(0x9000);
    assert_eq!(frames.len(), 2);
    assert_eq!(
        end,
        End::OutsideStacks {
            stack_pointer: 0xdead_0000
        }
    );
}

#[test]
fn corrupt_chains_end_with_their_reason() {
    let end = |to| {
        let mut memory = Memory::new();
        memory.frame(0x1_3000, 0x1_3100, 0);
        memory.frame(0x1_3100, to, 0x40_1000);
        let (frames, end) = memory.walk(0x1_3000);
        assert_eq!(frames.len(), 1);
        end
    };
    let not_rising = |to| End::NotRising { from: 0x1_3100, to };
    let outside = |stack_pointer| End::OutsideStacks { stack_pointer };
    assert_eq!(end(0x1_3100), not_rising(0x1_3100));
    assert_eq!(end(0x1_3000), not_rising(0x1_3000));
    assert_eq!(end(0x9000), not_rising(0x9000));
    assert_eq!(
        end(0x1_3108),
        End::Misaligned {
            stack_pointer: 0x1_3108
        }
    );
    assert_eq!(end(0x1_4000), outside(0x1_4000));
    assert_eq!(end(0x1_3ff0), outside(0x1_3ff0));
    assert_eq!(end(u64::MAX - 15), outside(u64::MAX - 15));
    assert_eq!(Memory::new().walk(0), (vec![], outside(0)));
}

#[test]
fn a_walk_between_two_stacks_ends() {
    let mut memory = Memory::new();
    memory.exception(0x9000, 0x1_3000, 0x40_1000, 0x40_2000, 0x700);
    memory.frame(0x1_3000, 0x9000, 0x40_3000);
    let (frames, end) = memory.walk(0x1_3000);
    assert_eq!(frames, []);
    assert_eq!(
        end,
        End::NotRising {
            from: 0x1_3000,
            to: 0x9000
        }
    );
}

/// Random words in both stacks: the walk never reads outside them (the reader asserts that) and always ends.
#[test]
fn random_stacks_never_lead_outside() {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut ends = [0; 2];
    for _ in 0..300 {
        let mut memory = Memory::new();
        for word in &mut memory.0 {
            *word = match random() % 8 {
                0 => EXIT.start + random() % 0x40,
                1 => random(),
                2 => EMERGENCY.start + ((random() % 0x2000) & !15),
                _ => THREAD.start + ((random() % 0x4000) & !15),
            };
        }
        for _ in 0..50 {
            let start = EMERGENCY.start + ((random() % (THREAD.end - EMERGENCY.start)) & !15);
            let (frames, end) = memory.walk(start);
            assert!(frames.len() < 4096);
            ends[usize::from(matches!(end, End::NotRising { .. }))] += 1;
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
}
