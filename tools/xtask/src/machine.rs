//! The machine that the guest sees: QEMU's command line.

use anyhow::{Context, Result};
use clap::ValueEnum;
use std::env;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

/// With `-icount` an instruction takes 2 to this power nanoseconds: enough that the timebase tells single ones apart.
pub(crate) const ICOUNT_SHIFT: u32 = 3;

/// The processor models that the kernel is made for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Cpu {
    /// ISA 2.07
    Power8,
    /// ISA 3.0
    Power9,
    /// ISA 3.1
    Power10,
}

/// What runs between power-on and the kernel.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Firmware {
    /// QEMU's own, a virtual open firmware
    Vof,
    /// Slimline Open Firmware
    Slof,
}

/// All that is said to QEMU.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) cpu: Cpu,
    pub(crate) firmware: Firmware,
    pub(crate) smp: u16,
    /// In MiB.
    pub(crate) memory: u32,
    pub(crate) icount: bool,
    /// The port on which QEMU waits for a debugger.
    pub(crate) gdb: Option<u16>,
    pub(crate) command_line: String,
    pub(crate) image: PathBuf,
    pub(crate) initrd: PathBuf,
}

impl Machine {
    /// QEMU, told all of it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(program());
        // TCG has none of the mitigations that the machine would otherwise insist on.
        let mitigations = "cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off";
        let vof = if matches!(self.firmware, Firmware::Vof) {
            ",x-vof=on"
        } else {
            ""
        };
        let cpu = match self.cpu {
            Cpu::Power8 => "power8",
            Cpu::Power9 => "power9",
            Cpu::Power10 => "power10",
        };
        command
            .args(["-M", &format!("pseries{vof},{mitigations}"), "-cpu", cpu])
            .args(["-smp", &self.smp.to_string(), "-m", &self.memory.to_string()])
            .args([
                "-nographic",
                "-vga",
                "none",
                "-nic",
                "none",
                "-monitor",
                "none",
                "-serial",
                "stdio",
            ])
            .args(["-no-reboot", "-action", "panic=exit-failure"])
            .arg("-kernel")
            .arg(&self.image)
            .arg("-initrd")
            .arg(&self.initrd)
            .args(["-append", &self.command_line]);
        if self.icount {
            command.args(["-icount", &format!("shift={ICOUNT_SHIFT},sleep=off")]);
        }
        if let Some(port) = self.gdb {
            command.args(["-S", "-gdb", &format!("tcp:127.0.0.1:{port}")]);
        }
        command
    }
}

/// The program that is run as QEMU.
pub(crate) fn program() -> String {
    env::var("TOCSIN_QEMU")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "qemu-system-ppc64".into())
}

/// A port for the debugger: the customary one unless it is taken.
///
/// # Errors
/// No port can be had.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 1234)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
    Ok(listener
        .and_then(|listener| listener.local_addr())
        .context("there is no port for the debugger")?
        .port())
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
    use super::{Cpu, Firmware, Machine, parse_memory};

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
        let machine = Machine {
            cpu: Cpu::Power10,
            firmware: Firmware::Slof,
            smp: 3,
            memory: 256,
            icount: true,
            gdb: Some(1234),
            command_line: "case=a::* log=debug".into(),
            image: "/image".into(),
            initrd: "/initrd".into(),
        };
        let words = |machine: &Machine| {
            machine
                .command()
                .get_args()
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let slof = words(&machine);
        for part in [
            "-M pseries,cap-cfpc=",
            "-cpu power10 -smp 3 -m 256",
            "-kernel /image -initrd /initrd -append case=a::* log=debug",
            "-icount shift=3,sleep=off",
            "-S -gdb tcp:127.0.0.1:1234",
        ] {
            assert!(slof.contains(part), "{part:?} is not in {slof:?}");
        }
        let vof = words(&Machine {
            firmware: Firmware::Vof,
            icount: false,
            gdb: None,
            ..machine
        });
        assert!(
            vof.contains("-M pseries,x-vof=on,cap-cfpc=")
                && !vof.contains("-icount")
                && !vof.contains("-gdb"),
            "{vof}"
        );
    }
}
