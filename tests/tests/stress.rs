//! `cargo xtask stress`: it passes, it finds what is wrong, and the seed finds it again.

use end_to_end::{Ended, finish, xtask};

fn stress(options: &[&str]) -> Ended {
    finish(xtask().arg("stress").args(options))
}

/// The number behind `label` in the guest's account.
#[track_caller]
fn number(ended: &Ended, label: &str) -> u64 {
    let found = ended.output.split(label).nth(1);
    let found = found.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    found
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("no number behind {label:?} in:\n{}", ended.output))
}

#[test]
fn four_cpus_call_and_every_answer_is_right() {
    let ended = stress(&["--seconds", "4", "--seed", "11", "--smp", "4"]);
    ended.expect(0, &[]);
    assert_eq!(number(&ended, "\n# wrong results: "), 0);
    for cpu in 0..4 {
        assert_ne!(
            number(&ended, &format!("# CPU {cpu}: checked calls: ")),
            0,
            "CPU {cpu}"
        );
    }
    assert_eq!(number(&ended, "\n# seed: "), 11);
}

/// What the guest said that depends on the seed.
fn account(ended: &Ended) -> Vec<&str> {
    ended
        .output
        .lines()
        .filter(|line| line.starts_with('#'))
        .collect()
}

#[test]
fn by_instructions_the_same_seed_goes_the_same_way() {
    let run = |seed| stress(&["--seconds", "1", "--seed", seed, "--smp", "4", "--icount"]);
    let [first, again, other] = ["5", "5", "6"].map(run);
    first.expect(0, &[]);
    other.expect(0, &[]);
    assert_eq!(account(&first), account(&again));
    assert_ne!(account(&first), account(&other));
    for label in [
        "patches enabled: ",
        ", disabled: ",
        "replaced all: ",
        "modules loaded: ",
        ", unloaded: ",
        "functions hooked besides: ",
        "tracers chosen: ",
    ] {
        assert_ne!(number(&first, label), 0, "{label}");
    }
}

#[test]
fn a_planted_fault_is_found_and_found_again() {
    let options = [
        "--seconds",
        "20",
        "--seed",
        "3",
        "--smp",
        "2",
        "--icount",
        "--plant",
    ];
    let run = |plant| stress(&[&options[..], &[plant]].concat());
    let [first, again] = [(); 2].map(|()| run("argument"));
    let repeat = "cargo xtask stress --seconds 20 --seed 3 --smp 2 --plant argument --icount";
    first.expect(8, &["FAILED", "under mini-frame", repeat]);
    assert!(first.output.contains("# seed: 3"), "{}", first.output);
    let events = account(&first);
    assert!(events.iter().any(|line| line.contains(" calls a_")), "{events:?}");
    assert!(
        events.iter().any(|line| line.contains(" enables patch ")),
        "{events:?}"
    );
    assert_eq!(events, account(&again));
}

#[test]
fn values_that_are_none_are_refused_by_name() {
    for (options, words) in [
        (
            &["--seconds", "0"][..],
            &["--seconds", "0 is not in 1..=86400"][..],
        ),
        (&["--seconds", "long"], &["long", "--seconds"]),
        (&["--seed", "-1"], &["-1"]),
        (&["--seed", "many"], &["many", "--seed"]),
        (&["--smp", "9"], &["--smp", "9 is not in 1..=8"]),
        (&["--plant", "tree"], &["--plant", "tree"]),
        (
            &["--machine", "powernv9", "--icount"],
            &["--icount", "--machine powernv9"],
        ),
        (&["--abi", "pcrel"], &["--abi pcrel", "power9 does not have"]),
        (&["--case", "a"], &["--case"]),
    ] {
        stress(options).expect(2, words);
    }
}
