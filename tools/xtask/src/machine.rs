//! The machine that the guest sees: QEMU's command line.

use crate::debugger_socket::DebuggerSocket;
use clap::ValueEnum;
use std::env;
use std::path::PathBuf;
use std::process::Command;

/// With `-icount` an instruction takes 2 to this power nanoseconds: enough that the timebase tells single ones apart.
pub(crate) const ICOUNT_SHIFT: u32 = 3;

/// The machines that the kernel is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Model {
    /// A partition of a hypervisor, which QEMU stands in for
    Pseries,
    /// No hypervisor, a POWER9, started by skiboot
    Powernv9,
    /// No hypervisor, a POWER10, started by skiboot
    Powernv10,
}

/// The processor models that the kernel is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cpu {
    /// ISA 2.07
    Power8,
    /// ISA 3.0
    Power9,
    /// ISA 3.1
    Power10,
}

/// What runs between power-on and the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Firmware {
    /// QEMU's own, a virtual open firmware
    Vof,
    /// Slimline Open Firmware
    Slof,
}

/// A model, and what can be chosen of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Board {
    Pseries { cpu: Cpu, firmware: Firmware },
    Powernv9,
    Powernv10,
}

/// What else is asked for, as far as it is not possible with every model.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) cpu: Option<Cpu>,
    pub(crate) firmware: Option<Firmware>,
    /// In MiB.
    pub(crate) memory: Option<u32>,
    pub(crate) icount: bool,
    /// A second console, for a debugger of the kernel's own.
    pub(crate) kgdb: bool,
}

impl Board {
    /// The model with what is asked for, or why it cannot be had.
    pub(crate) fn choose(model: Model, wishes: Wishes) -> Result<Self, String> {
        let (name, board, its_cpu) = match model {
            Model::Pseries => {
                return Ok(Board::Pseries {
                    cpu: wishes.cpu.unwrap_or(Cpu::Power9),
                    firmware: wishes.firmware.unwrap_or(Firmware::Vof),
                });
            }
            Model::Powernv9 => ("powernv9", Board::Powernv9, Cpu::Power9),
            Model::Powernv10 => ("powernv10", Board::Powernv10, Cpu::Power10),
        };
        if let Some(cpu) = wishes.cpu.filter(|cpu| *cpu != its_cpu) {
            return Err(format!(
                "--cpu {}: --machine {name} has a {}",
                cpu.name(),
                its_cpu.name()
            ));
        }
        if wishes.firmware.is_some() {
            return Err(format!(
                "--firmware: --machine {name} is always started by skiboot"
            ));
        }
        if wishes.icount {
            return Err(format!(
                "--icount: QEMU cannot run --machine {name} by instructions"
            ));
        }
        if wishes.kgdb {
            return Err(format!(
                "--kgdb: --machine {name} has one console, which OPAL owns; --gdb asks QEMU instead"
            ));
        }
        if wishes.memory.is_some_and(|memory| memory < SMALLEST_POWERNV) {
            return Err(format!(
                "--memory: --machine {name} needs {SMALLEST_POWERNV} MiB, since skiboot loads at 768 MiB"
            ));
        }
        Ok(board)
    }

    /// Its processors.
    pub(crate) fn cpu(self) -> Cpu {
        match self {
            Board::Pseries { cpu, .. } => cpu,
            Board::Powernv9 => Cpu::Power9,
            Board::Powernv10 => Cpu::Power10,
        }
    }

    /// In MiB, when nobody says.
    pub(crate) fn default_memory(self) -> u32 {
        match self {
            Board::Pseries { .. } => 512,
            Board::Powernv9 | Board::Powernv10 => 2048,
        }
    }

    /// What QEMU is told of it.
    fn arguments(self) -> Vec<String> {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        // Without a service processor skiboot waits for one.
        let powernv = |name| {
            words(&format!(
                "-M {name} -device ipmi-bmc-sim,id=bmc -device isa-ipmi-bt,bmc=bmc,irq=10"
            ))
        };
        match self {
            Board::Pseries { cpu, firmware } => {
                let vof = if firmware == Firmware::Vof {
                    ",x-vof=on"
                } else {
                    ""
                };
                // TCG has none of the mitigations that the machine would otherwise insist on.
                let mitigations = "cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off";
                // In real mode a store outside RAM may be seen by nobody but QEMU.
                let errors = if cpu == Cpu::Power8 {
                    " -d guest_errors"
                } else {
                    ""
                };
                words(&format!(
                    "-M pseries{vof},{mitigations} -cpu {}{errors}",
                    cpu.name()
                ))
            }
            Board::Powernv9 => powernv("powernv9"),
            Board::Powernv10 => powernv("powernv10"),
        }
    }
}

impl Cpu {
    /// As QEMU and the command line name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cpu::Power8 => "power8",
            Cpu::Power9 => "power9",
            Cpu::Power10 => "power10",
        }
    }
}

/// Below this, in MiB, QEMU does not make a machine without a hypervisor.
const SMALLEST_POWERNV: u32 = 1024;

/// All that is said to QEMU.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) board: Board,
    pub(crate) smp: u16,
    /// In MiB.
    pub(crate) memory: u32,
    pub(crate) icount: bool,
    /// Where QEMU waits for a debugger.
    pub(crate) gdb: Option<DebuggerSocket>,
    /// Where the guest's second console is: the kernel waits for a debugger there.
    pub(crate) kgdb: Option<DebuggerSocket>,
    pub(crate) command_line: String,
    pub(crate) image: PathBuf,
    pub(crate) initrd: PathBuf,
}

impl Machine {
    /// QEMU, told all of it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(program());
        command
            .args(self.board.arguments())
            .args(["-smp", &self.smp.to_string(), "-m", &self.memory.to_string()])
            .args(["-nodefaults", "-nographic", "-serial", "stdio"])
            .args(self.kgdb.iter().flat_map(DebuggerSocket::for_guest))
            .args(["-no-reboot", "-action", self.on_panic()])
            .arg("-kernel")
            .arg(&self.image)
            .arg("-initrd")
            .arg(&self.initrd)
            .args(["-append", &self.command_line]);
        if self.icount {
            command.args(["-icount", &format!("shift={ICOUNT_SHIFT},sleep=off")]);
        }
        if let Some(socket) = &self.gdb {
            command.arg("-S").args(socket.for_qemu());
        }
        command
    }

    /// What a guest does that reports its failure. With a debugger it stops, so that it can be looked at.
    fn on_panic(&self) -> &'static str {
        match self.gdb {
            Some(_) => "panic=pause",
            None => "panic=exit-failure",
        }
    }
}

/// The program that is run as QEMU.
pub(crate) fn program() -> String {
    env::var("TOCSIN_QEMU")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "qemu-system-ppc64".into())
}

/// `512`, `512M` or `1G`, in MiB.
pub(crate) fn parse_memory(text: &str) -> Result<u32, String> {
    /// Below this the firmware and the kernel do not fit.
    const SMALLEST: u32 = 128;
    const LARGEST: u32 = 64 * 1024;
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "M" | "m" => 1,
        "G" | "g" => 1024,
        unit => return Err(format!("{unit:?} is no unit: M or G")),
    };
    let number: u32 = digits
        .parse()
        .map_err(|_| "it takes a number, as in 512, 512M or 1G".to_owned())?;
    match number.checked_mul(factor) {
        Some(size @ SMALLEST..=LARGEST) => Ok(size),
        _ => Err(format!("the machine can have {SMALLEST}M to {}G", LARGEST / 1024)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Board, Cpu, DebuggerSocket, Firmware, Machine, Model, Wishes, parse_memory};

    #[test]
    fn memory_sizes() {
        assert_eq!(parse_memory("512"), Ok(512));
        assert_eq!(parse_memory("256M"), Ok(256));
        assert_eq!(parse_memory("2G"), Ok(2048));
        for wrong in ["", "M", "12", "1T", "99999999999", "65G", "-1", "4194305G"] {
            assert!(parse_memory(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_qemu_is_told() {
        let words = |board, icount, gdb, kgdb| {
            let machine = Machine {
                board,
                smp: 3,
                memory: 256,
                icount,
                gdb,
                kgdb,
                command_line: "case=a::* log=debug".into(),
                image: "/image".into(),
                initrd: "/initrd".into(),
            };
            let command = machine.command();
            let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
            words.join(" ")
        };
        let slof = Board::Pseries {
            cpu: Cpu::Power10,
            firmware: Firmware::Slof,
        };
        let socket = || Some(DebuggerSocket::open(0).unwrap());
        let slof = words(slof, true, socket(), socket());
        for part in [
            "-M pseries,cap-cfpc=",
            "-cpu power10 -smp 3 -m 256 -nodefaults",
            "-kernel /image -initrd /initrd -append case=a::* log=debug",
            "-icount shift=3,sleep=off",
            "-S -chardev socket,id=gdb,fd=",
            "server=on,wait=off,nodelay=on -gdb chardev:gdb",
            "-serial stdio -chardev socket,id=kgdb,fd=",
            "server=on,wait=off,nodelay=on -serial chardev:kgdb",
        ] {
            assert!(slof.contains(part), "{part:?} is not in {slof:?}");
        }
        let vof = words(
            Board::choose(Model::Pseries, Wishes::default()).unwrap(),
            false,
            None,
            None,
        );
        assert!(
            vof.contains("-M pseries,x-vof=on,cap-cfpc=")
                && !vof.contains("-icount")
                && !vof.contains("-gdb"),
            "{vof}"
        );
        let powernv = words(Board::Powernv9, false, None, None);
        assert!(
            powernv.starts_with("-M powernv9 -device ipmi-bmc-sim,") && !powernv.contains("-cpu"),
            "{powernv}"
        );
    }

    #[test]
    fn what_cannot_be_had_without_a_hypervisor_is_refused_by_name() {
        let none = Wishes::default();
        let its_own = Wishes {
            cpu: Some(Cpu::Power10),
            memory: Some(1024),
            ..none
        };
        assert_eq!(Board::choose(Model::Powernv10, its_own), Ok(Board::Powernv10));
        for (wishes, word) in [
            (
                Wishes {
                    cpu: Some(Cpu::Power8),
                    ..none
                },
                "--cpu power8: --machine powernv9 has a power9",
            ),
            (
                Wishes {
                    firmware: Some(Firmware::Slof),
                    ..none
                },
                "--firmware: ",
            ),
            (Wishes { icount: true, ..none }, "--icount: "),
            (Wishes { kgdb: true, ..none }, "--kgdb: "),
            (
                Wishes {
                    memory: Some(1023),
                    ..none
                },
                "--memory: --machine powernv9 needs 1024",
            ),
        ] {
            let reason = Board::choose(Model::Powernv9, wishes).unwrap_err();
            assert!(reason.starts_with(word), "{reason}");
            assert!(Board::choose(Model::Pseries, wishes).is_ok());
        }
    }
}
