//! The guest's shell, as a person, a script and a program have it.

use end_to_end::{Ended, finish, root, xtask};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the shell shows in front of a line.
const PROMPT: &str = "tocsin# ";
/// How long an answer may take: a busy machine boots in seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a script of these lines.
fn script(text: &str, options: &[&str]) -> Ended {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("lines");
    fs::write(&file, text).expect("a file");
    finish(xtask().args(["run", "--script"]).arg(file).args(options))
}

/// A process whose input and output are in our hands. It ends with this.
struct Talk {
    child: Child,
    input: Option<Box<dyn Write>>,
    output: Receiver<Vec<u8>>,
    heard: String,
}

impl Talk {
    fn start(command: &mut Command) -> Talk {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let (input, output) = (child.stdin.take(), child.stdout.take());
        Talk::over(
            child,
            Box::new(input.expect("its input")),
            output.expect("its output"),
        )
    }

    fn over(child: Child, input: Box<dyn Write>, mut pipe: impl Read + Send + 'static) -> Talk {
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Talk {
            input: Some(input),
            child,
            output,
            heard: String::new(),
        }
    }

    fn shell() -> Talk {
        let mut talk = Talk::start(xtask().args(["run", "shell", "--timeout", "120"]));
        talk.hear(PROMPT);
        talk
    }

    fn say(&mut self, keys: &str) {
        let input = self.input.as_mut().expect("its input is open");
        input.write_all(keys.as_bytes()).expect("it listens");
        input.flush().expect("it listens");
    }

    /// Waits for `words`, and answers what was said up to there.
    #[track_caller]
    fn hear(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.heard.find(words) {
                let rest = self.heard.split_off(at + words.len());
                return std::mem::replace(&mut self.heard, rest);
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.heard.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{words:?} was not said, but:\n{}", self.heard),
            }
        }
    }

    /// Types a line, and answers what comes between it and the next prompt.
    #[track_caller]
    fn ask(&mut self, line: &str) -> String {
        self.say(&format!("{line}\r"));
        self.hear("\n");
        let answer = self.hear(PROMPT);
        answer.strip_suffix(PROMPT).unwrap_or_default().to_owned()
    }

    fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // Only where a test has failed does it still run. It is asked to end, so that it ends QEMU.
        if matches!(self.child.try_wait(), Ok(None)) {
            let process = Pid::from_raw(i32::try_from(self.child.id()).expect("a process's number"));
            _ = kill(process, Signal::SIGTERM);
            _ = self.child.wait();
        }
    }
}

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
    assert_eq!(talk.child.wait().expect("it ends").code(), Some(0));
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
fn the_life_of_a_live_patch() {
    let ended = script(
        "modprobe klp_target
modprobe klp_patch
await /sys/kernel/livepatch/klp_patch/transition 0
cat /sys/kernel/livepatch/klp_patch/enabled /sys/kernel/livepatch/klp_patch/klp_target/patched
grep -c klp_patch /sys/kernel/livepatch/*/functions
echo 0 > /sys/kernel/livepatch/klp_patch/enabled
await /sys/kernel/livepatch/klp_patch/enabled gone
rmmod klp_patch klp_target
ls /sys/kernel/livepatch /sys/module
grep \"livepatch: 'klp_patch': unpatching complete\" /dev/kmsg
",
        &[],
    );
    ended.expect(0, &[]);
    let lines: Vec<&str> = ended.output.lines().collect();
    assert_eq!(lines[..2], ["1", "1"], "{}", ended.output);
    assert!(
        lines[2].parse::<u32>().is_ok_and(|count| count > 0),
        "{}",
        ended.output
    );
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

/// A guest that is served.
struct Served {
    talk: Talk,
    folder: TempDir,
}

impl Served {
    fn start(options: &[&str]) -> Served {
        let folder = TempDir::new().expect("a temporary folder");
        let mut command = xtask();
        let socket = format!("--serve={}", folder.path().join("socket").display());
        command
            .args(["run", "shell", &socket, "--timeout", "300"])
            .args(options);
        let served = Served {
            talk: Talk::start(&mut command),
            folder,
        };
        // Until then it refuses, or lets wait.
        let end = Instant::now() + PATIENCE;
        while served.run("true").status != Some(0) {
            assert!(Instant::now() < end, "it does not begin to serve");
            thread::sleep(Duration::from_millis(50));
        }
        served
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn command(&self, line: &str) -> Command {
        let mut command = xtask();
        command
            .arg("guest")
            .arg("--socket")
            .arg(self.socket())
            .args(["--", line]);
        command
    }

    fn run(&self, line: &str) -> Ended {
        finish(&mut self.command(line))
    }

    fn end(self) {
        self.run("exit").expect(0, &[]);
        assert_eq!(self.talk.end(), Some(0));
        assert!(
            !Path::new(&self.folder.path().join("socket")).exists(),
            "the socket is left"
        );
    }
}

#[test]
fn other_programs_run_lines() {
    let served = Served::start(&[]);
    for (line, status, output, errors) in [
        ("echo a  'b  c'", 0, "a b  c\n", ""),
        ("echo -n no end", 0, "no end", ""),
        ("echo", 0, "\n", ""),
        (
            "cat /nowhere",
            1,
            "",
            "cat: /nowhere: No such file or directory\n",
        ),
        (
            "echo a; cat /nowhere; echo b",
            0,
            "a\nb\n",
            "cat: /nowhere: No such file or directory\n",
        ),
        (
            "cat /nowhere 2>&1",
            1,
            "cat: /nowhere: No such file or directory\n",
            "",
        ),
        ("nonsense", 127, "", "sh: nonsense: command not found\n"),
        ("echo \"größe\t|\"", 0, "größe\t|\n", ""),
        ("cd /proc/sys", 0, "", ""),
        ("pwd", 0, "/proc/sys\n", ""),
        ("cd", 0, "", ""),
        (
            "rmmod nothing",
            1,
            "",
            "rmmod: ERROR: Module nothing is not currently loaded\n",
        ),
        ("# nothing", 0, "", ""),
        ("", 0, "", ""),
    ] {
        let ended = served.run(line);
        assert_eq!(
            (ended.status, ended.output.as_str(), ended.errors.as_str()),
            (Some(status), output, errors),
            "{line}"
        );
    }
    let symbols = served.run("cat /proc/kallsyms").output;
    assert!(
        symbols.lines().count() > 1000,
        "{} symbols",
        symbols.lines().count()
    );
    // Who goes away has its line stopped.
    let mut sleeper = served.command("sleep 1000").spawn().expect("it starts");
    thread::sleep(Duration::from_millis(500));
    sleeper.kill().expect("it runs");
    sleeper.wait().expect("it ends");
    let mut endless = served.command("modprobe endless").spawn().expect("it starts");
    thread::sleep(Duration::from_millis(500));
    endless.kill().expect("it runs");
    endless.wait().expect("it ends");
    served.run("true").expect(0, &[]);
    // Several at a time wait for each other.
    let several: Vec<Child> = (0..4)
        .map(|number| {
            let mut command = served.command(&format!("echo {number}"));
            command.stdout(Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    for (number, child) in several.into_iter().enumerate() {
        let output = child.wait_with_output().expect("it ends").stdout;
        assert_eq!(String::from_utf8(output).expect("text"), format!("{number}\n"));
    }
    let log = served.run("dmesg").output;
    assert!(log.lines().all(|line| line.starts_with("[ ")), "{log}");
    served.end();
}

#[test]
fn without_a_guest_there_is_no_answer() {
    let folder = TempDir::new().expect("a temporary folder");
    let socket = folder.path().join("socket");
    let guest = || {
        finish(
            xtask()
                .arg("guest")
                .arg("--socket")
                .arg(&socket)
                .args(["--", "true"]),
        )
    };
    guest().expect(255, &["no guest is served at"]);
    let served = format!("--serve={}", socket.display());
    // The socket of a guest that died is no obstacle; any other file is.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket"));
    guest().expect(255, &["no guest is served at"]);
    let ended = finish(xtask().args(["run", "shell", &served, "--append", "selftest=die"]));
    ended.expect(6, &["the guest died"]);
    fs::write(&socket, "precious").expect("a file");
    finish(xtask().args(["run", "shell", &served])).expect(1, &["cannot listen at"]);
    assert_eq!(fs::read_to_string(&socket).expect("it is there"), "precious");
}

/// `tools/selftests/functions.sh`, on which Linux's own tests will stand.
#[test]
fn the_self_tests_functions() {
    let served = Served::start(&["--append", "log=debug"]);
    let program = served.folder.path().join("guest");
    // Found as the other tests find it, with its words quoted for a shell.
    let xtask = xtask();
    let words = std::iter::once(xtask.get_program()).chain(xtask.get_args());
    let words: Vec<String> = words
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    fs::write(
        &program,
        format!(
            "#!/bin/sh\ncd '{}' && exec {} \"$@\"\n",
            root().display(),
            words.join(" ")
        ),
    )
    .expect("a file");
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is a program");
    let test = served.folder.path().join("test.sh");
    fs::write(
        &test,
        r#"#!/bin/bash
. "$1"
setup_config
start_test "a patch comes and goes"
load_mod klp_target
load_lp klp_patch
check_sysfs_rights klp_patch "" "drwxr-xr-x"
check_sysfs_rights klp_patch "enabled" "-rw-r--r--"
check_sysfs_rights klp_patch "force" "--w-------"
check_sysfs_value klp_patch "enabled" "1"
set_ftrace_enabled --fail 0
load_failing_mod no_such_module
echo "test_klp: $(cat /sys/kernel/livepatch/klp_patch/transition)" > /dev/kmsg
disable_lp klp_patch
unload_lp klp_patch
unload_mod klp_target
check_result "livepatch: enabling patch 'klp_patch'
livepatch: 'klp_patch': initializing patching transition
livepatch: 'klp_patch': starting patching transition
livepatch: 'klp_patch': completing patching transition
livepatch: 'klp_patch': patching complete
livepatch: sysctl: setting key \"kernel.ftrace_enabled\": Device or resource busy
test_klp: 0
livepatch: 'klp_patch': initializing unpatching transition
livepatch: 'klp_patch': starting unpatching transition
livepatch: 'klp_patch': completing unpatching transition
livepatch: 'klp_patch': unpatching complete"
"#,
    )
    .expect("a file");
    let ended = finish(
        Command::new("bash")
            .arg(&test)
            .arg(root().join("tools/selftests/functions.sh"))
            .env("TOCSIN_GUEST", &program)
            .env("TOCSIN_SOCKET", served.socket())
            .stdin(Stdio::null()),
    );
    ended.expect(0, &[]);
    assert_eq!(ended.output, "TEST: a patch comes and goes ... ok\n");
    served.end();
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
