//! Absolute paths as SQLite makes them: one component after the other, symbolic links followed on the way.
//!
//! The file at the end need not exist, and neither need the directories before it: SQLite opens such a path and lets the
//! open fail. That is why `realpath` does not do.
//!
//! Always true of a result: absolute, no empty component, no `.` or `..`, no symbolic link, at most
//! [`PATH_MAX_BYTES`] long, never `/` alone.
//! Never: touching the file system by itself; `link_at` does where there is one.
//! Spec: "The SQLite OS Interface", `xFullPathname`.

use crate::error::IoError;

/// Longest canonical path. SQLite's unix VFS announces 512 as `mxPathname`, and its check leaves room for a `/` and a NUL.
pub(crate) const PATH_MAX_BYTES: usize = 511;

/// Symbolic links followed for one path, to end in a circle of them. SQLite's `SQLITE_MAX_SYMLINK`, which it passes by one.
const LINKS_MAX: usize = 201;

/// Makes `path` absolute, from `cwd` where it is relative. `link_at` tells what the symbolic link at an absolute path says, or `None`
/// where there is no link (or nothing). [`IoError::CannotOpen`] where the result would be the root, or is too long, or where there
/// are too many links.
pub(crate) fn canonical(
    path: &[u8],
    cwd: impl FnOnce() -> Result<Vec<u8>, IoError>,
    link_at: impl FnMut(&[u8]) -> Result<Option<Vec<u8>>, IoError>,
) -> Result<Vec<u8>, IoError> {
    let mut walk = Walk { out: Vec::with_capacity(path.len() + 1), links: 0, link_at };
    if path.first() != Some(&b'/') {
        walk.append_all(&cwd()?)?;
    }
    walk.append_all(path)?;
    if walk.out.is_empty() {
        return Err(IoError::CannotOpen { errno: libc::EISDIR, is_directory: true });
    }
    Ok(walk.out)
}

struct Walk<L> {
    out: Vec<u8>,
    links: usize,
    link_at: L,
}

impl<L: FnMut(&[u8]) -> Result<Option<Vec<u8>>, IoError>> Walk<L> {
    fn append_all(&mut self, path: &[u8]) -> Result<(), IoError> {
        path.split(|&byte| byte == b'/').try_for_each(|component| self.append(component))
    }

    fn append(&mut self, component: &[u8]) -> Result<(), IoError> {
        match component {
            b"" | b"." => return Ok(()),
            b".." => {
                self.pop();
                return Ok(());
            }
            _ => {}
        }
        if self.out.len() + 1 + component.len() > PATH_MAX_BYTES {
            return Err(IoError::CannotOpen { errno: libc::ENAMETOOLONG, is_directory: false });
        }
        self.out.push(b'/');
        self.out.extend_from_slice(component);
        let Some(target) = (self.link_at)(&self.out)? else { return Ok(()) };
        self.links += 1;
        if self.links > LINKS_MAX || target.is_empty() {
            return Err(IoError::CannotOpen { errno: libc::ELOOP, is_directory: false });
        }
        if target.first() == Some(&b'/') {
            self.out.clear();
        } else {
            self.pop();
        }
        // Links within links nest at most LINKS_MAX deep.
        self.append_all(&target)
    }

    fn pop(&mut self) {
        let parent = self.out.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        self.out.truncate(parent);
    }
}

/// The directory that holds `path`: everything before the last `/`.
pub(crate) fn directory_of(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(0) => b"/",
        Some(at) => &path[..at],
        None => b".",
    }
}

/// The database that a journal or WAL at `path` belongs to: what stands before the last `-`, where that is behind the last `.`
/// (`app.db-journal`, `app.db-wal`). `None` for other names.
pub(crate) fn database_of(path: &[u8]) -> Option<&[u8]> {
    let at = path.iter().rposition(|&byte| byte == b'-' || byte == b'.')?;
    (at > 0 && path[at] == b'-').then(|| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<&str>) {
        let links = |at: &[u8]| {
            Ok(match at {
                b"/link" => Some(b"/real/dir".to_vec()),
                b"/real/up" => Some(b"../other".to_vec()),
                b"/circle" => Some(b"circle".to_vec()),
                _ => None,
            })
        };
        let got = canonical(path.as_bytes(), || Ok(b"/home/me".to_vec()), links);
        assert_eq!(got.ok().as_deref(), expected.map(str::as_bytes), "{path}");
    }

    #[test]
    fn components_are_cleaned_and_links_followed() {
        check("app.db", Some("/home/me/app.db"));
        check("../app.db", Some("/home/app.db"));
        check("//a//./b/../c/", Some("/a/c"));
        check("/../../a", Some("/a"));
        check("/link/x.db", Some("/real/dir/x.db"));
        check("/link/../up/x.db", Some("/other/x.db"));
        check("", Some("/home/me"));
    }

    #[test]
    fn the_root_circles_and_long_paths_cannot_be_opened() {
        check("/", None);
        check("/a/..", None);
        check("/circle", None);
        check(&format!("/{}", "x".repeat(510)), Some(&format!("/{}", "x".repeat(510))));
        check(&format!("/{}", "x".repeat(511)), None);
    }

    #[test]
    fn journals_know_their_database() {
        let names: [(&[u8], Option<&[u8]>); 5] = [
            (b"/d/app.db-journal", Some(b"/d/app.db")),
            (b"/d/app-wal", Some(b"/d/app")),
            (b"/d/a-b.nal", None),
            (b"-wal", None),
            (b"plain", None),
        ];
        for (journal, database) in names {
            assert_eq!(database_of(journal), database);
        }
        assert_eq!(
            (directory_of(b"/a/b"), directory_of(b"/a"), directory_of(b"a")),
            (&b"/a"[..], &b"/"[..], &b"."[..])
        );
    }
}
