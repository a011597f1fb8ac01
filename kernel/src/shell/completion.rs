//! What Tab offers: commands, paths, modules.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::tree::absolute;

use super::command::{COMMANDS, Takes, find};
use super::modules::loadable;
use crate::{module, tree};

/// The words that may stand in place of the last one of `before`, the line up to the cursor.
pub(super) fn complete(before: &str, folder: &str) -> Vec<String> {
    let command = &before[before.rfind([';', '&', '|']).map_or(0, |at| at + 1)..];
    let word_start = command.rfind([' ', '>']).map_or(0, |at| at + 1);
    let (ahead, word) = command.split_at(word_start);
    if ahead.trim_end().ends_with('>') {
        return paths(word, folder);
    }
    let Some(name) = ahead.split(' ').find(|word| !word.is_empty()) else {
        return COMMANDS.iter().map(|command| command.name.to_string()).collect();
    };
    match find(name).map_or(Takes::Nothing, |command| command.takes) {
        Takes::Nothing => Vec::new(),
        Takes::Paths => paths(word, folder),
        Takes::Modules => loadable(),
        Takes::Loaded => {
            let modules = module::list();
            modules.iter().map(|module| module.info.name.clone()).collect()
        }
        Takes::Commands => COMMANDS.iter().map(|command| command.name.to_string()).collect(),
    }
}

/// The paths that begin as `word` does.
fn paths(word: &str, folder: &str) -> Vec<String> {
    let ahead = &word[..word.rfind('/').map_or(0, |slash| slash + 1)];
    let names = tree::list(&absolute(folder, ahead)).unwrap_or_default();
    let path = |(name, info): &(String, tree::Info)| {
        let slash = if info.is_folder { "/" } else { "" };
        [ahead, name, slash].concat()
    };
    names
        .iter()
        .map(path)
        .filter(|path| path.starts_with(word))
        .collect()
}
