//! The guest's shell, as a person and a script have it.

use end_to_end::talk::{PROMPT, Talk};
use end_to_end::{finish, root, script, xtask};
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn nonsense_gets_one_line() {
    let mut shell = Talk::shell();
    for (line, answer) in [
        ("nonsense", "sh: nonsense: command not found\n"),
        ("echo 'abc", "sh: column 6: this quote is not closed\n"),
        ("echo a | cat", "sh: column 8: there are no pipes in this shell\n"),
        (
            "echo $x",
            "sh: column 6: there are no variables but $? in this shell\n",
        ),
        (">", "sh: column 1: this redirection names no file\n"),
        (
            "echo 1 > /sys/kernel/livepatch/none/enabled",
            "sh: /sys/kernel/livepatch/none/enabled: No such file or directory\n",
        ),
        ("echo 1 > /proc/cmdline", "sh: /proc/cmdline: Permission denied\n"),
        (
            "echo 2x > /proc/sys/kernel/ftrace_enabled",
            "sh: echo: write error: Invalid argument\n",
        ),
        ("\u{1}\u{2}\u{7}ä\u{1b}[99~", ""),
        (
            "cat /proc/version --nonsense | x",
            "sh: column 30: there are no pipes in this shell\n",
        ),
        ("echo $?", "2\n"),
    ] {
        assert_eq!(shell.ask(line), answer, "{line:?}");
    }
    shell.say("exit 5\r");
    assert_eq!(shell.end(), Some(5));
}

#[test]
fn keys() {
    let mut shell = Talk::shell();
    assert_eq!(shell.ask("ec\tone twp\x7fo"), "one two\n");
    assert_eq!(shell.ask("\x1b[A"), "one two\n");
    assert_eq!(
        shell.ask("\x1b[A three\x01\x1b[C\x1b[C\x1b[C\x1b[C zero"),
        "zero one two three\n"
    );
    assert_eq!(shell.ask("echo x\x15pwd"), "/\n");
    assert!(shell.ask("cat /proc/cmd\t").starts_with("shell"));
    shell.say("ls\t");
    shell.hear("ls  lsmod  \n");
    shell.hear(PROMPT);
    shell.say("\x15");
    shell.hear(PROMPT);
    assert_eq!(shell.ask("cd /proc/sy\t"), "");
    assert_eq!(shell.ask("pwd"), "/proc/sys\n");
    let history = shell.ask("history");
    assert!(
        history.starts_with("    1  echo one two\n    2  echo zero one two three\n"),
        "{history}"
    );
    // The end of the input is the end of the shell.
    assert_eq!(shell.end(), Some(0));
}

#[test]
fn a_message_does_not_spoil_the_line_that_is_typed() {
    let mut shell = Talk::shell();
    shell.ask("modprobe later");
    shell.say("echo ab\x1b[D");
    shell.hear("echo ab");
    let said = shell.hear("later: said later\n");
    assert!(said.contains("\r\x1b[K["), "{said:?}");
    shell.hear("\r\x1b[Ktocsin# echo ab\x1b[1D");
    shell.say("x\r");
    shell.hear("\naxb\n");
    shell.hear(PROMPT);
    assert_eq!(shell.ask("rmmod later"), "");
}

#[test]
fn ctrl_c_stops_what_runs() {
    let mut shell = Talk::shell();
    for line in [
        "sleep 1000",
        "threads",
        "await /proc/version x 1000",
        "sleep 1000; echo not reached",
    ] {
        shell.say(&format!("{line}\r"));
        shell.hear("\n");
        thread::sleep(Duration::from_millis(300));
        let start = Instant::now();
        shell.say("\x03");
        let answer = shell.hear(PROMPT);
        assert!(
            answer.contains("^C") && !answer.contains("not reached"),
            "{line}: {answer}"
        );
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{line}: {:?}",
            start.elapsed()
        );
        assert_eq!(shell.ask("echo $?"), "130\n", "{line}");
    }
    // What does not stop by itself is ended by force.
    shell.say("modprobe endless\r");
    shell.hear("\n");
    thread::sleep(Duration::from_millis(300));
    shell.say("\x03");
    shell.hear("Ctrl-C once more ends it by force");
    shell.say("\x03");
    let answer = shell.hear(PROMPT);
    assert!(
        answer.contains("sh: modprobe: ended by force, at ") && answer.contains(" [endless]"),
        "{answer}"
    );
    assert_eq!(shell.ask("echo $?"), "137\n");
    assert!(shell.ask("cat /proc/modules").contains(" Loading "));
    // Also what prints without an end.
    shell.say("cat /proc/kallsyms /proc/kallsyms /proc/kallsyms\r");
    shell.hear("\n00000000");
    shell.say("\x03");
    shell.hear("^C");
    shell.hear(PROMPT);
    // What is typed while a command runs is not lost, but a line that was given up is.
    shell.say("sleep 0.5\recho typed ahead\r");
    shell.hear("\ntyped ahead\n");
    shell.hear(PROMPT);
    shell.say("echo given up\x03");
    shell.hear(PROMPT);
    assert_eq!(shell.ask("echo $?"), "130\n");
}

#[test]
fn a_terminal_is_as_it_was() {
    use nix::pty::openpty;
    use nix::sys::termios::{LocalFlags, tcgetattr};
    let pty = openpty(None, None).expect("a terminal");
    let before = tcgetattr(&pty.slave).expect("its settings");
    let slave = || Stdio::from(pty.slave.try_clone().expect("the terminal once more"));
    let child = xtask()
        .args(["run", "shell", "--timeout", "120"])
        .stdin(slave())
        .stdout(slave())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let terminal = fs::File::from(pty.master);
    let keys = terminal.try_clone().expect("the terminal once more");
    let mut talk = Talk::over(child, Box::new(keys), terminal);
    let greeting = talk.hear(PROMPT);
    assert!(
        greeting.contains(".\r\n"),
        "lines end as a terminal wants it: {greeting:?}"
    );
    let during = tcgetattr(&pty.slave).expect("its settings");
    assert!(
        !during
            .local_flags
            .intersects(LocalFlags::ICANON | LocalFlags::ECHO),
        "it is not raw"
    );
    talk.say("echo \x1b[D\x05a\r");
    talk.hear("\r\na\r\n");
    talk.say("exit\r");
    assert_eq!(talk.wait(), Some(0));
    assert_eq!(tcgetattr(&pty.slave).expect("its settings"), before);
}

#[test]
fn a_script() {
    let ended = script(
        "# What it prints is all of the output.\n\necho one; echo 'two  words' && echo -n three\ncat /dev/null\nfalse || pwd\n",
        &[],
    );
    ended.expect(0, &[]);
    assert_eq!(ended.output, "one\ntwo  words\nthree/\n");
    script("exit 9\n", &[]).expect(9, &[]);
    script("echo '\n", &[]).expect(1, &["lines:1: 'echo '' ended with status 2: sh: column 6"]);
}

#[test]
fn a_script_ends_with_the_first_line_that_fails() {
    let ended = script("echo one\n\ncat /nowhere\necho two\n", &[]);
    ended.expect(
        1,
        &["lines:3: 'cat /nowhere' ended with status 1: cat: /nowhere: No such file or directory"],
    );
    assert_eq!(ended.output, "one\n");
    script("true\nfalse", &[]).expect(1, &["lines:2: 'false' ended with status 1\n"]);
    finish(xtask().args(["run", "--script", "no/such/file"])).expect(1, &["no/such/file"]);
}

#[test]
fn a_script_in_a_guest_that_panics_or_hangs() {
    script("echo\n", &["--append", "selftest=panic"]).expect(7, &["FAILED: the guest panicked: "]);
    script("sleep 1000\n", &["--timeout", "5"]).expect(5, &["FAILED: the guest hung"]);
    script("echo\n", &["--append", "selftest=die"]).expect(6, &["FAILED: the guest died"]);
}

#[test]
fn it_runs_on_every_machine() {
    for machine in [
        &["--cpu", "power8"][..],
        &["--cpu", "power10", "--smp", "4"],
        &["--machine", "powernv9"],
        &["--machine", "powernv10"],
    ] {
        let ended = script("sleep 0.1\ngrep -q shell /proc/cmdline\necho hello\n", machine);
        ended.expect(0, &[]);
        assert_eq!(ended.output, "hello\n", "{machine:?}");
    }
}

/// Between these lines docs/shell.md has what `help` says. With `TOCSIN_UPDATE_DOCS=1` the test writes it there.
const MARKS: [&str; 2] = ["<!-- what help says -->\n", "<!-- end of what help says -->\n"];

#[test]
fn the_documentation_says_what_help_says() {
    let list = script("help\n", &[]).output;
    let names: Vec<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() > 20, "{list}");
    let lines: Vec<String> = names
        .iter()
        .map(|name| format!("echo; echo '# help {name}'; help {name}\n"))
        .collect();
    let details = script(&lines.concat(), &[]);
    details.expect(0, &[]);
    let expected = format!("```text\n# help\n{list}{}```\n", details.output);
    let path = root().join("docs/shell.md");
    let text = fs::read_to_string(&path).expect("docs/shell.md is there");
    let (before, rest) = text.split_once(MARKS[0]).expect("it has the first mark");
    let (found, behind) = rest.split_once(MARKS[1]).expect("it has the second mark");
    if std::env::var_os("TOCSIN_UPDATE_DOCS").is_some() {
        let text = [before, MARKS[0], &expected, MARKS[1], behind].concat();
        fs::write(&path, text).expect("it can be written");
        return;
    }
    assert_eq!(
        found, expected,
        "TOCSIN_UPDATE_DOCS=1 brings docs/shell.md up to date"
    );
}
