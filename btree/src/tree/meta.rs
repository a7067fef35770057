//! The fields of the file header that belong to the layers above the pager: schema version, user version and so on.
//!
//! Spec: Database File Format, "The Database Header".

use kernite_io::ready;

use crate::Step;
use crate::btree::Meta;
use crate::page_no::PageNo;
use crate::pager::Pager;
use crate::tree::page::{put_u32, u32_at};

/// Offset of [`Meta::FreePageCount`]; the others follow, 4 bytes each.
const FIRST_AT: usize = 36;

fn offset(field: Meta) -> usize {
    FIRST_AT + 4 * field as usize
}

/// Reads a header field; 0 where the database has no pages yet.
pub(crate) fn read(pager: &mut Pager, field: Meta) -> Step<u32> {
    if pager.page_count() == 0 {
        return Ok(Some(0));
    }
    let frame = ready!(pager.get(PageNo::ONE));
    Ok(Some(u32_at(pager.page(frame), offset(field))))
}

/// Sets a header field, in place.
pub(crate) fn write(pager: &mut Pager, field: Meta, value: u32) -> Step<()> {
    let frame = ready!(pager.get(PageNo::ONE));
    let (bytes, _) = pager.write_in_place(frame)?;
    put_u32(bytes, offset(field), value);
    Ok(Some(()))
}
