//! Images of pages for savepoints, in memory or, where they are many, in a temporary file.
//!
//! Images are appended and taken back from the end. What went to the file is always the older part, except where releasing a level dropped some in
//! between; a place in the file is used once, until no image is left at all.
//!
//! Always true: `in_memory` counts the images that hold a buffer.
//! Never: which image is owed to whom (`savepoint`).

use std::sync::Arc;

use kernite_io::{AccessMode, Buffer, File, FileKind, IoSlice, OpenFlags, SharedIo, ready};

use super::cache::Cache;
use super::waiter::Waiter;
use super::{PageHeader, Pager};
use crate::page_no::PageNo;
use crate::{Error, Step};

/// Images in one write.
const BATCH_MAX: usize = 256;

/// Where an image's bytes are.
pub(super) enum Content {
    Memory(Buffer),
    /// At this offset of the temporary file.
    File(u64),
    /// The page had no content that matters: it was a freelist leaf.
    Nothing,
}

/// A page as it was.
pub(super) struct Image {
    pub(super) page: PageNo,
    pub(super) content: Content,
    pub(super) header: PageHeader,
    /// The frame's stamp before this image was given.
    pub(super) stamp: u64,
}

/// An image that was taken back, with its bytes.
pub(super) struct Popped {
    pub(super) page: PageNo,
    /// `None` where the page had no content.
    pub(super) buffer: Option<Buffer>,
    pub(super) header: PageHeader,
    pub(super) stamp: u64,
}

/// The images of all open levels, oldest first.
#[derive(Default)]
pub(super) struct Images {
    list: Vec<Image>,
    in_memory: usize,
    file: Option<Arc<dyn File>>,
    file_end: u64,
}

impl Images {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn in_memory(&self) -> usize {
        self.in_memory
    }

    pub(super) fn push(&mut self, image: Image) {
        self.in_memory += usize::from(matches!(image.content, Content::Memory(_)));
        self.list.push(image);
    }

    /// Takes the images from `at` on, whose order stays.
    pub(super) fn split_off(&mut self, at: usize) -> Vec<Image> {
        let taken = self.list.split_off(at.min(self.list.len()));
        self.in_memory -= taken.iter().filter(|image| matches!(image.content, Content::Memory(_))).count();
        taken
    }

    /// Gives an image up.
    pub(super) fn recycle(image: Image, cache: &mut Cache) {
        if let Content::Memory(buffer) = image.content {
            cache.recycle(buffer);
        }
    }

    /// Forgets all images.
    pub(super) fn clear(&mut self, cache: &mut Cache) {
        for image in self.list.drain(..) {
            Images::recycle(image, cache);
        }
        self.in_memory = 0;
        self.file_end = 0;
    }

    /// Takes the newest image, read back where it is in the file. `None` where there are no more than `keep`.
    pub(super) fn pop(&mut self, keep: usize, cache: &mut Cache, wait: &mut Waiter) -> Step<Option<Popped>> {
        let Some(last) = self.list.last().filter(|_| self.list.len() > keep) else { return Ok(Some(None)) };
        if let Content::File(at) = last.content {
            let Some(file) = &self.file else { return Err(Error::Unsupported("an image without its file")) };
            let Some(buffer) = Buffer::try_zeroed(cache.page_size()) else { return Err(Error::NoMemory) };
            let (buffer, _) = ready!(wait.bytes(|| file.read(at, buffer)));
            cache.adopt_buffer();
            self.in_memory += 1;
            if let Some(last) = self.list.last_mut() {
                last.content = Content::Memory(buffer);
            }
        }
        let Some(image) = self.list.pop() else { return Ok(Some(None)) };
        if self.list.is_empty() {
            self.file_end = 0;
        }
        let Image { page, content, header, stamp } = image;
        let buffer = match content {
            Content::Memory(buffer) => {
                self.in_memory -= 1;
                Some(buffer)
            }
            Content::File(_) | Content::Nothing => None,
        };
        Ok(Some(Some(Popped { page, buffer, header, stamp })))
    }

    /// Writes the images in memory to the file, a batch at each call; `true` once none is left.
    fn spill(
        &mut self,
        io: &SharedIo,
        page_bytes: usize,
        cache: &mut Cache,
        wait: &mut Waiter,
    ) -> Step<bool> {
        if self.file.is_none() {
            let flags = OpenFlags {
                create: true,
                delete_on_close: true,
                ..OpenFlags::new(FileKind::Transient, AccessMode::ReadWrite)
            };
            self.file = Some(ready!(wait.opened(|| io.open(None, flags))).file);
        }
        let Some(file) = &self.file else { return Ok(Some(true)) };
        let batch: Vec<usize> = self
            .list
            .iter()
            .enumerate()
            .filter(|(_, image)| matches!(image.content, Content::Memory(_)))
            .map(|(index, _)| index)
            .take(BATCH_MAX)
            .collect();
        if batch.is_empty() {
            return Ok(Some(true));
        }
        let slices = || {
            let buffers = batch.iter().filter_map(|&index| match &self.list[index].content {
                Content::Memory(buffer) => Some(IoSlice::whole(buffer.clone())),
                Content::File(_) | Content::Nothing => None,
            });
            buffers.collect()
        };
        let at = self.file_end;
        ready!(wait.unit(|| file.write(at, slices())));
        for &index in &batch {
            let content = std::mem::replace(&mut self.list[index].content, Content::File(self.file_end));
            self.file_end += page_bytes as u64;
            self.in_memory -= 1;
            if let Content::Memory(buffer) = content {
                cache.recycle(buffer);
            }
        }
        Ok(Some(false))
    }
}

impl Pager {
    /// Writes all images to the temporary file.
    pub(super) fn spill_images(&mut self) -> Step<()> {
        let io = match (&self.files, &self.temp_io) {
            (Some(files), _) => Arc::clone(&files.io),
            (None, Some(io)) => Arc::clone(io),
            (None, None) => return Ok(Some(())),
        };
        let page_bytes = self.page_size();
        let (images, cache, wait) = (&mut self.savepoints.images, &mut self.cache, &mut self.wait);
        while !ready!(images.spill(&io, page_bytes, cache, wait)) {}
        Ok(Some(()))
    }
}
