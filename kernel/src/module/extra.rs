//! The modules that a person packed for this boot (`--module`): loaded before the cases, and reported like them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::initrd::File;
use kernel_core::ktap::EXTRA;

use super::load;
use crate::initrd;

/// Where the front door puts them, in the order in which they were given.
const FOLDER: &str = "extra/";

/// A module to be loaded.
#[derive(Debug)]
pub struct ExtraModule(File<'static>);

impl ExtraModule {
    fn stem(&self) -> &'static str {
        let name = self.0.name.strip_prefix(FOLDER).unwrap_or(self.0.name);
        name.strip_suffix(".ko").unwrap_or(name)
    }

    /// What its loading is called among the cases.
    pub fn case_name(&self) -> String {
        format!("{EXTRA}{}", self.stem())
    }

    /// Loads it; it stays.
    ///
    /// # Errors
    /// Why it could not be loaded.
    pub fn load(&self) -> Result<(), String> {
        load(self.stem(), self.0.bytes)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }
}

/// All of them, in the order in which they were given.
pub fn extra() -> Vec<ExtraModule> {
    let mut modules: Vec<ExtraModule> = initrd::files()
        .filter(|file| file.name.starts_with(FOLDER))
        .map(ExtraModule)
        .collect();
    modules.sort_by_key(|module| module.0.name);
    modules
}
