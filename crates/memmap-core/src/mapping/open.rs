//! Opening a mapping: finding or creating what to map, and mapping it.

use super::Mapping;
use crate::access::{Access, Plan};
use crate::error::{Error, Result, SystemError};
use crate::extent::{self, Status};
use crate::fault_registry::FileIdentity;
use crate::region::Region;
use crate::source::{Source, Target};
use crate::sys::{self, Memory, Named, NewFile, ShmObject, ShmRequest, Waiters};
use crate::weak_list::WeakList;
use std::ffi::OsStr;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// How to open a mapping.
#[derive(Debug)]
pub struct Request {
    /// What to map.
    pub target: Target,
    /// The position in it of the first byte, which need not be aligned.
    pub offset: u64,
    /// The number of bytes. 0 means all the rest of a regular file or of an existing named region.
    pub length: u64,
    /// How to map it.
    pub plan: Plan,
    /// Whether to keep a descriptor, for `size`, `resize` and children that inherit it.
    pub track: bool,
    /// Whether to create a missing file, and to extend the file to `offset + length`.
    pub create: Create,
    /// How to create a file.
    pub new_file: NewFile,
    /// Whether `flush` and `write_back` write private changes into the file.
    pub write_back: bool,
    /// Whether a file that has no byte at `offset` yet is mapped as no bytes if `length` is 0.
    pub allow_empty: bool,
}

impl Request {
    /// Maps all of the target, with the descriptor kept, and creates nothing.
    pub fn new(target: Target, access: Access) -> Request {
        Request {
            target,
            offset: 0,
            length: 0,
            plan: Plan::from_access(access),
            track: true,
            create: Create::Never,
            new_file: NewFile::default(),
            write_back: false,
            allow_empty: false,
        }
    }
}

/// What to do if the file does not have the part to map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// The call fails.
    Never,
    /// The part is created, with blocks on the device for all of it.
    Allocated,
    /// The part is created as a hole, if the file system has holes.
    Sparse,
}

impl Mapping {
    /// Opens and maps.
    ///
    /// # Errors
    ///
    /// ERR_OUT_OF_RANGE for an empty file, and for parts that a file or region does not have; those
    /// of the operating system. [`sys::File::allocate`] and [`sys::Creation`] say what is then left
    /// of a file that `create` has created or extended.
    pub fn open(request: Request) -> Result<Mapping> {
        let Request { offset, length, plan, track, write_back, allow_empty, .. } = request;
        let mut created = false;
        let mut tells_residency = true;
        let (region, source) = match &request.target {
            Target::Path(path) => {
                let (file, region, is_new) = map_path(path, &request)?;
                created = is_new;
                tells_residency = track || file.tells_residency();
                (region, Source::File(track.then(|| Arc::new(file))))
            }
            Target::Descriptor(descriptor) if track => {
                let file = sys::File::duplicate(*descriptor)?;
                let region = map_file(&file, &request)?;
                (region, Source::File(Some(Arc::new(file))))
            }
            Target::Descriptor(descriptor) => {
                // The descriptor is not duplicated, because closing a duplicate would release the
                // POSIX locks that the process has on the file.
                let file = sys::File::borrow(*descriptor)?;
                tells_residency = file.tells_residency();
                (map_file(&file, &request)?, Source::File(None))
            }
            Target::Anonymous => {
                created = true;
                let length = extent::addressable(length).map_err(|_| sys::no_memory("mmap"))?;
                let (memory, file) = Memory::anonymous(length, &plan, track)?;
                (Region::of_memory(memory), Source::Anonymous(file.filter(|_| track)))
            }
            Target::Named(tag) => {
                let (memory, named, is_new) = Named::open(tag, offset, extent::addressable(length)?, &plan)?;
                created = is_new;
                (named_region(memory, named.clone(), offset)?, Source::Named(named))
            }
            Target::Shm(name) => {
                let (region, source, is_new) = map_shm(name, &request).map_err(in_shm_open)?;
                created = is_new;
                if let Source::File(Some(file)) = &source {
                    tells_residency = track || file.tells_residency();
                }
                (region, if track { source } else { source.untracked() })
            }
        };
        let region = Arc::new(region);
        if let Source::File(None) = source {
            // The descriptor with which the region was mapped is closed by now.
            region.set_file(None);
        }
        let mut mapping = Mapping {
            region,
            earlier_regions: WeakList::new(),
            source,
            offset,
            opened_plan: plan,
            plan,
            tracked: track,
            tells_residency,
            write_back,
            allow_empty,
            created,
            baseline: None,
            wrote_through: false,
            waiters: Waiters::default(),
            range_locks: OnceLock::new(),
        };
        if let Some(region) = mapping.snapshot(&plan)? {
            mapping.baseline = Some(std::mem::replace(&mut mapping.region, region));
        }
        Ok(mapping)
    }
}

/// Opens and maps a file, or creates one. Where the system can do that, nobody sees a new file
/// before it is complete. It also returns whether it has created the file.
fn map_path(path: &OsStr, request: &Request) -> Result<(sys::File, Region, bool)> {
    if request.create == Create::Never {
        let file = sys::File::open(path, request.plan.writes_through() || request.write_back)?;
        let region = map_file(&file, request)?;
        return Ok((file, region, false));
    }
    let mut nameless = true;
    loop {
        let creation = sys::Creation::begin(path, nameless, request.new_file)?;
        if let Some(made) = map_creation(creation, request, &mut nameless)? {
            return Ok(made);
        }
    }
}

/// Maps a file, and gives it its name if it is new and has none. `None` if it has to be opened
/// again, with what `nameless` is then.
fn map_creation(
    creation: sys::Creation,
    request: &Request,
    nameless: &mut bool,
) -> Result<Option<(sys::File, Region, bool)>> {
    let region = map_file(&creation.file, request)?;
    match creation.finish() {
        sys::Finished::Named => return Ok(Some((creation.file, region, creation.created))),
        sys::Finished::Taken if request.new_file.exclusive => return Err(sys::file_exists()),
        // The file exists now and can be opened.
        sys::Finished::Taken => {}
        sys::Finished::Refused => *nameless = false,
    }
    Ok(None)
}

/// Opens or creates POSIX shared memory, and maps it. It also returns whether it has created it.
fn map_shm(name: &str, request: &Request) -> Result<(Region, Source, bool)> {
    let &Request { offset, length, ref plan, create, new_file, .. } = request;
    let create = (create != Create::Never).then_some(new_file);
    let shm_request = ShmRequest { name, offset, length: extent::addressable(length)?, plan, create };
    let mut nameless = true;
    loop {
        match sys::open_shm(&shm_request, nameless)? {
            ShmObject::Section(memory, named, created) => {
                return Ok((named_region(memory, named.clone(), offset)?, Source::Named(named), created));
            }
            ShmObject::File(creation) => {
                if let Some((file, region, created)) = map_creation(creation, request, &mut nameless)? {
                    return Ok((region, Source::File(Some(Arc::new(file))), created));
                }
            }
        }
    }
}

/// Opening a file is part of shm_open(3) where shared memory is a file.
fn in_shm_open(error: Error) -> Error {
    match error {
        Error::System(SystemError { syscall: "open", code, errno, description }) => {
            SystemError { syscall: "shm_open", code, errno, description }.into()
        }
        error => error,
    }
}

/// Maps a file, after making sure that it has the part to map.
fn map_file(file: &sys::File, request: &Request) -> Result<Region> {
    let &Request { offset, length, ref plan, create, write_back, allow_empty, .. } = request;
    let mut status = file.status()?;
    let create = if status.regular { create } else { Create::Never };
    if (write_back || create != Create::Never) && !file.is_writable()? {
        return Err(sys::not_writable("open"));
    }
    if write_back && file.is_appending()? {
        return Err(Error::Contradiction(
            "The option \"writeBack\" needs a descriptor that does not append: open the file with 'r+' instead of 'a+'",
        ));
    }
    if write_back && file.is_direct()? {
        return Err(Error::Contradiction(
            "The option \"writeBack\" needs a descriptor that writes through the system's cache: open the file without O_DIRECT",
        ));
    }
    let mut to_make = None;
    // Without a length, all that the file has is mapped, so nothing is created.
    if create != Create::Never && length != 0 {
        let range = extent::extent_to_create(offset, length)?;
        status.size = status.size.max(range.end);
        to_make = Some(range);
    }
    let make = |range: Range<u64>| match create {
        Create::Sparse => file.extend(range.end),
        Create::Never | Create::Allocated => file.allocate(range),
    };
    let length = extent::extent(status, offset, length, allow_empty)?;
    let memory = match to_make {
        None => memory_of(file, &status, offset, length, plan)?,
        Some(range) if sys::CAN_MAP_BEYOND_END => {
            // Map first, because a failure to map leaves no trace in the file.
            let memory = Memory::of_file(file, offset, length, plan)?;
            make(range)?;
            if plan.populate {
                // When the part was mapped, the file had nothing to bring in.
                memory.populate(plan);
            }
            memory
        }
        Some(range) => {
            make(range)?;
            Memory::of_file(file, offset, length, plan)?
        }
    };
    Ok(Region::of_file(memory, None, offset, identity(file, &status)))
}

/// Maps a part of a file. It may have no bytes if the file's size allows that.
pub(super) fn memory_of(file: &sys::File, status: &Status, offset: u64, length: usize, plan: &Plan) -> Result<Memory> {
    if length == 0 && status.sized { Memory::empty() } else { Memory::of_file(file, offset, length, plan) }
}

/// The region of a part of a named region, whose file stays open as long as the region is mapped.
pub(super) fn named_region(memory: Memory, named: Named, offset: u64) -> Result<Region> {
    let identity = present_identity(named.file())?;
    Ok(Region::of_file(memory, Some(named), offset, identity))
}

/// The identity by which the fault handler recognises the file. `None` for devices, because fstat
/// does not report the size of their contents.
pub(super) fn identity(file: &sys::File, status: &Status) -> Option<FileIdentity> {
    let identity = FileIdentity { descriptor: file.descriptor(), device: status.device, inode: status.inode };
    status.regular.then_some(identity)
}

pub(super) fn present_identity(file: Option<&sys::File>) -> Result<Option<FileIdentity>> {
    match file {
        Some(file) => Ok(identity(file, &file.status()?)),
        None => Ok(None),
    }
}
