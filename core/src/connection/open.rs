//! File names: plain paths, URIs, `:memory:`, and flags.
//!
//! Spec: Uniform Resource Identifiers.

use std::sync::Arc;

use kernite_btree::{Btree, OpenOptions};
use kernite_io::SharedIo;
use kernite_vdbe::Error;

use super::shared_memory::{Seat, SharedMemory, SharedName};

/// How a connection is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFlags {
    pub read_only: bool,
    pub create: bool,
    /// File names that begin with `file:` are URIs.
    pub uri: bool,
    /// The caller has looked at the URI's `vfs`.
    pub any_vfs: bool,
    /// The database is in memory, whatever the name.
    pub memory: bool,
    /// A database in memory is shared by name, unless the URI says otherwise.
    pub shared_cache: bool,
    /// The layer is SQLite's `memdb`: databases in memory, shared where the name begins with a slash.
    pub memdb: bool,
    /// A file made by this open starts in WAL mode. The Rust API asks for it, the C API does not.
    pub new_file_wal: bool,
}

impl Default for OpenFlags {
    /// Read, write, create; URIs understood.
    fn default() -> OpenFlags {
        OpenFlags {
            read_only: false,
            create: true,
            uri: true,
            any_vfs: false,
            memory: false,
            shared_cache: false,
            memdb: false,
            new_file_wal: false,
        }
    }
}

/// `SQLITE_CANTOPEN`, `SQLITE_PERM`, `SQLITE_ERROR`.
const CANTOPEN: i32 = 14;
const PERM: i32 = 3;

/// What a name leads to.
pub(crate) struct Target {
    options: OpenOptions,
    shared: Option<SharedName>,
}

impl Target {
    /// The storage, and the place at a shared database.
    pub(crate) fn btree(self, io: &SharedIo, shared: &Arc<SharedMemory>) -> (Btree, Option<Seat>) {
        let Some(name) = &self.shared else { return (Btree::new(Arc::clone(io), self.options), None) };
        let seat = shared.join(name);
        let options = OpenOptions {
            path: Some(seat.path().to_vec()),
            memory: false,
            // The world has just been asked for it: whoever comes first makes it.
            create: true,
            new_file_wal: matches!(name, SharedName::Cache(_)),
            ..self.options
        };
        (Btree::new(Arc::clone(shared.io()), options), Some(seat))
    }
}

/// What a name and flags lead to.
///
/// # Errors
/// `no such access mode: x`, `invalid uri authority: x`…; paths that the system refuses.
pub(crate) fn target(io: &SharedIo, name: &[u8], mut flags: OpenFlags) -> Result<Target, Error> {
    let mut options = OpenOptions {
        read_only: flags.read_only,
        create: flags.create && !flags.read_only,
        memory: flags.memory,
        new_file_wal: flags.new_file_wal,
        ..OpenOptions::default()
    };
    let uri = name.strip_prefix(b"file:").filter(|_| flags.uri);
    let path = match uri {
        Some(rest) => parse_uri(rest, &mut flags, &mut options)?,
        None => name.to_vec(),
    };
    if flags.memdb || options.memory || path == b":memory:" {
        options.memory = true;
        let shared = if flags.memdb {
            (path.len() > 1 && path[0] == b'/').then_some(SharedName::Memdb(path))
        } else {
            (uri.is_some() && flags.shared_cache && !path.is_empty()).then_some(SharedName::Cache(path))
        };
        return Ok(Target { options, shared });
    }
    if !path.is_empty() {
        options.path = Some(
            io.canonical(&path).map_err(|_| Error::with_code(CANTOPEN, "unable to open database file"))?,
        );
    }
    Ok(Target { options, shared: None })
}

/// The parameters of a URI, in order; none for a name that is no URI.
pub fn uri_parameters(name: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let Some(rest) = name.strip_prefix(b"file:") else { return Vec::new() };
    let end = rest.iter().position(|&byte| byte == b'#').unwrap_or(rest.len());
    let Some(at) = rest[..end].iter().position(|&byte| byte == b'?') else { return Vec::new() };
    split_query(&rest[at + 1..end]).collect()
}

fn split_query(query: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    query.split(|&byte| byte == b'&').filter(|parameter| !parameter.is_empty()).map(|parameter| {
        let at = parameter.iter().position(|&byte| byte == b'=').unwrap_or(parameter.len());
        (unescape(&parameter[..at]), unescape(parameter.get(at + 1..).unwrap_or_default()))
    })
}

fn parse_uri(uri: &[u8], flags: &mut OpenFlags, options: &mut OpenOptions) -> Result<Vec<u8>, Error> {
    let mut rest = uri;
    if let Some(behind) = rest.strip_prefix(b"//") {
        let end = behind.iter().position(|&byte| byte == b'/').unwrap_or(behind.len());
        let authority = &behind[..end];
        if !authority.is_empty() && authority != b"localhost" {
            return Err(Error::message(format!(
                "invalid uri authority: {}",
                String::from_utf8_lossy(authority)
            )));
        }
        rest = &behind[end..];
    }
    let end = rest.iter().position(|&byte| byte == b'#').unwrap_or(rest.len());
    let rest = &rest[..end];
    let (path, query) = match rest.iter().position(|&byte| byte == b'?') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &[][..]),
    };
    for (key, value) in split_query(query) {
        apply_parameter(&key, &value, flags, options)?;
    }
    Ok(unescape(path))
}

fn apply_parameter(
    key: &[u8],
    value: &[u8],
    flags: &mut OpenFlags,
    options: &mut OpenOptions,
) -> Result<(), Error> {
    let is_set = |value: &[u8]| matches!(value, b"1" | b"true" | b"yes" | b"on");
    match key {
        b"mode" => {
            let (read_only, create) = match value {
                b"ro" => (true, false),
                b"rw" => (false, false),
                b"rwc" => (false, true),
                b"memory" => {
                    options.memory = true;
                    return Ok(());
                }
                _ => {
                    let value = String::from_utf8_lossy(value);
                    return Err(Error::message(format!("no such access mode: {value}")));
                }
            };
            if (flags.read_only && !read_only) || (create && !flags.create) {
                let value = String::from_utf8_lossy(value);
                return Err(Error::with_code(PERM, format!("access mode not allowed: {value}")));
            }
            (options.read_only, options.create) = (read_only, create);
        }
        b"cache" => match value {
            b"shared" => flags.shared_cache = true,
            b"private" => flags.shared_cache = false,
            _ => {
                let value = String::from_utf8_lossy(value);
                return Err(Error::message(format!("no such cache mode: {value}")));
            }
        },
        b"immutable" => options.immutable = is_set(value),
        b"nolock" => options.no_lock = is_set(value),
        b"vfs" => match value {
            b"unix-dotfile" => options.dot_file_lock = true,
            b"unix-none" => options.no_lock = true,
            b"memdb" => flags.memdb = true,
            b"unix" | b"unix-excl" | b"" => {}
            _ if flags.any_vfs => {}
            _ => {
                return Err(Error::message(format!("no such vfs: {}", String::from_utf8_lossy(value))));
            }
        },
        _ => {}
    }
    Ok(())
}

/// Undoes `%41`. What is no escape stays; `%00` ends the text.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let digit = |offset: usize| text.get(at + offset).and_then(|&byte| (byte as char).to_digit(16));
        match (byte, digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                let byte = (high << 4 | low) as u8;
                if byte == 0 {
                    break;
                }
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn open(name: &str) -> Result<OpenOptions, String> {
        find(name).map(|target| target.options)
    }

    fn find(name: &str) -> Result<Target, String> {
        let io: SharedIo = Arc::new(kernite_io::MemoryIo::new());
        target(&io, name.as_bytes(), OpenFlags::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn uris_say_how_to_open() {
        assert!(open("file:a.db?mode=ro").unwrap().read_only);
        assert_eq!(
            find("file:x?mode=memory&cache=shared").unwrap().shared,
            Some(SharedName::Cache(b"x".to_vec()))
        );
        assert_eq!(find("file:/x?vfs=memdb").unwrap().shared, Some(SharedName::Memdb(b"/x".to_vec())));
        assert_eq!(find("file:x?mode=memory").unwrap().shared, None);
        assert!(open("file:a%20b.db").unwrap().path.unwrap().ends_with(b"a b.db"));
        assert!(open(":memory:").unwrap().memory);
        assert_eq!(open("").unwrap().path, None);
        assert_eq!(open("file:a?mode=xx").unwrap_err(), "no such access mode: xx");
        assert_eq!(open("file://host/a").unwrap_err(), "invalid uri authority: host");
        assert!(open("file://localhost/a").is_ok());
    }
}
