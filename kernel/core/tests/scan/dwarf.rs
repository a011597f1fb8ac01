//! What debug information says of a function's arguments on the stack, in two ways that know nothing of its code.
//!
//! By place: a formal parameter that lies above the canonical frame address, found with its location and the unwind table.
//! By type: the number of argument registers that its parameters take, see `abi`. The tables are read as objdump prints them.

use crate::abi;
use crate::tools;
use std::collections::{BTreeMap, HashMap};

/// What DWARF says of one function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Described {
    /// The lowest parameter above the frame, as an offset from the caller's r1.
    pub(crate) on_stack: Option<i64>,
    /// How many argument registers it wants: at least, at most.
    pub(crate) words: (u32, u32),
    /// It ends in `...`.
    pub(crate) variadic: bool,
}

/// One entry of `.debug_info`, with what is needed of it.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) tag: String,
    depth: u32,
    /// Address of a function.
    low_pc: Option<u64>,
    /// The entry of its type, and the one that this one completes.
    pub(crate) kind: Option<u64>,
    origin: Option<u64>,
    pub(crate) size: Option<u64>,
    pub(crate) count: Option<u64>,
    /// An expression, or the offset of a list of them.
    location: Option<String>,
    frame_base: Option<String>,
}

/// All entries in order, and where to find each.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    all: Vec<Entry>,
    by_offset: HashMap<u64, usize>,
}

impl Entries {
    fn read(text: &str) -> Entries {
        let mut entries = Entries::default();
        for line in text.lines() {
            if let Some((depth, offset, tag)) = header(line) {
                entries.by_offset.insert(offset, entries.all.len());
                entries.all.push(Entry {
                    tag: tag.to_owned(),
                    depth,
                    ..Entry::default()
                });
            } else if let (Some((name, value)), Some(entry)) = (attribute(line), entries.all.last_mut()) {
                entry.set(name, value);
            }
        }
        entries
    }

    /// The entry at an offset.
    pub(crate) fn at(&self, offset: u64) -> Option<&Entry> {
        self.all.get(*self.by_offset.get(&offset)?)
    }

    /// The entries directly below the one at an offset.
    pub(crate) fn children(&self, offset: u64) -> impl Iterator<Item = &Entry> {
        let index = self.by_offset.get(&offset).copied();
        self.below(index.unwrap_or(self.all.len()))
    }

    fn below(&self, index: usize) -> impl Iterator<Item = &Entry> {
        let depth = self.all.get(index).map_or(0, |entry| entry.depth);
        let behind = self.all.get(index + 1..).unwrap_or_default().iter();
        behind
            .take_while(move |entry| entry.depth > depth)
            .filter(move |entry| entry.depth == depth + 1)
    }

    /// The type of an entry, or of the one that it completes.
    fn kind(&self, entry: &Entry) -> Option<u64> {
        entry.kind.or_else(|| self.kind(self.at(entry.origin?)?))
    }
}

impl Entry {
    fn set(&mut self, name: &str, value: &str) {
        let reference = || hexadecimal(value.strip_prefix('<')?.strip_suffix('>')?);
        match name {
            "DW_AT_low_pc" => self.low_pc = hexadecimal(value),
            "DW_AT_type" => self.kind = reference(),
            "DW_AT_abstract_origin" | "DW_AT_specification" => self.origin = reference(),
            "DW_AT_byte_size" => self.size = value.parse().ok(),
            "DW_AT_count" => self.count = value.parse().ok(),
            "DW_AT_location" => self.location = Some(value.to_owned()),
            "DW_AT_frame_base" => self.frame_base = Some(value.to_owned()),
            _ => {}
        }
    }
}

/// ` <2><5d7bdd>: Abbrev Number: 25 (DW_TAG_formal_parameter)`
fn header(line: &str) -> Option<(u32, u64, &str)> {
    let (depth, rest) = line.strip_prefix(" <")?.split_once("><")?;
    let (offset, rest) = rest.split_once(">: Abbrev Number: ")?;
    let tag = rest.split_once('(')?.1.strip_suffix(')')?;
    Some((depth.parse().ok()?, u64::from_str_radix(offset, 16).ok()?, tag))
}

/// `    <5d7be9>   DW_AT_type        : <0x5c9b0a>`
fn attribute(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.strip_prefix("    <")?.split_once('>')?;
    let (name, value) = rest.split_once(':')?;
    Some((name.trim(), value.trim()))
}

/// `0x5c9b0a`, and what may follow it.
fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?.split_whitespace().next()?;
    u64::from_str_radix(digits, 16).ok()
}

/// Location lists by their offset: where each part begins to hold, and its expression.
type Lists = HashMap<u64, Vec<(u64, String)>>;

/// `    0065b9d4 000000000055f188 000000000055f1c0 (DW_OP_breg1 (r1): 248; DW_OP_piece: 8)`, lists end with a line of words.
fn lists(text: &str) -> Lists {
    let mut lists = Lists::new();
    let mut list = None;
    for line in text.lines() {
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let mut fields = line.split_whitespace();
        let Some(offset) = fields.next().and_then(number) else {
            continue;
        };
        let expressions = lists.entry(*list.get_or_insert(offset)).or_default();
        match (fields.next().and_then(number), line.split_once('(')) {
            (Some(start), Some((_, expression))) => expressions.push((start, expression.to_owned())),
            _ => list = None,
        }
    }
    lists
}

/// How the canonical frame address is computed, from each address on: a register and an offset.
type Frames = BTreeMap<u64, (u32, i64)>;

/// `000000000055f150 r1+144   c-88  c-80`
fn frames(text: &str) -> Frames {
    let row = |line: &str| {
        let mut fields = line.split_whitespace();
        let address = fields.next().filter(|field| field.len() == 16)?;
        let (register, offset) = fields.next()?.strip_prefix('r')?.split_once('+')?;
        let rule = (register.parse().ok()?, offset.parse().ok()?);
        Some((u64::from_str_radix(address, 16).ok()?, rule))
    };
    text.lines().filter_map(row).collect()
}

/// Everything that DWARF says of an image, by the address of the function.
pub(crate) fn read(image: &[u8]) -> BTreeMap<u64, Described> {
    let [info, loc, unwind] = tools::dwarf(image, ["info", "loc", "frames-interp"]);
    let (entries, lists, frames) = (Entries::read(&info), lists(&loc), frames(&unwind));
    let functions = entries.all.iter().enumerate();
    let functions = functions.filter(|(_, entry)| entry.tag == "DW_TAG_subprogram");
    functions
        .filter_map(|(index, entry)| {
            let address = entry.low_pc?;
            let mut described = Described::default();
            if let Some(kind) = entries.kind(entry) {
                described.words = abi::result(&entries, kind);
            }
            for child in entries.below(index) {
                match &*child.tag {
                    "DW_TAG_formal_parameter" => {
                        let place = lowest(child, entry, address, &lists, &frames);
                        described.on_stack = described.on_stack.into_iter().chain(place).min();
                        if let Some(kind) = entries.kind(child) {
                            let (least, most) = abi::argument(&entries, kind);
                            described.words = (described.words.0 + least, described.words.1 + most);
                        }
                    }
                    "DW_TAG_unspecified_parameters" => described.variadic = true,
                    _ => {}
                }
            }
            Some((address, described))
        })
        .collect()
}

/// The lowest place in the parameter save area where a parameter, or a piece of it, lies at any time.
fn lowest(parameter: &Entry, function: &Entry, start: u64, lists: &Lists, frames: &Frames) -> Option<i64> {
    let base = function
        .frame_base
        .as_deref()
        .and_then(|base| register(base, "DW_OP_reg"));
    let location = parameter.location.as_deref()?;
    let places = |expression: &str, pc: u64| {
        let cfa = frames.range(..=pc).next_back().map(|(_, rule)| *rule);
        let above = expression
            .split(';')
            .filter_map(|operation| above(operation, base, cfa));
        above.filter(|above| *above >= 32).min()
    };
    match hexadecimal(location).and_then(|offset| lists.get(&offset)) {
        Some(list) => list
            .iter()
            .filter_map(|(pc, expression)| places(expression, *pc))
            .min(),
        None => {
            // Somewhere behind the prologue, where the frame is open: the second row of the unwind table.
            let open = frames
                .range(start..)
                .nth(1)
                .map_or(start, |(address, _)| *address);
            places(location.split_once('(')?.1, open)
        }
    }
}

/// The offset from the caller's r1 that an operation computes, where `cfa` holds.
fn above(operation: &str, frame_base: Option<u32>, cfa: Option<(u32, i64)>) -> Option<i64> {
    let operation = operation.trim().trim_end_matches(')');
    let offset = operation.rsplit(": ").next()?.trim().parse::<i64>().ok()?;
    let from = if operation.starts_with("DW_OP_fbreg") {
        match frame_base {
            Some(register) => register,
            // The frame base is the canonical frame address itself.
            None => return Some(offset),
        }
    } else {
        register(operation, "DW_OP_breg")?
    };
    let (register, distance) = cfa?;
    (from == register).then_some(offset - distance)
}

/// The number behind an operation's name.
fn register(operation: &str, name: &str) -> Option<u32> {
    let (_, rest) = operation.split_once(name)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
