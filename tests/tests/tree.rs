//! What a script does in the tree of files: live patches, tracers, modules.

use end_to_end::{finish, run, script, xtask};
use std::fs;
use tempfile::TempDir;

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
fn tracers() {
    let ended = script(
        "cd /sys/kernel/tracing
cat available_tracers current_tracer set_ftrace_filter
echo 'kernel::shell::kernel::*' > set_ftrace_filter
echo kernel::tree::is_there >> set_ftrace_filter
grep -c kernel::tree::is_there set_ftrace_filter
echo function_graph > current_tracer
cat /proc/version
echo 0 > tracing_on
grep 'kernel::tree::is_there();' trace
grep -q '    trace' enabled_functions || echo none
echo > trace
grep entries trace
echo nop > current_tracer
echo > set_ftrace_filter
cat enabled_functions
echo kernel::nothing > set_ftrace_filter
",
        &[],
    );
    ended.expect(
        1,
        &[
            "ftrace: no function that can be traced is called 'kernel::nothing'",
            "lines:16: 'echo kernel::nothing > set_ftrace_filter' ended with status 1: sh: echo: write error: Invalid argument",
        ],
    );
    let lines: Vec<&str> = ended.output.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "function_graph function nop",
            "nop",
            "#### all functions enabled ####",
            "1"
        ]
    );
    assert!(lines[4].starts_with("Tocsin version "), "{}", ended.output);
    let traced = &lines[5..lines.len() - 2];
    assert!(
        !traced.is_empty()
            && traced
                .iter()
                .all(|line| line.contains(" us  ") && line.contains("|  ")),
        "{}",
        ended.output
    );
    assert_eq!(
        lines[lines.len() - 2..],
        ["none", "# entries-in-buffer/entries-written: 0/0   #P:1"]
    );
}

/// Half a MiB larger than the module area, and than what the device tree can leave besides.
const LARGE: &str = r#"
#include <linux/module.h>

static char room[(8 << 20) + (1 << 19)];

static int __init large_init(void)
{
	unsigned long at;

	for (at = 0; at < sizeof(room); at++) {
		if (room[at] != 0)
			return -1;
		room[at] = 1;
	}
	return 0;
}

module_init(large_init);
MODULE_LICENSE("MIT OR Apache-2.0");
"#;

#[test]
fn modules_get_the_room_of_the_cases() {
    let folder = TempDir::new().expect("a temporary folder");
    let source = folder.path().join("large.c");
    fs::write(&source, LARGE).expect("a file");
    finish(xtask().arg("module").arg(&source).arg("-o").arg(folder.path())).expect(0, &[]);
    let product = folder.path().join("large.ko");
    let product = product.to_str().expect("a path in UTF-8");

    let lines = "modprobe large\nmodprobe klp_patch\ncat /proc/modules\ncat /proc/kallsyms\n";
    let ended = script(lines, &["--module", product]);
    ended.expect(0, &[]);
    for words in ["klp_patch ", "large 8"] {
        assert!(ended.output.contains(words), "{words:?}: {}", ended.output);
    }
    let is_of_a_case = |line: &&str| line.contains("6kernel") && line.contains("5tests");
    let functions = ended
        .output
        .lines()
        .filter(|line| line.contains(" T ") || line.contains(" t "));
    let cases: Vec<&str> = functions.filter(is_of_a_case).collect();
    assert!(cases.is_empty(), "{cases:#?}");

    run(&["--case", "selftest::*", "--module", product]).expect(9, &["no room for"]);
}
