//! The scan on real code: functions whose source is known, every function of the kernel, and noise.

mod abi;
mod binary;
mod compilers;
mod dwarf;
mod kernel;
mod noise;
mod refusals;
mod tools;
