//! The kernel's start, step by step.

use crate::{
    boot_arguments, cpu, ftrace, initrd, kgdb, livepatch, logging, machine, memory, platform, power,
    selftest, shell, suite, symbols, thread,
};

/// How the firmware entered the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// With its client entry, through which the device tree was asked for.
    OpenFirmware,
    /// With a flat device tree.
    FlatTree,
}

/// Runs the kernel on the boot thread. No firmware call is possible from here on.
pub fn start(tree: &'static [u8], entry: Entry) -> ! {
    logging::start_clock();
    machine::init(tree);
    if shell::wanted().is_some() {
        memory::give_up_cases();
    }
    selftest::before_banner();
    logging::init();
    banner(entry);
    boot_arguments::report_unknown();
    shell::report_unknown();
    choose_return_design();
    initrd::report();
    arch::entry::install();
    platform::set_little_endian_exceptions();
    let unprotected = memory::protect();
    ftrace::prime_classic_sites();
    thread::init();
    platform::serve_firmware();
    cpu::bring_up();
    memory::report(unprotected);
    kgdb::start();
    selftest::run();
    match shell::wanted() {
        None => suite::run(),
        Some(_) if boot_arguments::flag("bench") => {
            memory::tell_use();
            power::exit(0)
        }
        Some(peer) => shell::run(peer),
    }
}

/// `klp.return=`: the return design of patches that name none. A name that there is not is refused, not guessed at.
fn choose_return_design() {
    livepatch::set_unsafe(boot_arguments::flag("klp.unsafe"));
    let Some(name) = boot_arguments::get("klp.return") else {
        return;
    };
    match name.parse() {
        Ok(design) => livepatch::set_default_design(design),
        Err(error) => panic!("boot argument klp.return={name}: {error}"),
    }
}

/// Says who runs where.
fn banner(entry: Entry) {
    let machine = machine::machine();
    let firmware = match machine.firmware.as_str() {
        "" if entry == Entry::OpenFirmware => "Open Firmware",
        "" => "a nameless firmware",
        name => name,
    };
    log::info!(
        target: "boot",
        "Tocsin {} (build {}) on {}, {} x {}, {} MiB, started by {firmware}",
        env!("CARGO_PKG_VERSION"),
        symbols::BuildId,
        machine.model,
        machine.servers.len(),
        machine.cpu,
        machine.memory_size() >> 20,
    );
    match entry {
        Entry::OpenFirmware => log::debug!(target: "boot", "entered from Open Firmware"),
        Entry::FlatTree => log::info!(target: "boot", "entered with a flat device tree"),
    }
    log::debug!(target: "boot", "the kernel started {} us after the machine", logging::start_time());
    log::debug!(target: "boot", "command line: {}", machine.boot_arguments);
    if machine.timebase_frequency != Some(arch::time::TICKS_PER_SECOND as u32) {
        log::warn!(
            target: "boot",
            "the timebase runs at {:?} Hz: times are wrong by its ratio to {}",
            machine.timebase_frequency,
            arch::time::TICKS_PER_SECOND
        );
    }
}
