//! The matrix: every return design in every situation, executed.
//!
//! A row is a situation, a column a return design, a cell what happened when A called B in that situation and C ran in B's
//! place. The expected outcomes are data (`table`); a cell that comes out otherwise fails, WRONG for RIGHT or RIGHT for WRONG.
//!
//! | file | what |
//! |---|---|
//! | `table` | the situations, and what is expected of each design in each |
//! | `outcome` | what can come out |
//! | `stage` | one cell's modules, patch and threads |
//! | `company` | situations in which C is not alone: tracers, other patches, the scheduler, faults |
//! | `report` | the table on the console |
//! | `stepping` | calls that are stopped before every instruction |
//! | `subjects` | A and B in Rust; in C they are `tests/modules/matrix_target.c` |

mod company;
mod outcome;
mod report;
mod stage;
mod stepping;
pub mod subjects;
mod table;

pub use outcome::{Outcome, Wrong};
pub use report::{cases, print};
pub use stepping::stops;
pub use table::{Language, Situation};
