//! Memory without a file: anonymous and named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    reason = "a test that fails may panic, and its buffers are in plain sight"
)]

use memmap_core::{Access, Error, Mapping, Plan, Request, Target, sys};
use std::sync::Arc;

fn request(target: Target, length: u64) -> Request {
    Request { length, ..Request::new(target, Access::Default) }
}

fn tag(name: &str) -> String {
    format!("memmap-core-test-{}-{name}", std::process::id())
}

fn named(tag: &str, length: u64) -> Result<Mapping, Error> {
    Mapping::open(request(Target::Named(tag.to_owned()), length))
}

/// The length of a region for those who join it. Windows reports it in whole pages.
fn length_for_others(length: usize) -> usize {
    if cfg!(windows) { length.next_multiple_of(sys::page_size()) } else { length }
}

#[test]
fn anonymous_memory_is_zeros_of_the_length() {
    assert_eq!(Mapping::open(request(Target::Anonymous, 0)).unwrap_err().code(), "EINVAL");
    assert_eq!(Mapping::open(request(Target::Anonymous, 1 << 62)).unwrap_err().code(), "ENOMEM");
    let mapping = Mapping::open(request(Target::Anonymous, 10_000)).unwrap();
    assert_eq!(mapping.region().read_byte(9_999), Ok(0));
    mapping.region().write_byte(9_999, 7).unwrap();
    assert_eq!(mapping.region().read_byte(9_999), Ok(7));
    assert_eq!(mapping.size(), Ok(10_000));
    assert_eq!(mapping.descriptor() >= 0, cfg!(unix));
}

#[test]
fn private_anonymous_memory_grows_and_keeps_its_contents() {
    let plan = Plan { private: true, ..Plan::from_access(Access::Default) };
    let mut mapping = Mapping::open(Request { plan, ..request(Target::Anonymous, 5000) }).unwrap();
    assert_eq!(mapping.descriptor(), -1);
    mapping.region().write_byte(4_999, 9).unwrap();
    mapping.resize(100_000).unwrap();
    assert_eq!(mapping.region().read_byte(4_999), Ok(9));
    assert_eq!(mapping.region().read_byte(99_999), Ok(0));
    mapping.resize(10).unwrap();
    assert_eq!(mapping.region().len(), 10);
}

#[test]
fn shared_anonymous_memory_shrinks_and_grows_only_where_cpython_allows() {
    let mut mapping = Mapping::open(request(Target::Anonymous, 8192)).unwrap();
    mapping.region().write_byte(5, 5).unwrap();
    mapping.resize(4096).unwrap();
    assert_eq!(mapping.region().read_byte(5), Ok(5));
    let grown = mapping.resize(8192);
    assert_eq!(grown.is_ok(), sys::CAN_GROW_SHARED_ANONYMOUS, "{grown:?}");
}

#[test]
fn two_mappings_with_one_tag_share_memory() {
    let tag = tag("same");
    let one = named(&tag, 1000).unwrap();
    let two = named(&tag, 0).unwrap();
    let length = length_for_others(1000);
    assert_eq!(two.region().len(), length);
    one.region().write_byte(500, 42).unwrap();
    assert_eq!(two.region().read_byte(500), Ok(42));
    let (wanted, existing) = (length as u64 + 1, length as u64);
    assert_eq!(named(&tag, wanted).unwrap_err(), Error::LengthBeyondRegion { wanted, existing });
}

#[test]
fn a_named_region_is_removed_when_the_last_user_leaves() {
    let tag = tag("gone");
    let one = named(&tag, 1000).unwrap();
    let two = named(&tag, 1000).unwrap();
    one.region().write_byte(0, 1).unwrap();
    let region = Arc::clone(two.region());
    drop(two);
    drop(one);
    let three = named(&tag, 0).unwrap();
    assert_eq!(three.region().read_byte(0), Ok(1), "a region is in use while its memory is");
    drop(three);
    drop(region);
    assert_eq!(named(&tag, 0).unwrap_err().code(), "EINVAL", "nothing there to map all of");
    assert_eq!(named(&tag, 10).unwrap().region().read_byte(0), Ok(0));
}

#[test]
fn a_named_region_can_only_shrink() {
    let tag = tag("resize");
    let mut mapping = named(&tag, 1000).unwrap();
    mapping.region().write_byte(0, 1).unwrap();
    mapping.resize(100).unwrap();
    assert_eq!(mapping.region().len(), 100);
    assert_eq!(mapping.resize(1001), Err(Error::ResizeNamed { existing: 1000 }));
    mapping.resize(1000).unwrap();
    assert_eq!(mapping.region().read_byte(0), Ok(1));
}

#[test]
fn a_tag_that_cannot_be_a_name_is_refused() {
    let error = named(&"x".repeat(300), 10).unwrap_err();
    assert!(matches!(error, Error::NameTooLong { .. }), "{error:?}");
    // For a file system this is a path, but as a tag it is a name.
    let odd = format!("../{}/ä", tag("odd"));
    let one = named(&odd, 10).unwrap();
    one.region().write_byte(3, 3).unwrap();
    assert_eq!(named(&odd, 10).unwrap().region().read_byte(3), Ok(3));
}

/// Runs `body` in a thread for which a system call fails with EIO. If the system has no such
/// filters, it prints that and returns `None`.
#[cfg(target_os = "linux")]
fn without<T: Send>(call: libc::c_long, body: impl FnOnce() -> T + Send) -> Option<T> {
    if std::env::var_os("ASAN_OPTIONS").is_some() {
        println!("not run here, because AddressSanitizer ends the process when a call of its own fails");
        return None;
    }
    use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};
    let step = |code: u32, k: u32, jf: u8| sock_filter { code: code as u16, jt: 0, jf, k };
    let mut filter = [
        step(BPF_LD | BPF_W | BPF_ABS, 0, 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, call as u32, 1),
        step(BPF_RET | BPF_K, libc::SECCOMP_RET_ERRNO | libc::EIO as u32, 0),
        step(BPF_RET | BPF_K, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    let address = (&raw const program).addr();
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            let may_filter = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } == 0;
            let set = || unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, address) };
            let filters = may_filter && set() == 0;
            if !filters {
                println!("not run here, because seccomp is refused: {}", std::io::Error::last_os_error());
            }
            filters.then(body)
        });
        thread.join().unwrap()
    })
}

#[test]
#[cfg(target_os = "linux")]
fn a_failed_step_of_making_a_region_leaves_no_name() {
    let calls = [
        ("fcntl", libc::SYS_fcntl),
        ("fstat", libc::SYS_fstat),
        ("fchmod", libc::SYS_fchmod),
        ("fallocate", libc::SYS_fallocate),
        ("ftruncate", libc::SYS_ftruncate),
        ("mmap", libc::SYS_mmap),
    ];
    for (name, call) in calls {
        let tag = tag(name);
        let result = without(call, || named(&tag, 1000).map(drop).map_err(|error| error.code()));
        assert_eq!(result.unwrap_or(Err("EIO")), Err("EIO"), "{name}");
        let left = std::fs::read_dir("/dev/shm").unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.filter(|left| left.to_string_lossy().ends_with(&tag)).count(), 0, "{name}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_region_gets_its_name_without_files_that_have_none() {
    let tag = tag("linkat");
    without(libc::SYS_linkat, || {
        let one = named(&tag, 1000).unwrap();
        let two = named(&tag, 0).unwrap();
        one.region().write_byte(999, 42).unwrap();
        assert_eq!((two.region().len(), two.region().read_byte(999)), (1000, Ok(42)));
    });
    assert_eq!(named(&tag, 0).unwrap_err().code(), "EINVAL");
}
