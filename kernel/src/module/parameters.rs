//! Parameters of modules: what `module_param` of `linux/moduleparam.h` leaves in section `__param`, set from the line that
//! the module is loaded with, read and written through the tree.
#![allow(
    unsafe_code,
    reason = "reads and writes variables of modules by their addresses"
)]

use alloc::ffi::CString;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::CStr;
use core::ops::Range;

use kernel_core::errno::Errno;
use kernel_core::module::parameter::{self, Argument, Kind, Value};

use super::registry::{Module, hold};
use super::{Error, Reason};
use crate::sync::{IrqLock, Rank};

/// The section.
pub(super) const SECTION: &str = "__param";
/// Elements of an array, at most: what a hostile file could make us allocate.
const CAPACITY_LIMIT: u32 = 4096;

/// `struct kernel_param`.
#[repr(C)]
#[derive(Clone, Copy)]
struct CParameter {
    name: u64,
    kind: u64,
    value: u64,
    size: u32,
    capacity: u32,
    count: u64,
    mode: u32,
    reserved: u32,
}

/// A parameter of a loaded module.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The mode of its file, as in `chmod`; 0: it has none.
    pub mode: u32,
    kind: Kind,
    /// The variable's address, or that of an array's first element.
    value: u64,
    /// Bytes of an element.
    size: u32,
    /// Elements of an array; 0: it is none.
    capacity: u32,
    /// Address of the number of elements that were given, or 0.
    count: u64,
    /// Elements that were given.
    given: IrqLock<Given>,
}

#[derive(Debug)]
struct Given {
    count: u32,
    /// The strings that the variables point to, of those that were set here.
    texts: Vec<CString>,
}

/// The parameters of a module whose image is in place, from the bytes of the section, by name: compilers do not keep the
/// order of the source.
///
/// # Errors
/// Something in a record is no parameter of this module: the text says what.
pub(super) fn read(section: Range<u64>, module: &Range<u64>) -> Result<Vec<Parameter>, String> {
    let size = size_of::<CParameter>() as u64;
    let length = section.end - section.start;
    if !length.is_multiple_of(size) || !section.start.is_multiple_of(align_of::<CParameter>() as u64) {
        return Err(format!("{length:#x} bytes are no multiple of {size}"));
    }
    let records = section.step_by(size as usize).map(|record| {
        // SAFETY: the section is part of the module's image, and the record part of the section, aligned.
        let record = unsafe { (record as *const CParameter).read() };
        Parameter::new(record, module)
    });
    let mut parameters: Vec<Parameter> = records.collect::<Result<_, _>>()?;
    parameters.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(parameters)
}

impl Parameter {
    fn new(record: CParameter, module: &Range<u64>) -> Result<Parameter, String> {
        let name = string(module, record.name).ok_or("a name is not in the module")?;
        let kind = string(module, record.kind).unwrap_or_default();
        let Some(kind) = Kind::from_name(&kind) else {
            return Err(format!(
                "parameter '{name}' is of kind '{kind}', which there is not"
            ));
        };
        let size = u64::from(record.size);
        let has_its_size = kind.size().is_none_or(|wanted| wanted == record.size) && size != 0;
        let elements = u64::from(record.capacity.clamp(1, CAPACITY_LIMIT));
        let is_inside = |start: u64, size: u64| {
            start >= module.start && start.checked_add(size).is_some_and(|end| end <= module.end)
        };
        let is_aligned = kind == Kind::String || record.value.is_multiple_of(size.max(1));
        let count_is_right =
            record.count == 0 || is_inside(record.count, 4) && record.count.is_multiple_of(4);
        if record.capacity > CAPACITY_LIMIT
            || !has_its_size
            || !is_aligned
            || !count_is_right
            || !is_inside(record.value, elements * size)
        {
            return Err(format!(
                "the variable of parameter '{name}' is not in the module, or is of another size"
            ));
        }
        let given = Given {
            count: record.capacity,
            texts: Vec::new(),
        };
        Ok(Parameter {
            name,
            mode: record.mode,
            kind,
            value: record.value,
            size: record.size,
            capacity: record.capacity,
            count: record.count,
            given: IrqLock::new(Rank::ModuleParameters, given),
        })
    }

    /// Sets it from a text. On an error nothing has changed.
    fn set(&self, text: Option<&str>) -> Result<(), Errno> {
        if self.capacity == 0 {
            let value = self.parse(text)?;
            return self.store(&[value]);
        }
        let text = text.ok_or(Errno::Invalid)?;
        let values = text.trim_end_matches('\n').split(',');
        let values: Vec<Value> = values
            .map(|text| self.parse(Some(text)))
            .collect::<Result<_, _>>()?;
        if values.len() > self.capacity as usize {
            return Err(Errno::Invalid);
        }
        self.store(&values)
    }

    fn parse(&self, text: Option<&str>) -> Result<Value, Errno> {
        let value = self.kind.parse(text)?;
        match &value {
            Value::Text(text) if text.contains('\0') => Err(Errno::Invalid),
            // With its end.
            Value::Text(text) if self.kind == Kind::String && text.len() >= self.size as usize => {
                Err(Errno::NoSpace)
            }
            _ => Ok(value),
        }
    }

    /// Writes the variable, or the first elements of an array.
    fn store(&self, values: &[Value]) -> Result<(), Errno> {
        let mut texts = Vec::new();
        for value in values {
            if let Value::Text(text) = value {
                texts.push(CString::new(text.as_str()).map_err(|_| Errno::Invalid)?);
            }
        }
        let mut given = self.given.lock();
        for (index, value) in values.iter().enumerate() {
            let bits = match (value, texts.get(index)) {
                (Value::Bits(bits), _) => *bits,
                (Value::Text(_), Some(text)) if self.kind == Kind::String => {
                    let bytes = text.as_bytes_with_nul();
                    // SAFETY: `parse` has seen to it that they fit; the variable is in the module, which is held.
                    unsafe {
                        core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.value as *mut u8, bytes.len())
                    };
                    continue;
                }
                (Value::Text(_), Some(text)) => text.as_ptr() as u64,
                (Value::Text(_), None) => continue,
            };
            self.write(self.element(index as u32), self.size, bits);
        }
        given.count = values.len() as u32;
        if self.count != 0 {
            self.write(self.count, 4, values.len() as u64);
        }
        // What the variables pointed to before goes with the lock.
        given.texts = texts;
        Ok(())
    }

    fn element(&self, index: u32) -> u64 {
        self.value + u64::from(index) * u64::from(self.size)
    }

    fn write(&self, address: u64, size: u32, bits: u64) {
        match size {
            // SAFETY: `new` has checked that the variable is in the module, and aligned; the module is held.
            1 => unsafe { (address as *mut u8).write_volatile(bits as u8) },
            // SAFETY: as above.
            2 => unsafe { (address as *mut u16).write_volatile(bits as u16) },
            // SAFETY: as above.
            4 => unsafe { (address as *mut u32).write_volatile(bits as u32) },
            // SAFETY: as above.
            _ => unsafe { (address as *mut u64).write_volatile(bits) },
        }
    }

    /// The value as text.
    fn show(&self) -> String {
        let given = self.given.lock();
        let elements = if self.capacity == 0 { 1 } else { given.count };
        let texts: Vec<String> = (0..elements).map(|index| self.show_element(index)).collect();
        texts.join(",")
    }

    fn show_element(&self, index: u32) -> String {
        let address = self.element(index);
        let bits = match self.size {
            // SAFETY: as for `write`.
            1 => u64::from(unsafe { (address as *const u8).read_volatile() }),
            // SAFETY: as above.
            2 => u64::from(unsafe { (address as *const u16).read_volatile() }),
            // SAFETY: as above.
            4 => u64::from(unsafe { (address as *const u32).read_volatile() }),
            // SAFETY: as above.
            8 if self.kind != Kind::String => unsafe { (address as *const u64).read_volatile() },
            _ => address,
        };
        let string = match self.kind {
            Kind::String => address,
            Kind::Charp if bits == 0 => return "(null)".to_string(),
            Kind::Charp => bits,
            _ => return self.kind.show(&Value::Bits(bits)),
        };
        // SAFETY: a string of the module's own, or one that `store` has put there; it ends with NUL.
        let text = unsafe { CStr::from_ptr(string as *const core::ffi::c_char) };
        text.to_string_lossy().into_owned()
    }
}

/// A string that lies in the module with its end.
fn string(module: &Range<u64>, address: u64) -> Option<String> {
    let mut bytes = Vec::new();
    for place in address..module.end {
        if !module.contains(&place) {
            return None;
        }
        // SAFETY: it is in the module's memory, which is in place.
        match unsafe { (place as *const u8).read() } {
            0 => return String::from_utf8(bytes).ok(),
            byte => bytes.push(byte),
        }
    }
    None
}

impl Module {
    /// Sets parameters as the line says with which the module is loaded. Its `init_module` has not run.
    ///
    /// # Errors
    /// A value is none of its parameter's. What is no parameter is only said.
    pub(super) fn set_parameters(&self, line: &str) -> Result<(), Error> {
        let name = &self.info.name;
        for Argument { name: word, value } in parameter::arguments(line) {
            let mut parameters = self.parameters.iter();
            let Some(found) = parameters.find(|parameter| parameter::is_same_name(&parameter.name, &word))
            else {
                log::warn!(target: "", "{name}: unknown parameter '{word}' ignored");
                continue;
            };
            if let Err(errno) = found.set(value.as_deref()) {
                let value = value.unwrap_or_default();
                let what = if errno == Errno::NoSpace {
                    "too large"
                } else {
                    "invalid"
                };
                log::error!(target: "", "{name}: `{value}' {what} for parameter `{word}'");
                return Err(Error::new(
                    name,
                    Reason::Parameter {
                        parameter: word,
                        value,
                        errno,
                    },
                ));
            }
        }
        Ok(())
    }
}

/// The text of a loaded module's parameter.
///
/// # Errors
/// There is no such module or parameter, or the module is on its way out.
pub fn parameter(module: &str, name: &str) -> Result<String, Errno> {
    with(module, name, |parameter| Ok(parameter.show()))
}

/// Sets a loaded module's parameter.
///
/// # Errors
/// As for [`parameter`], or the text is no value of it; then it is as it was.
pub fn set_parameter(module: &str, name: &str, text: &str) -> Result<(), Errno> {
    with(module, name, |parameter| parameter.set(Some(text)))
}

fn with<T>(module: &str, name: &str, work: impl FnOnce(&Parameter) -> Result<T, Errno>) -> Result<T, Errno> {
    // Its memory stays for as long.
    let held = hold(module, "somebody who looks at its parameters").map_err(|error| error.errno())?;
    let mut parameters = held.module.parameters.iter();
    let found = parameters.find(|parameter| parameter.name == name);
    work(found.ok_or(Errno::NoEntry)?)
}
