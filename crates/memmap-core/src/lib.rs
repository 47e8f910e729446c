//! Memory-mapped files, anonymous memory and named shared memory, for a host whose views outlive
//! everything.
//!
//! This crate knows no JavaScript. It maps with memmap2 where memmap2's options suffice, and with
//! the system's own calls elsewhere. `memmap-node` converts between this crate and JavaScript.
//!
//! # Terminology
//!
//! * **Mapping**: what [`Mapping::open`] returns. It maps a file, anonymous memory or a named
//!   region until the program closes it.
//! * **Region**: mapped memory, which stays mapped until its last owner drops it. A mapping has
//!   one, and another one after each `resize`.
//! * **Named region**: memory that processes share by name. It exists until the last process leaves
//!   it.
//! * **View**: an ArrayBuffer or SharedArrayBuffer over the bytes of a region.
//! * **Relocate**: to move the pages of a region to addresses that a JavaScript engine has reserved
//!   for a SharedArrayBuffer.
//! * **Engine-owned**: the state of relocated memory. The engine unmaps it, without notice.
//! * **Lost**: said of bytes whose pages the system cannot provide, mostly because the file was
//!   truncated. Zeros replace the pages.
//! * **Fault entry**: what the fault handler knows of a region: its address, its file, and its
//!   first lost byte.
//! * **Write gate**: what background writers enter for each chunk. `protect`, `resize` and `close`
//!   lock it to stop them.
//! * **Baseline**: a second mapping of the file from the time of opening. Write-back compares pages
//!   with it where the system does not tell which pages were stored to.
//! * **Retained**: the memory and the file that a flush keeps when the mapping is closed meanwhile.
//! * **Lead**: how far into its page a region begins, because offsets need not be aligned.
//!
//! # Why it is sound
//!
//! The bytes of a mapping are written by others at any time: by JavaScript through an ArrayBuffer,
//! by threads of the same process, by other processes through the file. Rust's references promise
//! that this does not happen, so **there is no Rust reference over mapped memory**, anywhere. What
//! reads or writes it does so through raw pointers:
//!
//! * [`Region`] copies bytes in and out. Each copy takes bytes as they are at that moment; no
//!   decision about bounds is ever taken from a byte in the mapping.
//! * [`search`] compares it with the vectors of the processor, or copies a stretch into memory of
//!   its own and searches that. What it finds is never outside of what it was asked to look at,
//!   whatever the bytes become meanwhile.
//!
//! A copy that runs while another thread of this process writes the same bytes is a race that
//! Rust's memory model has no name for, as is every access to memory shared with another process.
//! The copies are the `memcpy` of the platform, which has no undefined behaviour on such memory: it
//! yields some mixture of old and new bytes, which every caller here takes as data.
//!
//! **Memory stays mapped while anybody can reach it.** [`Region`] is the only owner of pages; it is
//! shared by `Arc`, and unmapping is the drop of the last `Arc`. A [`Mapping`] may be closed,
//! resized or re-protected while others hold the Region: pages are replaced in place (new ones are
//! moved over our own range, one step for every other thread) or left as they are, and always
//! readable.
//!
//! **A store never ends the process.** The pages of a mapping that only reads can only be read.
//! When a store which ought not to happen runs into one, the fault handler makes it private and
//! writable, and the store changes nothing but the process's own copy. Where there is no handler
//! such pages are private and writable from the start.
//!
//! **A page that cannot be had becomes zeros.** When a file is truncated under its mapping,
//! touching what it does not have any more is a signal; [`fault_registry`] and the handler in
//! [`sys`] answer it, and [`Region`] reports it. On Windows nobody can truncate a mapped file.
//!
//! # Where things are
//!
//! [`Mapping`] is what is opened, flushed, resized and closed. [`Plan`] says how to map, and
//! [`Target`] what. [`Region`] owns the pages. [`sys`] has everything that differs between
//! operating systems.

pub mod access;
pub mod error;
pub mod extent;
pub mod fault_registry;
pub mod mapping;
pub mod range_lock;
pub mod region;
pub mod search;
pub mod source;
pub mod sys;
pub mod task;
pub mod wait;
pub mod weak_list;

pub use access::{Access, Plan};
pub use error::{Error, Result, SystemError};
pub use mapping::{Create, Mapping, Request};
pub use range_lock::RangeLocks;
pub use region::{RawBytes, Region, Replacement};
pub use source::Target;
pub use sys::NewFile;
pub use task::Task;
pub use wait::{End, SlicedWait, Wait, WaitPool, WaitResult, Word};
