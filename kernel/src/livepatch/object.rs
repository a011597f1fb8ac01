//! One object of an enabled patch: what of it is found, hooked and called back.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::ops::Range;

use arch::livepatch::ReturnDesign;

use super::failure;
use super::lifecycle::FUNCTION;
use super::lookup::site_of;
use super::patch::{KlpCallbacks, KlpFunc, KlpObject};
use super::{KERNEL_OBJECT, KlpError, find_function, refusal};
use crate::ftrace::Site;
use crate::symbols;

/// A function of a patch.
#[derive(Debug)]
pub(super) struct Func {
    pub(super) old_name: String,
    pub(super) sympos: usize,
    /// Global entry of the replacement; `None`: the function itself, over the replacement of a patch that is replaced.
    pub(super) new_function: Option<u64>,
}

impl From<KlpFunc> for Func {
    fn from(func: KlpFunc) -> Self {
        Func {
            old_name: func.old_name,
            sympos: func.sympos,
            new_function: Some(func.new_function),
        }
    }
}

/// A function that was found.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) site: Site,
    /// Its code.
    pub(super) code: Range<u64>,
    pub(super) new_function: Option<u64>,
    /// What `write_return_stub` wants to know of the new function.
    pub(super) returns_by_itself: bool,
}

/// An object of a patch.
#[derive(Debug)]
pub(super) struct Object {
    /// `None`: the kernel.
    pub(super) name: Option<String>,
    pub(super) funcs: Vec<Func>,
    pub(super) callbacks: KlpCallbacks,
    /// Its functions, in their order, while the object is loaded.
    pub(super) targets: Option<Vec<Target>>,
    /// `pre_patch` did not refuse: the later callbacks are due.
    pub(super) is_prepared: bool,
    /// Its patch says nothing of it, and only brings its functions back.
    pub(super) is_only_back: bool,
}

impl From<KlpObject> for Object {
    fn from(object: KlpObject) -> Self {
        Object {
            name: object.name,
            funcs: object.funcs.into_iter().map(Func::from).collect(),
            callbacks: object.callbacks,
            targets: None,
            is_prepared: false,
            is_only_back: false,
        }
    }
}

impl Object {
    /// An object without functions yet, for the ones that a patch which replaces others brings back.
    pub(super) fn of(name: Option<String>) -> Self {
        Object {
            is_only_back: true,
            ..Object::from(KlpObject {
                name,
                ..KlpObject::default()
            })
        }
    }

    /// Whether it says nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.funcs.is_empty() && self.callbacks.is_empty()
    }

    /// Its name as Linux's messages have it.
    pub(super) fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(KERNEL_OBJECT)
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.targets.is_some()
    }

    /// The functions that were found; none while the object is not loaded.
    pub(super) fn targets(&self) -> &[Target] {
        self.targets.as_deref().unwrap_or_default()
    }

    /// The addresses of the sites that were found.
    pub(super) fn sites(&self) -> Vec<u64> {
        self.targets().iter().map(|target| target.site.address).collect()
    }

    /// Finds every function, and whether the design can carry it. On an error nothing has changed.
    pub(super) fn find(&mut self, design: ReturnDesign, unchecked: bool) -> Result<(), KlpError> {
        let mut targets: Vec<Target> = Vec::new();
        for func in &self.funcs {
            failure::memory(FUNCTION)?;
            let function = find_function(self.name.as_deref(), &func.old_name, func.sympos)?;
            let site = site_of(&function)?;
            if targets.iter().any(|target| target.site.address == site.address) {
                return Err(KlpError::Twice {
                    object: String::from(self.shown_name()),
                    function: function.name.to_string(),
                });
            }
            if let Some(new_function) = func.new_function
                && !unchecked
                && !refusal::is_unsafe()
            {
                refusal::check(design, &function, new_function)?;
            }
            let returns_by_itself = match func.new_function {
                Some(function) if design == ReturnDesign::ReturnStack => {
                    refusal::returns_by_itself(function)?
                }
                _ => false,
            };
            targets.push(Target {
                site,
                code: code_at(function.address)?,
                new_function: func.new_function,
                returns_by_itself,
            });
        }
        self.targets = Some(targets);
        Ok(())
    }

    /// Calls `pre_patch`.
    ///
    /// # Errors
    /// It refuses, with this number.
    pub(super) fn pre_patch(&mut self) -> Result<(), KlpError> {
        let asked = self.callbacks.pre_patch.as_ref();
        let status = asked.map_or(0, |callback| failure::callback().unwrap_or_else(callback));
        self.is_prepared = status == 0;
        if self.is_prepared {
            return Ok(());
        }
        log::warn!(target: "livepatch", "pre-patch callback failed for object '{}'", self.shown_name());
        Err(KlpError::Callback {
            object: String::from(self.shown_name()),
            status,
        })
    }

    /// Calls `post_patch`, where it is due.
    pub(super) fn post_patch(&self) {
        self.call(&self.callbacks.post_patch);
    }

    /// Calls `pre_unpatch`, where it is due.
    pub(super) fn pre_unpatch(&self) {
        self.call(&self.callbacks.pre_unpatch);
    }

    /// Calls `post_unpatch`, where it is due, after which nothing is.
    pub(super) fn post_unpatch(&mut self) {
        self.call(&self.callbacks.post_unpatch);
        self.is_prepared = false;
    }

    fn call(&self, callback: &Option<super::patch::Callback>) {
        if let Some(callback) = callback
            && self.is_prepared
            && self.is_loaded()
        {
            callback();
        }
    }
}

/// The code of the function that begins at `address`.
pub(super) fn code_at(address: u64) -> Result<Range<u64>, KlpError> {
    let mut code = symbols::kernel().range_at(address);
    if code.is_none() {
        symbols::resolve(address, &mut |location| {
            code = Some(address - location.offset..address - location.offset + location.size);
        });
    }
    code.ok_or_else(|| KlpError::NoCode {
        function: alloc::format!("{address:#x}"),
    })
}
