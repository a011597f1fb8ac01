#![no_std]
kernel::module! { name: "mine", license: "MIT OR Apache-2.0", init: start, exit: stop }

fn start() -> Result<(), kernel::Errno> {
    kernel::println!("mine: here");
    Ok(())
}

fn stop() {}
