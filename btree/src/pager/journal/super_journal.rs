//! Super-journals: how a transaction over several files becomes one.
//!
//! Each file's journal names the super-journal; the super-journal lists the journals. While it exists the journals are hot; its removal
//! commits them all at once, since a journal that names a missing super-journal is not hot.
//!
//! ```text
//! create (list, sync, directory) -> prepare each file -> remove (directory synced): the commit point -> finish each file
//! ```
//!
//! File content: the paths of the journals, each with a zero byte after it.
//! Spec: "Atomic Commit In SQLite", "Multi-file Commit".

use std::sync::Arc;

use kernite_io::{AccessMode, Buffer, File, FileKind, IoSlice, OpenFlags, ready};

use super::format;
use crate::pager::waiter::Waiter;
use crate::pager::{Pager, files};
use crate::{Error, Step};

/// Whether there is a file of that name.
pub(in crate::pager) fn exists(pager: &mut Pager, name: &[u8]) -> Step<bool> {
    let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
    let found = ready!(wait.stat(|| files.io.stat(name)));
    Ok(Some(found.is_some()))
}

/// Writes a super-journal; `core` orchestrates it over the files of a transaction.
#[derive(Default)]
pub struct CreateSuper {
    wait: Waiter,
    file: Option<Arc<dyn File>>,
    done: u8,
}

impl CreateSuper {
    /// Creates `name` with the list of `journals` in it, durable together with its directory entry. Run again until done.
    /// [`Error::CannotOpen`] where the name is taken: choose another.
    pub fn step(&mut self, io: &kernite_io::SharedIo, name: &[u8], journals: &[&[u8]]) -> Step<()> {
        if self.file.is_none() {
            let flags = OpenFlags {
                create: true,
                exclusive: true,
                ..OpenFlags::new(FileKind::SuperJournal, AccessMode::ReadWrite)
            };
            self.file = Some(ready!(self.wait.opened(|| io.open(Some(name), flags))).file);
        }
        let Some(file) = &self.file else { return Err(Error::CannotOpen) };
        if self.done == 0 {
            let content = || {
                let mut list: Vec<u8> = Vec::new();
                for journal in journals {
                    list.extend_from_slice(journal);
                    list.push(0);
                }
                vec![IoSlice::whole(Buffer::copy_of(&list))]
            };
            ready!(self.wait.unit(|| file.write(0, content())));
            self.done = 1;
        }
        if self.done == 1 {
            ready!(self.wait.unit(|| file.sync(true)));
            self.done = 2;
        }
        if self.done == 2 && !kernite_io::planted!(SuperJournalDirectoryNotSynced) {
            ready!(self.wait.unit(|| io.sync_dir(name)));
            self.done = 3;
        }
        Ok(Some(()))
    }

    /// What a step that returned `Ok(None)` waits for.
    pub fn outstanding(&self) -> &kernite_io::Outstanding {
        &self.wait.outstanding
    }

    /// Forgets what is over of that.
    pub fn forget_done(&mut self) {
        self.wait.outstanding.prune();
    }
}

/// Removes a super-journal and makes that durable: the commit point of a transaction over several files.
#[derive(Default)]
pub struct RemoveSuper {
    wait: Waiter,
}

impl RemoveSuper {
    /// Run again until done.
    pub fn step(&mut self, io: &kernite_io::SharedIo, name: &[u8]) -> Step<()> {
        ready!(self.wait.removed(|| io.remove(name, true)));
        Ok(Some(()))
    }

    /// What a step that returned `Ok(None)` waits for.
    pub fn outstanding(&self) -> &kernite_io::Outstanding {
        &self.wait.outstanding
    }

    /// Forgets what is over of that.
    pub fn forget_done(&mut self) {
        self.wait.outstanding.prune();
    }
}

/// Most of a list that is read: more journals than a connection can attach files.
const LIST_BYTES_MAX: usize = 1 << 20;

enum At {
    Open,
    Length,
    Read(usize),
    Child(usize),
    ChildOpen(usize),
    ChildLength(usize),
    ChildTail(usize, u64),
    ChildName(usize, u64, Buffer, usize),
    Remove,
    Done,
}

/// Removes a super-journal after a rollback, unless a journal that names it is still there and needs it.
pub(in crate::pager) struct DeleteSuper {
    at: At,
    name: Vec<u8>,
    file: Option<Arc<dyn File>>,
    child: Option<Arc<dyn File>>,
    /// The journals that it lists.
    children: Vec<Vec<u8>>,
}

impl DeleteSuper {
    pub(in crate::pager) fn new(name: Vec<u8>) -> DeleteSuper {
        DeleteSuper { at: At::Open, name, file: None, child: None, children: Vec::new() }
    }

    pub(in crate::pager) fn step(&mut self, pager: &mut Pager) -> Step<()> {
        let (files, wait) = files(&mut pager.files, &mut pager.wait)?;
        loop {
            self.at = match &self.at {
                At::Open => {
                    let flags = OpenFlags::new(FileKind::SuperJournal, AccessMode::ReadOnly);
                    let name = &self.name;
                    self.file = Some(ready!(wait.opened(|| files.io.open(Some(name), flags))).file);
                    At::Length
                }
                At::Length => {
                    let Some(file) = &self.file else { return Err(Error::CannotOpen) };
                    At::Read(ready!(wait.length(|| file.len())) as usize)
                }
                At::Read(len) => {
                    let Some(file) = &self.file else { return Err(Error::CannotOpen) };
                    let len = (*len).min(LIST_BYTES_MAX);
                    let (bytes, _) = ready!(wait.bytes(|| file.read(0, Buffer::zeroed(len))));
                    self.children = bytes
                        .split(|&byte| byte == 0)
                        .filter(|name| !name.is_empty())
                        .map(<[u8]>::to_vec)
                        .collect();
                    At::Child(0)
                }
                At::Child(index) => match self.children.get(*index) {
                    None => At::Remove,
                    Some(path) if ready!(wait.stat(|| files.io.stat(path))).is_some() => {
                        At::ChildOpen(*index)
                    }
                    Some(_) => At::Child(index + 1),
                },
                At::ChildOpen(index) => {
                    let flags = OpenFlags::new(FileKind::MainJournal, AccessMode::ReadOnly);
                    let path = &self.children[*index];
                    self.child = Some(ready!(wait.opened(|| files.io.open(Some(path), flags))).file);
                    At::ChildLength(*index)
                }
                At::ChildLength(index) => {
                    let Some(file) = &self.child else { return Err(Error::CannotOpen) };
                    let len = ready!(wait.length(|| file.len()));
                    if len < format::SUPER_TAIL as u64 {
                        At::Child(index + 1)
                    } else {
                        At::ChildTail(*index, len)
                    }
                }
                At::ChildTail(index, len) => {
                    let Some(file) = &self.child else { return Err(Error::CannotOpen) };
                    let at = len - format::SUPER_TAIL as u64;
                    let (tail, _) = ready!(wait.bytes(|| file.read(at, Buffer::zeroed(format::SUPER_TAIL))));
                    match format::super_name_bytes(&tail, *len) {
                        Some(name) => At::ChildName(*index, at - name as u64, tail, name),
                        None => At::Child(index + 1),
                    }
                }
                At::ChildName(index, at, tail, len) => {
                    let Some(file) = &self.child else { return Err(Error::CannotOpen) };
                    let (name, _) = ready!(wait.bytes(|| file.read(*at, Buffer::zeroed(*len))));
                    if format::is_super_name(&name, tail) && name[..] == self.name[..] {
                        return Ok(Some(())); // that journal is hot and needs it
                    }
                    At::Child(index + 1)
                }
                At::Remove => {
                    let name = &self.name;
                    ready!(wait.removed(|| files.io.remove(name, false)));
                    At::Done
                }
                At::Done => return Ok(Some(())),
            };
        }
    }
}
