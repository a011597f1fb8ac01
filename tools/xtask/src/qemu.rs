//! QEMU's process: started, listened to, and ended when its time is over.

use crate::console::Console;
use crate::interrupt;
use crate::machine::{Machine, program};
use crate::verdict::End;
use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How long the machine may go on after the guest reported its end.
const POWER_OFF: Duration = Duration::from_secs(10);

/// Why there is no machine.
#[derive(Debug)]
pub(crate) struct StartError(pub(crate) String);

/// Who writes to the guest's console, in a thread of its own.
pub(crate) type Input = Box<dyn FnOnce(ChildStdin) + Send>;

/// Runs the machine to its end, or to `limit`, and feeds `console`. Nothing of it is left when this returns.
///
/// # Errors
/// QEMU could not be started at all.
pub(crate) fn boot(
    machine: &Machine,
    limit: Option<Duration>,
    console: &mut Console<'_>,
    input: Option<Input>,
) -> Result<End, StartError> {
    let mut command = machine.command();
    // A process group of its own, so that a wrapper around QEMU ends together with it.
    command
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command.spawn().map_err(|error| start_error(&error))?;
    interrupt::watch(child.id());
    if let (Some(input), Some(pipe)) = (input, child.stdin.take()) {
        thread::spawn(move || input(pipe));
    }
    let (output, errors) = (listen(child.stdout.take()), listen(child.stderr.take()));
    // Somebody who debugs without a limit may look at what has failed for ever.
    let power_off = (machine.gdb.is_none() || limit.is_some()).then_some(POWER_OFF);
    let end = follow(&mut child, (limit, power_off), &output, console);
    interrupt::end(child.id());
    // Ends QEMU where it still runs; a wait on a child of ours fails only if it was waited for already.
    let status = child.wait();
    interrupt::forget();
    while let Ok(bytes) = output.recv_timeout(Duration::from_secs(1)) {
        console.feed(&bytes);
    }
    let complaints: Vec<u8> = errors.iter().flatten().collect();
    let complaints = String::from_utf8_lossy(&complaints).trim().to_owned();
    Ok(match end {
        Followed::Ended => match status {
            Ok(status) => End::Ended { status, complaints },
            Err(error) => End::NotStarted(format!("it cannot be waited for: {error}")),
        },
        Followed::TimedOut(limit) => End::TimedOut { limit, complaints },
        Followed::Lingered => End::Lingered,
        Followed::Interrupted => End::Interrupted,
    })
}

fn start_error(error: &io::Error) -> StartError {
    let program = program();
    StartError(match error.kind() {
        io::ErrorKind::NotFound => format!("there is no {program}; tools/setup installs QEMU"),
        _ => format!("{program} cannot be run: {error}"),
    })
}

/// How the wait for the machine ended.
enum Followed {
    /// Its process is over.
    Ended,
    TimedOut(Duration),
    /// The guest had reported its end, but the machine went on.
    Lingered,
    Interrupted,
}

/// Until the machine's end, or one of two limits: from its start, and from when the guest reported its end.
fn follow(
    child: &mut Child,
    (limit, power_off): (Option<Duration>, Option<Duration>),
    output: &Receiver<Vec<u8>>,
    console: &mut Console<'_>,
) -> Followed {
    /// How often signals and the process are looked at while the console is silent.
    const GLANCE: Duration = Duration::from_millis(100);
    let start = Instant::now();
    let mut exited = None;
    let mut open = true;
    loop {
        if open {
            match output.recv_timeout(GLANCE) {
                Ok(bytes) => console.feed(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                // QEMU closes its console a little before it ends.
                Err(RecvTimeoutError::Disconnected) => open = false,
            }
        } else {
            thread::sleep(GLANCE / 10);
        }
        // Not the console's end but the process's counts: a wrapper's children may hold the console open.
        if matches!(child.try_wait(), Ok(Some(_))) {
            return Followed::Ended;
        }
        if interrupt::happened() {
            return Followed::Interrupted;
        }
        if console.report().exit.is_some() {
            exited.get_or_insert_with(Instant::now);
        }
        let lingers = |exited: Instant| power_off.is_some_and(|limit| exited.elapsed() > limit);
        if exited.is_some_and(lingers) {
            return Followed::Lingered;
        }
        if let Some(limit) = limit.filter(|limit| start.elapsed() >= *limit) {
            return Followed::TimedOut(limit);
        }
    }
}

/// Reads a pipe in a thread of its own.
fn listen(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}
