//! Cases for the CPUs: all are there, and each hears what it is told.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use arch::{hcall, time};

use super::{Cpu, MAXIMUM, Message, count, get, online, send};
use crate::machine::machine;
use crate::{boot_arguments, ensure, ensure_eq, ktest, println};

/// Messages to each CPU.
const ROUNDS: u64 = 200;
/// How long one may take: 1 s.
const PATIENCE: u64 = time::TICKS_PER_SECOND;

ktest! {
    fn every_cpu_of_the_machine_is_online() {
        let there: usize = machine().servers.iter().map(Vec::len).sum();
        let allowed = boot_arguments::get("cpus").and_then(|number| number.parse().ok());
        ensure_eq!(count(), there.min(MAXIMUM).min(allowed.unwrap_or(MAXIMUM)), "CPUs that are online");
        Ok(())
    }

    fn cpus_have_numbers_and_servers_of_their_own() {
        let numbers: Vec<usize> = online().map(Cpu::number).collect();
        ensure!(numbers.iter().copied().eq(0..count()), "{numbers:?}");
        let mut servers: Vec<u32> = online().map(Cpu::server).collect();
        let known = |server: &u32| machine().servers.iter().flatten().any(|other| other == server);
        ensure!(servers.iter().all(known), "the machine does not have all of {servers:?}");
        servers.sort();
        servers.dedup();
        ensure_eq!(servers.len(), count(), "different servers");
        ensure!(get(count()).is_none() && get(MAXIMUM).is_none(), "there is one CPU more");
        Ok(())
    }

    fn every_message_to_every_cpu_arrives_once() {
        let mut report = String::new();
        for cpu in online() {
            let [sent, received] = [cpu.sent(), cpu.received()];
            let answers = || cpu.answers.load(Ordering::Acquire);
            let first = answers();
            for round in 1..=ROUNDS {
                send(cpu, Message::ANSWER);
                let start = time::timebase();
                while answers() == first + round - 1 {
                    let waited = time::timebase() - start;
                    ensure!(waited < PATIENCE, "message {round} to CPU {} has not come within 1 s", cpu.number());
                    hcall::spin_hint();
                }
                ensure_eq!(answers(), first + round, "answers of CPU {}", cpu.number());
            }
            let [sent, received] = [cpu.sent() - sent, cpu.received() - received];
            ensure!(sent >= ROUNDS && (ROUNDS..=sent).contains(&received), "CPU {}: sent {sent}, received {received}", cpu.number());
            report += &format!(" {received}/{sent}");
        }
        println!("# cpu: interrupts received/sent:{report}");
        Ok(())
    }
}
