//! Whatever comes over the line.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use end_to_end::has_gdb;
use kernel_core::random::Random;

use crate::{Guest, PATIENCE, has};

/// Whatever comes over the line, the kernel answers the next debugger, and goes on.
#[test]
fn hostile_bytes_harm_nobody() {
    const PIECES: u64 = 2000;
    const SOUND: [&str; 16] = [
        "qSupported:multiprocess+",
        "?",
        "g",
        "qfThreadInfo",
        "Hgp1.3",
        "p20",
        "m400000,40",
        "m0,ffffffffffffffff",
        "Z0,400100,4",
        "z0,400100,4",
        "Z0,ffffffffffffffff,4",
        "vCont;s:p1.3",
        "vCont;c",
        "vCont;s:p1.2;c",
        "qRcmd,7073",
        "D;1",
    ];
    let mut guest = Guest::shell(&["--smp", "2"]);
    let mut random = Random::new(0x70c5, 0);
    let mut line = TcpStream::connect(("127.0.0.1", guest.port())).expect("it listens");
    let mut back = line.try_clone().expect("a second hand on it");
    let (sender, answers) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = back.read(&mut buffer) {
            _ = sender.send(buffer[..count].to_vec());
        }
    });
    let mut sent = 0;
    for _ in 0..PIECES {
        let text = random.choose(&SOUND);
        let sum = text.bytes().fold(0u8, u8::wrapping_add);
        let mut bytes = format!("${text}#{sum:02x}").into_bytes();
        for _ in 0..random.below(3) {
            let place = random.index(bytes.len());
            match random.below(4) {
                0 => bytes[place] = random.next() as u8,
                1 => bytes.insert(place, random.next() as u8),
                2 => bytes.truncate(place.max(1)),
                _ => bytes = (0..random.below(60) + 1).map(|_| random.next() as u8).collect(),
            }
        }
        sent += bytes.len();
        line.write_all(&bytes).expect("it takes them");
    }
    // All of it has been taken when there are no more answers.
    let end = Instant::now() + PATIENCE;
    while answers.recv_timeout(Duration::from_secs(10)).is_ok() {
        assert!(Instant::now() < end, "it never ends to answer");
    }
    // What is left open ends, and the next packet is answered.
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains("T05thread:") {
        assert!(Instant::now() < end + PATIENCE, "it does not answer");
        line.write_all(b"#00#00$?#3f").expect("it takes them");
        answer.extend(answers.recv_timeout(Duration::from_secs(30)).unwrap_or_default());
    }
    line.write_all(b"+$D#44").expect("it takes them");
    answers.recv_timeout(PATIENCE).expect("it answers");
    line.shutdown(std::net::Shutdown::Both).expect("it closes");
    drop(line);
    _ = reader.join();
    println!("{sent} bytes in {PIECES} pieces");
    if has_gdb() {
        let said = guest.debug("-ex 'info threads' -ex 'monitor lsmod' -ex 'detach'");
        has(&said, &["(shell, ", "Used by", "detached]"]);
    }
    guest.is_alive("alive");
}
