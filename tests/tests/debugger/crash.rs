//! A guest that has crashed, looked at afterwards.

use super::{debug, ledger};
use end_to_end::image::Image;
use end_to_end::root;

/// C has a fault of its own. The panic reports it to QEMU, which stops the guest instead of ending; then every command that
/// only looks is asked, and must answer what is known.
#[test]
fn every_command_answers_after_a_crash_in_c() {
    if !end_to_end::has_gdb() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [patch, target] = ledger(folder.path());
    let options = [
        "--case",
        "selftest::*",
        "--append",
        "log=info",
        "--module",
        &patch,
        "--module",
        &target,
    ];
    let image = Image::read(&root().join("target/tocsin/tocsin")).expect("the image");
    let sites = image.sites.bytes.len() / size_of::<u64>();
    let run = debug(
        &options,
        &format!("-ex 'python SITES={sites}' -x tests/gdb/crash.py -ex kill"),
    );
    let answered = run.said.lines().find(|line| line.starts_with("crash: "));
    let answered = answered.unwrap_or_else(|| panic!("{}\n{}", run.said, run.output));
    assert!(answered.contains("commands answered"), "{}", run.said);
    println!("{answered}");
    assert!(
        run.output
            .contains("null dereference: load from 0x0 in thread 'kworker'"),
        "{}",
        run.output
    );
}
