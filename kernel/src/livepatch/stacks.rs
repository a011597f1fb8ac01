//! Changing the stacks of many functions: their sites are led together.

use alloc::vec::Vec;
use core::fmt;

use arch::livepatch::ReturnDesign;

use super::KlpError;
use super::failure;
use super::func_stack::{FuncStack, Gone};
use super::lifecycle::FUNCTION;
use super::object::Target;
use super::registry::Registry;
use crate::ftrace::{self, Place, retire_all};

impl Registry {
    /// Puts a patch's replacements on top of their functions' stacks. On an error nothing has changed.
    pub(super) fn push_all(
        &mut self,
        patch: &str,
        targets: &[Target],
        design: ReturnDesign,
    ) -> Result<(), KlpError> {
        let mut pushed = Vec::with_capacity(targets.len());
        let mut push = |target: &Target| {
            failure::memory(FUNCTION)?;
            failure::site(&target.site)?;
            let site = target.site.address;
            let new = || FuncStack::new(target.site.clone());
            let stack = self.functions.entry(site).or_insert_with(new);
            match stack.push(patch, target, design) {
                Ok(before) => pushed.push((site, before)),
                Err(error) => {
                    self.forget_if_empty(site);
                    return Err(error.into());
                }
            }
            Ok(())
        };
        let failed = |function: &dyn fmt::Display, error: &KlpError| {
            let number = error.errno().number();
            log::error!(
                target: "livepatch",
                "failed to register ftrace handler for function '{function}' (-{number})"
            );
        };
        let said = |target: &Target| push(target).inspect_err(|error| failed(&target.site.function, error));
        let mut done = targets.iter().try_for_each(said);
        if done.is_ok() {
            let stacks = pushed.iter().filter_map(|(site, _)| self.functions.get(site));
            let (new, others): (Vec<_>, Vec<_>) = stacks.partition(|stack| stack.len() == 1);
            let new: Vec<_> = new.into_iter().map(|stack| (stack.site(), stack.ops())).collect();
            let others: Vec<_> = others.into_iter().map(FuncStack::site).collect();
            done = ftrace::change_all(&new, Place::Last, &[], &others).map_err(|error| {
                let error = KlpError::Hook(error);
                if let KlpError::Hook(hook) = &error {
                    failed(&hook.function(), &error);
                }
                error
            });
        }
        let mut gone = Vec::new();
        for (site, before) in pushed.into_iter().rev() {
            if let Some(stack) = self.functions.get_mut(&site) {
                gone.push(match done {
                    Ok(()) => stack.conclude(before, true),
                    Err(_) => stack.unpush(before),
                });
            }
            self.forget_if_empty(site);
        }
        retire(gone);
        done
    }

    /// Takes all replacements of a patch away. What cannot be taken away stays, and is said.
    pub(super) fn remove_all(&mut self, patch: &str, sites: &[u64]) {
        let (mut last, mut taken) = (Vec::new(), Vec::new());
        for site in sites {
            match self.functions.get_mut(site) {
                Some(stack) if stack.len() > 1 => {
                    taken.extend(stack.take_out(patch).map(|out| (*site, out)));
                }
                Some(stack) if stack.has(patch) => last.push(*site),
                _ => {}
            }
        }
        let stack = |site| self.functions.get(site);
        let go: Vec<_> = last
            .iter()
            .filter_map(stack)
            .map(|stack| (stack.site(), stack.ops()))
            .collect();
        let lead: Vec<_> = taken
            .iter()
            .filter_map(|(site, _)| stack(site))
            .map(FuncStack::site)
            .collect();
        let done = ftrace::change_all(&[], Place::Last, &go, &lead);
        let mut gone = Vec::new();
        for (site, (index, replacement, before)) in taken {
            let Some(stack) = self.functions.get_mut(&site) else {
                continue;
            };
            if done.is_ok() {
                gone.push(stack.conclude(before, true));
                gone.push(Gone::of(replacement.stub));
            } else {
                gone.push(stack.put_back(index, replacement, before));
            }
        }
        match done {
            // What was published stays, for threads that are on their way.
            Ok(()) => {
                let ends = last.iter().filter_map(|site| self.functions.remove(site));
                gone.extend(ends.flat_map(FuncStack::end));
                self.shrink();
            }
            Err(error) if sites.len() == 1 => log::error!(target: "livepatch", "'{patch}': {error}"),
            // Those that can go.
            Err(_) => sites.chunks(1).for_each(|site| self.remove_all(patch, site)),
        }
        retire(gone);
    }

    /// Lets the calls of a patch's functions go by the threads' states, or no longer.
    pub(super) fn publish(&mut self, sites: &[u64], moving: Option<&str>) {
        let mut before = Vec::with_capacity(sites.len());
        for site in sites {
            let stack = self.functions.get_mut(site);
            before.extend(stack.map(|stack| (*site, stack.prepare(moving))));
        }
        let stacks = before.iter().filter_map(|(site, _)| self.functions.get(site));
        let led = ftrace::lead_all(&stacks.map(FuncStack::site).collect::<Vec<_>>());
        if let Err(error) = &led {
            log::error!(target: "livepatch", "{error}");
        }
        let mut gone = Vec::with_capacity(before.len());
        for (site, before) in before {
            let stack = self.functions.get_mut(&site);
            gone.extend(stack.map(|stack| stack.conclude(before, led.is_ok())));
        }
        retire(gone);
    }

    /// Forgets a function that is not patched any more.
    fn forget_if_empty(&mut self, site: u64) {
        if self.functions.get(&site).is_some_and(|stack| stack.len() == 0) {
            self.functions.remove(&site);
            self.shrink();
        }
    }

    /// An empty map keeps memory that a new one does not have.
    fn shrink(&mut self) {
        if self.functions.is_empty() {
            self.functions = Default::default();
        }
    }
}

/// Retires what there is of these.
fn retire(mut gone: Vec<Gone>) {
    gone.retain(Gone::is_something);
    retire_all(gone);
}
