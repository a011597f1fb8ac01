//! Packets as no debugger sends them: whatever comes, the stub answers the next sound packet, and its machine is what sound
//! packets have made of it.

use super::mock::{SIZE, START, packet, said, stub};
use super::{Event, Reason, Signal};
use crate::random::Random;

/// Packets that are sent. More would find the same: the first thousands do.
const PACKETS: u64 = 200_000;
const SEED: u64 = 0x70c5;

/// What debuggers send, and what they might.
const SOUND: &[&str] = &[
    "qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+;fork-events+;vContSupported+;xmlRegisters=i386",
    "vMustReplyEmpty",
    "QStartNoAckMode",
    "!",
    "?",
    "qXfer:features:read:target.xml:0,1fb",
    "qXfer:features:read:target.xml:fffffffffffffffe,ffffffffffffffff",
    "qTStatus",
    "qfThreadInfo",
    "qsThreadInfo",
    "qThreadExtraInfo,p1.2",
    "qThreadExtraInfo,p1.ffffffffffffffff",
    "qAttached:1",
    "qC",
    "Hgp1.2",
    "Hg0",
    "Hg-1",
    "Hc-1",
    "Hcp1.-1",
    "g",
    "p20",
    "p0",
    "pffffffffffffffff",
    "P20=0807060504030201",
    "P22=08070605",
    "G00000000",
    "m400000,40",
    "m403ff0,ffff",
    "mffffffffffffffff,10",
    "m0,ffffffffffffffff",
    "M400010,4:deadbeef",
    "X400010,4:abcd",
    "x400010,4",
    "Z0,400020,4",
    "z0,400020,4",
    "Z1,400020,4",
    "Z2,400020,8",
    "Z3,400020,ffffffffffffffff",
    "z4,400020,8",
    "Z0,400020,4;X3,220027",
    "vCont?",
    "vCont;c",
    "vCont;s:p1.4;c",
    "vCont;s:p1.4",
    "vCont;r400000,400010:p1.4;c",
    "vCont;t",
    "vCtrlC",
    "vAttach;1",
    "vKill;1",
    "vRun;",
    "vFile:open:6a,0,1c0",
    "vFlashErase:0,1000",
    "qRcmd,6865",
    "qRcmd,zz",
    "qSymbol::",
    "qOffsets",
    "qCRC:400000,10",
    "QPassSignals:",
    "Tp1.2",
    "c",
    "s",
    "C05",
    "k",
    "R00",
    "D;1",
    "D",
];

/// A packet, or what was one before something happened to it.
fn hostile(random: &mut Random) -> Vec<u8> {
    let mut text = Vec::from(random.choose(SOUND));
    if random.one_in(8) {
        // Two heads, or one with another's tail.
        text.extend(random.choose(SOUND).bytes());
    }
    for _ in 0..random.below(4) {
        let place = random.index(text.len().max(1));
        match random.below(5) {
            0 => text.truncate(place),
            1 => text.insert(place.min(text.len()), random.next() as u8),
            2 if !text.is_empty() => text[place] = random.next() as u8,
            3 if !text.is_empty() => text[place] ^= 1 << random.below(8),
            // Numbers that grow.
            _ => {
                let digits = random.index(40);
                let place = place.min(text.len());
                text.splice(place..place, std::iter::repeat_n(b'f', digits));
            }
        }
    }
    if random.one_in(200) {
        let letters = random.index(2000);
        text.extend((0..letters).map(|_| random.next() as u8));
    }
    let mut bytes = packet(&text);
    match random.below(20) {
        0 => bytes.truncate(random.index(bytes.len())),
        1 => {
            let place = random.index(bytes.len());
            bytes[place] = random.next() as u8;
        }
        2 => bytes.insert(0, 3),
        3 => bytes = (0..random.index(40)).map(|_| random.next() as u8).collect(),
        _ => {}
    }
    bytes
}

#[test]
fn no_packet_stops_the_stub_from_answering() {
    let mut random = Random::new(SEED, 0);
    let mut stub = stub();
    stub.attached();
    let (mut resumed, mut left, mut answered) = (0u64, 0u64, 0u64);
    for number in 0..PACKETS {
        for byte in hostile(&mut random) {
            match stub.feed(byte) {
                Event::None => {}
                Event::Resume(_) => {
                    resumed += 1;
                    let signal = Signal(random.next() as u8);
                    stub.stopped(if random.one_in(2) {
                        Reason::Breakpoint
                    } else {
                        Reason::Signal(signal)
                    });
                }
                Event::Leave => {
                    left += 1;
                    stub.attached();
                }
            }
        }
        answered += u64::from(said().contains(&b'+'));
        if number % 100 != 0 {
            continue;
        }
        // Whatever had begun ends here.
        for byte in b"#00" {
            stub.feed(*byte);
        }
        assert_eq!(stub.debuggee().memory.len(), SIZE);
        said();
        stub.debuggee().memory[0x100..0x104].copy_from_slice(&[1, 2, 3, 4]);
        for byte in packet(format!("m{:x},4", START + 0x100).as_bytes()) {
            assert_eq!(stub.feed(byte), Event::None);
        }
        let answer = said();
        assert!(
            answer.ends_with(b"$01020304#8a"),
            "after packet {number}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    // The packets have reached what they are about.
    assert!(resumed > PACKETS / 100, "{resumed} times it went on");
    assert!(left > PACKETS / 100, "{left} times the debugger left");
    assert!(answered > PACKETS / 4, "{answered} packets were taken");
    assert!(!stub.debuggee().commands.is_empty(), "no command came");
    println!("{PACKETS} packets: {answered} taken, {resumed} resumed, {left} left");
}
