//! `.modinfo`: what a module says about itself, as `key=value` strings that end with NUL.

use super::ModuleError;
use crate::symbols::BUILD_ID_LENGTH;
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use core::fmt;

/// Longest module name, in bytes; Linux's limit on this machine.
const NAME_LIMIT: usize = 55;

/// The SHA-1 that tells one build of the kernel from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildId(pub [u8; BUILD_ID_LENGTH]);

impl BuildId {
    /// Reads hexadecimal digits, two for each byte.
    pub fn from_hex(text: &str) -> Option<BuildId> {
        let digits = text.as_bytes();
        if digits.len() != 2 * BUILD_ID_LENGTH {
            return None;
        }
        let mut bytes = [0; BUILD_ID_LENGTH];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = [
                char::from(pair[0]).to_digit(16)?,
                char::from(pair[1]).to_digit(16)?,
            ];
            *byte = (high << 4 | low) as u8;
        }
        Some(BuildId(bytes))
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The strings of `.modinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleInfo {
    /// `name=`: 1 to 55 letters, digits, `_` or `-`.
    pub name: String,
    /// `license=`.
    pub license: String,
    /// `build_id=`: the kernel that it was built for, when it says so.
    pub build_id: Option<BuildId>,
    /// `livepatch=Y`: its purpose is to patch.
    pub livepatch: bool,
    /// `depends=`, a list with commas: modules that must be there first.
    pub depends: Vec<String>,
    /// Everything else, in order: `description`, `author`, `parm`…
    pub other: Vec<(String, String)>,
}

impl ModuleInfo {
    /// Reads the section's bytes.
    pub fn parse(bytes: &[u8]) -> Result<ModuleInfo, ModuleError> {
        let fail = |reason: String| Err(ModuleError::Info { reason });
        let (mut name, mut license, mut build_id, mut livepatch) = (None, None, None, None);
        let (mut depends, mut other) = (None, Vec::new());
        if !bytes.is_empty() && bytes.last() != Some(&0) {
            return fail("the last string has no end".into());
        }
        for string in bytes.split(|&byte| byte == 0).filter(|string| !string.is_empty()) {
            let Ok(string) = core::str::from_utf8(string) else {
                return fail(format!("'{}' is not UTF-8", string.escape_ascii()));
            };
            let Some((key, value)) = string.split_once('=') else {
                return fail(format!("'{}' is not key=value", string.escape_debug()));
            };
            let slot = match key {
                "name" => &mut name,
                "license" => &mut license,
                "build_id" => &mut build_id,
                "livepatch" => &mut livepatch,
                "depends" => &mut depends,
                _ => {
                    other.push((key.to_owned(), value.to_owned()));
                    continue;
                }
            };
            if slot.replace(value).is_some() {
                return fail(format!("'{key}' is there twice"));
            }
        }
        let Some(name) = name else {
            return fail("there is no 'name'".into());
        };
        if !is_name(name) {
            return fail(format!(
                "name '{}' is not 1 to {NAME_LIMIT} letters, digits, '_' or '-'",
                name.escape_debug()
            ));
        }
        let Some(license) = license else {
            return fail("there is no 'license'".into());
        };
        let build_id = match build_id {
            None => None,
            Some(text) => match BuildId::from_hex(text) {
                None => {
                    return fail(format!(
                        "build_id '{}' is not 40 hexadecimal digits",
                        text.escape_debug()
                    ));
                }
                id => id,
            },
        };
        let livepatch = match livepatch {
            None => false,
            Some("Y") => true,
            Some(text) => return fail(format!("livepatch is '{}', expected 'Y'", text.escape_debug())),
        };
        let depends: Vec<String> = depends
            .unwrap_or("")
            .split(',')
            .filter(|name| !name.is_empty())
            .map(String::from)
            .collect();
        if let Some(bad) = depends.iter().find(|name| !is_name(name)) {
            return fail(format!(
                "depends: '{}' is not a module's name",
                bad.escape_debug()
            ));
        }
        Ok(ModuleInfo {
            name: name.into(),
            license: license.into(),
            build_id,
            livepatch,
            depends,
            other,
        })
    }
}

fn is_name(name: &str) -> bool {
    (1..=NAME_LIMIT).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "000102030405060708090a0b0c0d0e0f10111213";

    #[test]
    fn all_keys() {
        let text = format!(
            "name=patch-1\0license=GPL v2\0\0build_id={ID}\0livepatch=Y\0depends=a,b\0author=x=y\0parm=p:int\0"
        );
        let info = ModuleInfo::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (info.name.as_str(), info.license.as_str(), info.livepatch),
            ("patch-1", "GPL v2", true)
        );
        assert_eq!(format!("{}", info.build_id.unwrap()), ID);
        assert_eq!(info.depends, ["a", "b"]);
        assert_eq!(
            info.other,
            [("author".into(), "x=y".into()), ("parm".into(), "p:int".into())]
        );
    }

    #[test]
    fn nonsense_is_named() {
        let long = format!("name={}\0license=x\0", "n".repeat(56));
        for (text, reason) in [
            ("", "there is no 'name'"),
            ("name=a", "the last string has no end"),
            ("name=a\0", "there is no 'license'"),
            ("name=a\0name=b\0license=x\0", "'name' is there twice"),
            (
                "name=\0license=x\0",
                "name '' is not 1 to 55 letters, digits, '_' or '-'",
            ),
            (
                "name=../x\0license=x\0",
                "name '../x' is not 1 to 55 letters, digits, '_' or '-'",
            ),
            (
                long.as_str(),
                &format!(
                    "name '{}' is not 1 to 55 letters, digits, '_' or '-'",
                    "n".repeat(56)
                ),
            ),
            ("nonsense\0", "'nonsense' is not key=value"),
            (
                "name=a\0license=x\0livepatch=1\0",
                "livepatch is '1', expected 'Y'",
            ),
            (
                "name=a\0license=x\0build_id=12\0",
                "build_id '12' is not 40 hexadecimal digits",
            ),
            (
                "name=a\0license=x\0depends=b c\0",
                "depends: 'b c' is not a module's name",
            ),
        ] {
            assert_eq!(
                ModuleInfo::parse(text.as_bytes()),
                Err(ModuleError::Info {
                    reason: reason.into()
                }),
                "{text:?}"
            );
        }
        let not_text = ModuleInfo::parse(b"name=\xff\0").unwrap_err();
        assert_eq!(not_text.to_string(), ".modinfo: 'name=\\xff' is not UTF-8");
    }
}
