use super::*;

struct Letters;

impl Names for Letters {
    fn function(&self, address: u64) -> impl fmt::Display {
        char::from(address as u8)
    }

    fn thread(&self, number: u32) -> impl fmt::Display {
        if number == 1 { "one" } else { "other" }
    }
}

fn event(kind: Kind, time: u64, function: u8, depth: u32, thread: u32) -> Event {
    Event {
        time,
        site: function.into(),
        other: 0,
        thread,
        depth,
        kind,
    }
}

fn entry(time: u64, function: u8, depth: u32) -> Event {
    event(Kind::Entry, time, function, depth, 1)
}

/// A return of a function that was called at a time.
fn leave(time: u64, function: u8, depth: u32, called: u64) -> Event {
    Event {
        other: called,
        ..event(Kind::Return, time, function, depth, 1)
    }
}

/// The lines, of a clock whose ticks are nanoseconds.
fn shown(cpus: &[&[Event]]) -> Vec<String> {
    let cpus = cpus.iter().map(|events| events.to_vec());
    let snapshot = Snapshot {
        cpus: cpus.enumerate().collect(),
        written: 0,
        ticks_per_second: 1_000_000_000,
    };
    let mut text = String::new();
    snapshot
        .show_graph(&Letters, &mut text)
        .expect("a string takes all");
    text.lines().skip(2).map(String::from).collect()
}

#[test]
fn a_return_right_behind_its_call_is_one_line() {
    let events = [
        entry(100, b'a', 0),
        entry(200, b'b', 1),
        leave(1434, b'b', 1, 200),
        leave(20_100, b'a', 0, 100),
    ];
    assert_eq!(
        shown(&[&events]),
        [
            " 0)               |  a() {",
            " 0)   1.234 us    |    b();",
            " 0) + 20.000 us   |  }",
        ]
    );
}

#[test]
fn a_return_without_its_call_says_of_what() {
    let events = [leave(9, b'b', 1, 2), entry(10, b'c', 1)];
    assert_eq!(
        shown(&[&events]),
        [" 0)   0.007 us    |    } /* b */", " 0)               |    c() {",]
    );
}

#[test]
fn recursion_is_paired_by_depth() {
    let events = [
        entry(1, b'a', 0),
        entry(2, b'a', 1),
        entry(3, b'a', 2),
        leave(4, b'a', 2, 3),
        leave(5, b'a', 1, 2),
        leave(6, b'a', 0, 1),
    ];
    assert_eq!(
        shown(&[&events]),
        [
            " 0)               |  a() {",
            " 0)               |    a() {",
            " 0)   0.001 us    |      a();",
            " 0)   0.003 us    |    }",
            " 0)   0.005 us    |  }",
        ]
    );
}

#[test]
fn another_thread_is_announced_and_does_not_close_the_first_ones_functions() {
    let events = [
        entry(1, b'a', 0),
        event(Kind::Entry, 2, b'b', 0, 2),
        leave(3, b'a', 0, 1),
    ];
    let rule = " ------------------------------------------";
    assert_eq!(
        shown(&[&events]),
        [
            " 0)               |  a() {",
            rule,
            " 0)             one-1  =>  other-2",
            rule,
            "",
            " 0)               |  b() {",
            rule,
            " 0)           other-2  =>  one-1",
            rule,
            "",
            " 0)   0.002 us    |  }",
        ]
    );
}

#[test]
fn cpus_are_merged_by_time() {
    let first = [entry(1, b'a', 0), leave(4, b'a', 0, 1)];
    let second = [
        entry(2, b'b', 0),
        event(Kind::Call, 3, b'x', 0, 1),
        leave(5, b'b', 0, 2),
    ];
    assert_eq!(
        shown(&[&first, &second]),
        [" 0)   0.003 us    |  a();", " 1)   0.003 us    |  b();"]
    );
}
