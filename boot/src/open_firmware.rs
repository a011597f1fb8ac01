//! Entry from Open Firmware: its whole device tree is asked for, node by node, and written flat.

use core::fmt;

use arch::firmware::{CallError, Node, OpenFirmware, PropertyName};
use kernel_core::cmdline;
use kernel_core::device_tree::{FlattenError, Flattener};

/// Longest path of a node.
const PATH: usize = 256;
/// A tree that is deeper is taken for broken.
const DEPTH: usize = 16;
/// The boot argument that asks for the other way in; see [`Flattened::enter_flat`].
const ENTRY_FLAT: &[u8] = b"entry=fdt";

/// The firmware's tree, written.
pub(crate) struct Flattened {
    /// Bytes.
    pub(crate) size: usize,
    /// The boot arguments asked for the entry with a flat tree. They do not any more in what was written.
    pub(crate) enter_flat: bool,
}

/// Why the tree could not be taken over.
pub(crate) enum Reason {
    Call(CallError),
    Flatten(FlattenError),
    /// A path or a name that is no text or has no end.
    Name,
    TooDeep,
}

impl From<CallError> for Reason {
    fn from(error: CallError) -> Self {
        Reason::Call(error)
    }
}

impl From<FlattenError> for Reason {
    fn from(error: FlattenError) -> Self {
        Reason::Flatten(error)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Call(error) => write!(f, "{error}"),
            Reason::Flatten(error) => write!(f, "{error}"),
            Reason::Name => f.write_str("the name is no text, or has no end"),
            Reason::TooDeep => write!(f, "nodes are nested deeper than {DEPTH}"),
        }
    }
}

/// A walk over the firmware's tree. What it prints is where it is.
pub(crate) struct Walk<'a> {
    firmware: &'a OpenFirmware,
    path: [u8; PATH],
    property: Option<PropertyName>,
    enter_flat: bool,
}

impl fmt::Display for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node '{}'", text(&self.path).unwrap_or("?"))?;
        match &self.property {
            Some(property) => write!(f, ", property '{}'", property.as_str().unwrap_or("?")),
            None => Ok(()),
        }
    }
}

impl<'a> Walk<'a> {
    pub(crate) fn new(firmware: &'a OpenFirmware) -> Self {
        Walk {
            firmware,
            path: [0; PATH],
            property: None,
            enter_flat: false,
        }
    }

    /// Writes the firmware's tree into `buffer`. After an error the walk stands where that came up.
    pub(crate) fn flatten(&mut self, buffer: &mut [u8]) -> Result<Flattened, Reason> {
        let mut tree = Flattener::new(buffer)?;
        self.node(self.firmware.root()?, &mut tree, 0)?;
        Ok(Flattened {
            size: tree.finish()?,
            enter_flat: self.enter_flat,
        })
    }

    fn node(&mut self, node: Node, tree: &mut Flattener<'_>, depth: usize) -> Result<(), Reason> {
        if depth > DEPTH {
            return Err(Reason::TooDeep);
        }
        self.path.fill(0);
        self.firmware.path(node, &mut self.path[..PATH - 1])?;
        let path = text(&self.path).ok_or(Reason::Name)?;
        let is_chosen = path == "/chosen";
        // The last part of the path is the node's name; that of the root is empty.
        tree.begin_node(path.rsplit('/').next().unwrap_or(""))?;
        self.properties(node, tree, is_chosen)?;
        let mut child = self.firmware.child(node)?;
        while let Some(node) = child {
            self.node(node, tree, depth + 1)?;
            child = self.firmware.peer(node)?;
        }
        Ok(tree.end_node()?)
    }

    fn properties(&mut self, node: Node, tree: &mut Flattener<'_>, is_chosen: bool) -> Result<(), Reason> {
        self.property = Some(PropertyName::before_first());
        while let Some(property) = &self.property {
            self.property = self.firmware.next_property(node, property)?;
            let Some(property) = &self.property else { break };
            let name = property.as_str().ok_or(Reason::Name)?;
            // In a flat tree the name stands at the node's beginning.
            if name.is_empty() || name == "name" {
                continue;
            }
            let length = self.firmware.property_length(node, property)?;
            let value = tree.property(name, length)?;
            self.firmware.property(node, property, value)?;
            if is_chosen && name == "bootargs" {
                self.enter_flat |= cmdline::blank_out(value, ENTRY_FLAT);
            }
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    core::ffi::CStr::from_bytes_until_nul(bytes).ok()?.to_str().ok()
}
