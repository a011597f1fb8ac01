//! Making the rules: the pairs of codes that are frequent become codes of their own, until no pair is frequent.
//!
//! This is how "re-pair" compresses, but for many pairs in a round instead of one: a round takes the most frequent ones that
//! do not get into each other's way.

use super::layout::{BYTES, DEPTH};
use alloc::vec;
use alloc::vec::Vec;

/// A rule takes four bytes and saves two wherever it is used.
const FREQUENT: usize = 3;
/// Stands behind each text. No code, and part of no pair.
const END: u32 = u32::MAX;

/// The rules, in the order of their codes, and each text as codes.
#[derive(Debug, Default)]
pub(super) struct Compressed {
    pub(super) rules: Vec<[u16; 2]>,
    pub(super) texts: Vec<Vec<u16>>,
}

/// Compresses all texts by the same rules. The same texts give the same codes.
pub(super) fn compress<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Compressed {
    let mut all = Vec::new();
    for text in texts {
        all.extend(text.iter().map(|byte| u32::from(*byte)));
        all.push(END);
    }
    let mut rules = Rules::default();
    loop {
        let chosen = rules.choose(&all);
        if chosen.is_empty() {
            break;
        }
        all = replace(&all, &chosen);
    }
    let mut texts: Vec<Vec<u16>> = all
        .split(|code| *code == END)
        .map(|text| text.iter().map(|code| *code as u16).collect())
        .collect();
    // What is behind the last end.
    texts.pop();
    Compressed {
        rules: rules.pairs,
        texts,
    }
}

#[derive(Default)]
struct Rules {
    pairs: Vec<[u16; 2]>,
    /// How many rules a reader is in at once, at most, while it reads each.
    depths: Vec<usize>,
}

impl Rules {
    /// Makes rules of frequent pairs: each pair with its new code, in order. None of them ends with a code that another
    /// begins with, so that it does not matter which is replaced first.
    fn choose(&mut self, all: &[u32]) -> Vec<([u16; 2], u16)> {
        let counted = count(all);
        let most = counted.first().map_or(0, |(count, _)| *count);
        let (mut begins, mut ends) = (vec![false; 1 << 16], vec![false; 1 << 16]);
        let mut chosen = Vec::new();
        for (_, pair) in counted.into_iter().take_while(|(count, _)| *count * 2 >= most) {
            let [left, right] = pair.map(usize::from);
            let Ok(code) = u16::try_from(usize::from(BYTES) + self.pairs.len()) else {
                break;
            };
            let depth = 1 + self.depth(pair[0]).max(self.depth(pair[1]));
            if ends[left] || begins[right] || depth > DEPTH {
                continue;
            }
            (begins[left], ends[right]) = (true, true);
            self.pairs.push(pair);
            self.depths.push(depth);
            chosen.push((pair, code));
        }
        chosen.sort_unstable();
        chosen
    }

    fn depth(&self, code: u16) -> usize {
        let rule = code.checked_sub(BYTES);
        rule.map_or(0, |rule| self.depths[usize::from(rule)])
    }
}

/// The frequent pairs, the most frequent first.
fn count(all: &[u32]) -> Vec<(usize, [u16; 2])> {
    let mut pairs: Vec<[u16; 2]> = Vec::with_capacity(all.len());
    let mut before = [END; 2];
    for pair in all
        .iter()
        .zip(all.iter().skip(1))
        .map(|(one, next)| [*one, *next])
    {
        // In a run of one code every second pair counts.
        if pair.contains(&END) || pair == before && pair[0] == pair[1] {
            before = [END; 2];
            continue;
        }
        before = pair;
        pairs.push(pair.map(|code| code as u16));
    }
    pairs.sort_unstable();
    let runs = pairs.chunk_by(|one, next| one == next);
    let frequent = runs.filter(|run| run.len() >= FREQUENT);
    let mut counted: Vec<_> = frequent.map(|run| (run.len(), run[0])).collect();
    counted.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    counted
}

/// The same with the chosen pairs replaced by their codes.
fn replace(all: &[u32], chosen: &[([u16; 2], u16)]) -> Vec<u32> {
    let mut begins = vec![false; 1 << 16];
    for ([left, _], _) in chosen {
        begins[usize::from(*left)] = true;
    }
    let code_of = |pair: [u32; 2]| {
        if pair.contains(&END) || !begins[pair[0] as usize] {
            return None;
        }
        let pair = pair.map(|code| code as u16);
        let found = chosen.binary_search_by_key(&pair, |(pair, _)| *pair).ok()?;
        Some(u32::from(chosen[found].1))
    };
    let mut replaced = Vec::with_capacity(all.len());
    let mut rest = all;
    while let Some((first, behind)) = rest.split_first() {
        let code = behind.first().and_then(|second| code_of([*first, *second]));
        replaced.push(code.unwrap_or(*first));
        rest = if code.is_some() { &behind[1..] } else { behind };
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::super::codes::Codes;
    use super::{Compressed, compress};
    use alloc::string::String;
    use alloc::vec::Vec;

    fn texts() -> Vec<String> {
        let mut texts: Vec<String> = (0..500)
            .map(|n| format!("_RNvNtC6kernel{}module7function{n}", "2of".repeat(n % 7)))
            .collect();
        texts.extend(["", "a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ä€"].map(String::from));
        texts
    }

    #[test]
    fn every_text_comes_back() {
        let texts = texts();
        let Compressed { rules, texts: codes } = compress(texts.iter().map(|text| text.as_bytes()));
        let bytes = |codes: &[u16]| -> Vec<u8> { codes.iter().flat_map(|code| code.to_le_bytes()).collect() };
        let rules = bytes(rules.as_flattened());
        assert_eq!(codes.len(), texts.len());
        for (text, codes) in texts.iter().zip(&codes) {
            let codes = bytes(codes);
            let read: Vec<u8> = Codes::new(&rules, &codes).bytes().collect();
            assert_eq!(read, text.as_bytes(), "{text}");
        }
        let before: usize = texts.iter().map(String::len).sum();
        let after = rules.len() + 2 * codes.iter().map(Vec::len).sum::<usize>();
        assert!(after * 4 < before, "{after} bytes of {before}");
    }

    #[test]
    fn a_rule_that_leads_nowhere_ends_the_text() {
        let read = |rules: &[u16], codes: &[u16]| -> Vec<u8> {
            let bytes =
                |codes: &[u16]| -> Vec<u8> { codes.iter().flat_map(|code| code.to_le_bytes()).collect() };
            let (rules, codes) = (bytes(rules), bytes(codes));
            Codes::new(&rules, &codes).bytes().collect()
        };
        assert_eq!(read(&[97, 98], &[256, 99]), b"abc");
        assert_eq!(read(&[97, 98], &[99, 257, 99]), b"c", "no such rule");
        assert_eq!(read(&[97, 256], &[99, 256, 99]), b"c", "a rule within itself");
        // 200 rules, each of which is one longer than the one before: deeper than a reader goes.
        let rules: Vec<u16> = (0..200)
            .flat_map(|n| [if n == 0 { 97 } else { 255 + n }, 98])
            .collect();
        assert!(read(&rules, &[455]).is_empty());
    }
}
