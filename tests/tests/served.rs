//! The guest's shell, as a program has it: lines that come by a socket, and the functions that Linux's own test scripts stand on.

use end_to_end::talk::{PATIENCE, Talk};
use end_to_end::{Ended, finish, root, xtask};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

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

/// `tools/selftests/functions.sh`, on which Linux's own tests stand.
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
