//! `cargo xtask`: what the front door, CI and developers call to set up, build, boot and judge Tocsin.

fn main() {}
