//! The matrix: every return design in every situation, executed.
//!
//! A row is a situation, a column a return design, a cell what happened when A called B in that situation and C ran in B's
//! place. The expected outcomes are data (`table`); a cell that comes out otherwise fails, WRONG for RIGHT or RIGHT for WRONG.
//!
//! | file | what |
//! |---|---|
//! | `table` | the situations, and what is expected of each design in each |
//! | `outcome` | what can come out |
//! | `players` | the modules and the names of A, B and C |
//! | `stage` | one cell's modules, patch and threads |
//! | `company` | situations in which C is not alone: tracers, other patches, the scheduler, faults |
//! | `run` | the rows as cases |
//! | `clock` | counting instructions |
//! | `cost` | what one patched call costs |
//! | `report` | the table on the console |
//! | `lines` | the same for the host's tools |
//! | `stepping` | calls that are stopped before every instruction |
//! | `subjects` | A and B in Rust; in C they are `tests/modules/matrix_target.c` |

pub(crate) mod clock;
mod company;
mod cost;
mod lines;
mod outcome;
pub(crate) mod players;
mod report;
mod run;
mod stage;
mod stepping;
pub mod subjects;
mod table;

pub use cost::first_case_begins;
pub use outcome::{Outcome, Wrong};
pub use report::print;
pub use run::cases;
pub(crate) use stage::Stage;
pub use stepping::stops;
pub(crate) use table::{Action, CHAIN, SITUATIONS, comes_back};
pub use table::{Language, Situation};
