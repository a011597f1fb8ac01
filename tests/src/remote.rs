//! A debugger's side of the remote protocol that QEMU speaks: registers, memory, breakpoints, single steps.
//!
//! Source: the GDB manual, appendix "GDB Remote Serial Protocol"; QEMU's documentation, "GDB usage".

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// What a stopped guest may take to answer or, when it goes on, to come to the next stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a piece of memory that is read at once.
const PIECE: u64 = 1024;
/// Where the program counter and what follows it are in the answer to `g`, in bytes.
const PC: usize = 256;

/// The registers of the guest's first processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers {
    /// r0 to r31.
    pub gpr: [u64; 32],
    /// The next instruction.
    pub pc: u64,
    /// The machine state.
    pub msr: u64,
    /// The link register.
    pub lr: u64,
    /// The count register.
    pub ctr: u64,
}

/// A guest that is stopped.
#[derive(Debug)]
pub struct Remote {
    stream: TcpStream,
    received: Vec<u8>,
    /// The numbers of all registers, by their names.
    numbers: BTreeMap<String, usize>,
    /// Memory that was read since the guest ran last.
    pieces: BTreeMap<u64, Vec<u8>>,
}

fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

fn from_hex(text: &[u8]) -> io::Result<Vec<u8>> {
    let digits = std::str::from_utf8(text).map_err(|_| invalid("an answer is no text"))?;
    let byte = |index| u8::from_str_radix(digits.get(index..index + 2).unwrap_or(""), 16);
    (0..digits.len())
        .step_by(2)
        .map(|index| byte(index).map_err(|_| invalid(format!("no bytes: {digits}"))))
        .collect()
}

fn doubleword(bytes: &[u8]) -> io::Result<u64> {
    let bytes = bytes.get(..8).and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(u64::from_le_bytes)
        .ok_or_else(|| invalid("too few bytes"))
}

impl Remote {
    /// Connects to the guest that waits at this port of the machine.
    ///
    /// # Errors
    /// Nobody is there, or speaks otherwise.
    pub fn connect(port: u16) -> io::Result<Remote> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut remote = Remote {
            stream,
            received: Vec::new(),
            numbers: BTreeMap::new(),
            pieces: BTreeMap::new(),
        };
        remote.ask("qSupported:xmlRegisters=powerpc")?;
        remote.read_numbers()?;
        Ok(remote)
    }

    /// Sends a packet and answers what comes back.
    fn ask(&mut self, packet: &str) -> io::Result<Vec<u8>> {
        self.send(packet)?;
        self.receive()
    }

    fn send(&mut self, packet: &str) -> io::Result<()> {
        let sum = packet.bytes().fold(0u8, u8::wrapping_add);
        self.stream.write_all(format!("${packet}#{sum:02x}").as_bytes())
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let start = self.received.iter().position(|byte| *byte == b'$');
            let end = self.received.iter().position(|byte| *byte == b'#');
            if let (Some(start), Some(end)) = (start, end)
                && self.received.len() >= end + 3
            {
                let packet = self.received[start + 1..end].to_vec();
                self.received.drain(..end + 3);
                self.stream.write_all(b"+")?;
                return Ok(packet);
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.received.extend_from_slice(&bytes[..count]),
            }
        }
    }

    /// What is wanted must come out.
    fn order(&mut self, packet: &str) -> io::Result<()> {
        match self.ask(packet)?.as_slice() {
            b"OK" => Ok(()),
            other => Err(invalid(format!("{packet}: {}", String::from_utf8_lossy(other)))),
        }
    }

    /// One of the files in which the guest describes its registers.
    fn description(&mut self, name: &str) -> io::Result<String> {
        let mut text = Vec::new();
        loop {
            let part = self.ask(&format!("qXfer:features:read:{name}:{:x},400", text.len()))?;
            let (kind, rest) = part
                .split_first()
                .ok_or_else(|| invalid("no description of registers"))?;
            text.extend_from_slice(rest);
            if *kind == b'l' {
                return String::from_utf8(text).map_err(|_| invalid("a description is no text"));
            }
        }
    }

    /// Registers are numbered in the order in which they are described, with jumps where a number is given.
    fn read_numbers(&mut self) -> io::Result<()> {
        let attribute = |tag: &str, name: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let target = self.description("target.xml")?;
        let mut next = 0;
        for file in target.split('<').filter_map(|tag| attribute(tag, "href")) {
            let text = self.description(&file)?;
            for tag in text.split('<').filter(|tag| tag.starts_with("reg ")) {
                if let Some(number) = attribute(tag, "regnum").and_then(|number| number.parse().ok()) {
                    next = number;
                }
                let name = attribute(tag, "name").ok_or_else(|| invalid("a register without a name"))?;
                self.numbers.entry(name).or_insert(next);
                next += 1;
            }
        }
        Ok(())
    }

    fn number(&self, name: &str) -> io::Result<usize> {
        let number = self.numbers.get(name).copied();
        number.ok_or_else(|| invalid(format!("no register '{name}'")))
    }

    /// A register of this name.
    ///
    /// # Errors
    /// There is none, or the guest is gone.
    pub fn register(&mut self, name: &str) -> io::Result<u64> {
        let number = self.number(name)?;
        doubleword(&from_hex(&self.ask(&format!("p{number:x}"))?)?)
    }

    /// Gives a register another value.
    ///
    /// # Errors
    /// There is none, or the guest is gone.
    pub fn set_register(&mut self, name: &str, value: u64) -> io::Result<()> {
        let number = self.number(name)?;
        self.order(&format!("P{number:x}={:016x}", value.swap_bytes()))
    }

    /// The general registers and those that matter to a call.
    ///
    /// # Errors
    /// The guest is gone.
    pub fn registers(&mut self) -> io::Result<Registers> {
        let bytes = from_hex(&self.ask("g")?)?;
        let at = |offset: usize| doubleword(bytes.get(offset..).unwrap_or_default());
        let mut gpr = [0; 32];
        for (number, register) in gpr.iter_mut().enumerate() {
            *register = at(8 * number)?;
        }
        Ok(Registers {
            gpr,
            pc: at(PC)?,
            msr: at(PC + 8)?,
            lr: at(PC + 20)?,
            ctr: at(PC + 28)?,
        })
    }

    /// The doubleword at an address.
    ///
    /// # Errors
    /// There is no memory, or the guest is gone.
    pub fn read(&mut self, address: u64) -> io::Result<u64> {
        let start = address & !(PIECE - 1);
        if !self.pieces.contains_key(&start) {
            let bytes = from_hex(&self.ask(&format!("m{start:x},{PIECE:x}"))?)?;
            self.pieces.insert(start, bytes);
        }
        doubleword(
            self.pieces[&start]
                .get((address - start) as usize..)
                .unwrap_or_default(),
        )
    }

    /// Stops the guest when it comes to an address.
    ///
    /// # Errors
    /// It cannot be, or the guest is gone.
    pub fn set_breakpoint(&mut self, address: u64) -> io::Result<()> {
        self.order(&format!("Z1,{address:x},4"))
    }

    /// The opposite.
    ///
    /// # Errors
    /// There is none, or the guest is gone.
    pub fn clear_breakpoint(&mut self, address: u64) -> io::Result<()> {
        self.order(&format!("z1,{address:x},4"))
    }

    /// Lets the guest run to the next stop.
    ///
    /// # Errors
    /// It does not stop, or is gone.
    pub fn go_on(&mut self) -> io::Result<()> {
        self.run("c")
    }

    /// Lets the guest execute one instruction. Interrupts wait meanwhile.
    ///
    /// # Errors
    /// It is gone.
    pub fn step(&mut self) -> io::Result<()> {
        self.run("s")
    }

    fn run(&mut self, how: &str) -> io::Result<()> {
        self.pieces.clear();
        let answer = self.ask(how)?;
        if answer.starts_with(b"T05") {
            Ok(())
        } else {
            Err(invalid(format!(
                "not a stop: {}",
                String::from_utf8_lossy(&answer)
            )))
        }
    }

    /// Gives an order to QEMU's monitor.
    ///
    /// # Errors
    /// It has something to say against it, or the guest is gone.
    pub fn monitor(&mut self, order: &str) -> io::Result<()> {
        let text: String = order.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.order(&format!("qRcmd,{text}"))
    }

    /// Lets the guest go, for good.
    ///
    /// # Errors
    /// It is gone already.
    pub fn detach(mut self) -> io::Result<()> {
        self.order("D")
    }
}
