//! The module loader's pure part on real objects: what it links, and what it refuses.

mod against_ld;
mod bad_input;
mod calls;
mod kernel;
mod late;
mod linking;
mod mutation;
mod tools;
