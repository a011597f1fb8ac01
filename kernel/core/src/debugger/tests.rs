//! What the stub answers.

use String;

use super::mock::{Line, Mock, START, packet, said, stub};
use super::{BREAKPOINT, Breakpoints, Event, Plan, Reason, Signal, Stub, Tid};

/// Sends a packet, and answers the event and the texts of the packets that come back.
fn ask(stub: &mut Stub<Mock, Line>, text: &str) -> (Event, Vec<String>) {
    said();
    let mut event = Event::None;
    for byte in packet(text.as_bytes()) {
        assert_eq!(event, Event::None, "before the packet's end");
        event = stub.feed(byte);
    }
    (event, answers())
}

/// The texts of the packets that were said, with what was said shortly (run-length encoding) said in full.
fn answers() -> Vec<String> {
    let said = String::from_utf8(said()).expect("text");
    let packets = said.split('$').skip(1);
    let texts = packets.map(|packet| packet.split('#').next().unwrap_or_default());
    texts
        .map(|text| {
            let mut full = String::new();
            let mut letters = text.chars();
            while let Some(letter) = letters.next() {
                if letter == '*' {
                    let times = letters.next().expect("a number of times") as usize - 29;
                    let last = full.chars().last().expect("a letter");
                    full.extend(std::iter::repeat_n(last, times));
                } else {
                    full.push(letter);
                }
            }
            full
        })
        .collect()
}

fn attached() -> Stub<Mock, Line> {
    let mut stub = stub();
    stub.attached();
    let (_, answers) = ask(&mut stub, "qSupported:multiprocess+;swbreak+");
    assert!(
        answers[0].contains("qXfer:features:read+"),
        "it has a description of its registers: {answers:?}"
    );
    stub
}

#[test]
fn threads_are_listed_with_the_stopped_one_first() {
    let mut stub = attached();
    let threads = ask(&mut stub, "qfThreadInfo").1;
    assert_eq!(threads, ["mp01.04,p01.02,p01.03,p01.05,p01.06"]);
    assert_eq!(ask(&mut stub, "?").1, ["T05thread:p01.04;"]);
    assert_eq!(ask(&mut stub, "qThreadExtraInfo,p1.2").1, ["746872656164"]);
    assert_eq!(ask(&mut stub, "Tp1.6").1, ["OK"]);
    assert_eq!(ask(&mut stub, "Tp1.7").1, ["E01"]);
}

#[test]
fn registers_are_read_and_written() {
    let mut stub = attached();
    // Who has said no thread means the stopped one.
    assert_eq!(ask(&mut stub, "p2").1, ["0202000000000000"]);
    assert_eq!(
        ask(&mut stub, "p3").1,
        ["xxxxxxxxxxxxxxxx"],
        "of a thread that sleeps"
    );
    assert_eq!(ask(&mut stub, "Hgp1.2").1, ["OK"]);
    assert_eq!(ask(&mut stub, "p22").1, ["22000000"], "cr has 4 bytes");
    assert_eq!(ask(&mut stub, "P20=0807060504030201").1, ["OK"]);
    assert_eq!(ask(&mut stub, "p20").1, ["0807060504030201"]);
    let all = &ask(&mut stub, "g").1[0];
    assert_eq!(all.len(), 2 * (32 * 8 + 8 + 8 + 4 + 8 + 8 + 4 + 33 * 8));
    assert_eq!(&all[512..528], "0807060504030201");
    assert_eq!(ask(&mut stub, "p47").1, [""], "there is no such register");
    assert_eq!(ask(&mut stub, "P20=08").1, ["E79"], "that is no value of it");
}

#[test]
fn memory_that_is_not_there_is_an_error() {
    let mut stub = attached();
    assert_eq!(ask(&mut stub, "m400010,4").1, ["10111213"]);
    assert_eq!(ask(&mut stub, "m403ffe,4").1, ["feff"], "as far as it goes");
    for address in ["0", "3fffff", "404000", "ffffffffffffffff"] {
        assert_eq!(ask(&mut stub, &format!("m{address},4")).1, ["E0e"], "{address}");
    }
    assert_eq!(ask(&mut stub, "M400010,2:abcd").1, ["OK"]);
    assert_eq!(ask(&mut stub, "m400010,4").1, ["abcd1213"]);
    assert_eq!(ask(&mut stub, "M403fff,2:abcd").1, ["E0e"]);
    let (_, answers) = ask(&mut stub, "m400000,7fffffffffffffff");
    assert!(
        answers[0].ends_with("E0e") || answers[0].len() < 0x2_0000,
        "more than is given at once"
    );
}

#[test]
fn it_goes_on_as_the_debugger_says() {
    let tid = |number| Tid::new(number);
    for (text, wanted) in [
        ("vCont;c", Plan::GO_ON),
        (
            "vCont;s:p1.4;c",
            Plan {
                step: tid(4),
                ..Plan::GO_ON
            },
        ),
        (
            "vCont;s:p1.5",
            Plan {
                step: tid(5),
                alone: true,
                ..Plan::GO_ON
            },
        ),
        (
            "vCont;C0b:p1.4;c",
            Plan {
                deliver: true,
                ..Plan::GO_ON
            },
        ),
    ] {
        let mut stub = attached();
        assert_eq!(
            ask(&mut stub, text),
            (Event::Resume(wanted), Vec::new()),
            "{text}"
        );
        stub.stopped(Reason::Breakpoint);
        assert_eq!(answers(), ["T05thread:p01.04;swbreak:;"]);
        assert_eq!(ask(&mut stub, "D;1"), (Event::Leave, Vec::from(["OK".into()])));
    }
}

#[test]
fn a_packet_that_cannot_be_read_costs_nothing_but_itself() {
    let mut stub = attached();
    for noise in [
        &b"$g#00"[..],
        b"$vCont;x#00",
        b"noise",
        b"-",
        b"$Hg#",
        b"$$$$$$",
        &[b'$'; 2000],
        b"$\x03#a7",
    ] {
        for byte in noise {
            assert_eq!(stub.feed(*byte), Event::None);
        }
        // A packet that had begun ends.
        for byte in b"#00" {
            stub.feed(*byte);
        }
        assert_eq!(ask(&mut stub, "m400010,2").1, ["1011"], "after {noise:?}");
    }
}

#[test]
fn an_interrupt_while_it_is_stopped_changes_nothing() {
    let mut stub = attached();
    assert_eq!(stub.feed(3), Event::None);
    assert_eq!(ask(&mut stub, "m400010,2").1, ["1011"]);
}

#[test]
fn commands_are_carried_out_and_answered_in_hexadecimal() {
    let mut stub = attached();
    assert_eq!(ask(&mut stub, "qRcmd,7073202d61").1, ["O7073202d61", "O0a", "OK"]);
    assert_eq!(stub.debuggee().commands, ["ps -a"]);
}

#[test]
fn memory_is_watched_and_refused() {
    let mut stub = attached();
    assert_eq!(
        ask(&mut stub, "Z2,4001fc,8").1,
        ["E16"],
        "more than the processor can"
    );
    assert_eq!(ask(&mut stub, "Z2,400010,8").1, ["OK"]);
    assert_eq!(ask(&mut stub, "Z3,400020,8").1, ["E16"], "there is one");
    assert_eq!(ask(&mut stub, "z3,400010,8").1, ["E16"], "of another kind");
    assert_eq!(ask(&mut stub, "z2,400010,8").1, ["OK"]);
    assert_eq!(ask(&mut stub, "Z4,400020,4").1, ["OK"]);
}

#[test]
fn breakpoints_are_set_and_refused() {
    let mut stub = attached();
    assert_eq!(ask(&mut stub, "Z0,400010,4").1, ["OK"]);
    assert_eq!(ask(&mut stub, "Z0,400010,4").1, ["OK"], "once more is as once");
    assert_eq!(ask(&mut stub, "Z0,0,4").1, ["E16"]);
    assert_eq!(
        ask(&mut stub, "Z0,400012,4").1,
        ["E16"],
        "in the middle of a word"
    );
    assert_eq!(ask(&mut stub, "z0,400010,4").1, ["OK"]);
    assert_eq!(ask(&mut stub, "z0,400010,4").1, ["E16"], "it is gone");
    let address = |index: u64| format!("{:x}", START + 4 * index);
    for index in 0..4 {
        assert_eq!(ask(&mut stub, &format!("Z0,{},4", address(index))).1, ["OK"]);
    }
    assert_eq!(
        ask(&mut stub, &format!("Z0,{},4", address(4))).1,
        ["E16"],
        "one too many"
    );
    let signal = Reason::Signal(Signal::SIGINT);
    ask(&mut stub, "vCont;c");
    stub.stopped(signal);
    assert_eq!(answers(), ["T02thread:p01.04;"]);
}

#[test]
fn breakpoints_are_planted_and_lifted_and_new_code_stays() {
    let mut code = [1, 2, 3, 4u32];
    let mut breakpoints = Breakpoints::<4>::new();
    for address in [0, 8, 12, 400] {
        assert!(breakpoints.add(address));
    }
    assert!(!breakpoints.add(4), "there is no more room");
    let plant = |breakpoints: &mut Breakpoints<4>, code: &mut [u32; 4]| {
        let before = *code;
        breakpoints.plant(
            |address| before.get(address as usize / 4).copied(),
            |address, word| code[address as usize / 4] = word,
        );
    };
    let lift = |breakpoints: &mut Breakpoints<4>, code: &mut [u32; 4]| {
        let before = *code;
        breakpoints.lift(
            |address| before.get(address as usize / 4).copied(),
            |address, word| code[address as usize / 4] = word,
        );
    };
    plant(&mut breakpoints, &mut code);
    plant(&mut breakpoints, &mut code);
    assert_eq!(code, [BREAKPOINT, 2, BREAKPOINT, BREAKPOINT]);
    assert_eq!(
        breakpoints.at(400).and_then(|one| one.instead_of),
        None,
        "there is no code"
    );
    // Somebody has made new code; somebody else has changed a word beneath a breakpoint.
    code[2] = 30;
    *breakpoints.instead_of(12).expect("planted") = 40;
    lift(&mut breakpoints, &mut code);
    assert_eq!(code, [1, 2, 30, 40]);
    assert_eq!(breakpoints.instead_of(12), None, "it is not planted");
    assert!(breakpoints.remove(8) && !breakpoints.remove(8));
    breakpoints.clear();
    plant(&mut breakpoints, &mut code);
    assert_eq!(code, [1, 2, 30, 40]);
}
