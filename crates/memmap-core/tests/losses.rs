//! What may be lost when an operation fails, or when others use the file: nothing of theirs, and
//! nothing that was promised.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "a test that fails may panic, and its buffers are in plain sight"
)]

use memmap_core::{Access, Create, Error, Mapping, RawBytes, Request, Result, Target, sys};
use std::fs::{self, File, OpenOptions};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Output};

/// A command that runs the test in a process of its own, to be changed before it is started. `None`
/// in that process.
fn child(name: &str) -> Option<Command> {
    if std::env::var("MEMMAP_TEST_CHILD").is_ok_and(|child| child == name) {
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--test-threads=1", "--nocapture"]).env("MEMMAP_TEST_CHILD", name);
    Some(command)
}

fn assert_success(output: &Output) {
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{}: {}{}", output.status, said[0], said[1]);
}

/// Runs the test in a process with a limit (RLIMIT_*). False in that process.
fn under_limit(name: &str, resource: libc::__rlimit_resource_t, bytes: u64) -> bool {
    let Some(mut command) = child(name) else { return false };
    if resource == libc::RLIMIT_DATA && std::env::var_os("ASAN_OPTIONS").is_some() {
        println!("skipped: AddressSanitizer needs more memory than any limit allows");
        return true;
    }
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    unsafe {
        command.pre_exec(move || match libc::setrlimit(resource, &limit) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        })
    };
    assert_success(&command.output().unwrap());
    true
}

fn path(path: &Path) -> Target {
    Target::Path(path.as_os_str().to_owned())
}

fn code<T>(result: Result<T>) -> &'static str {
    match result {
        Ok(_) => panic!("this ought to be refused"),
        Err(error) => error.code(),
    }
}

fn write(mapping: &Mapping, offset: usize, bytes: &[u8]) {
    let source = unsafe { RawBytes::new(bytes.as_ptr(), bytes.len()) };
    mapping.region().write(offset, source).unwrap();
}

/// Stores a byte through a view.
fn store(mapping: &Mapping, offset: usize, value: u8) {
    unsafe { mapping.region().start().add(offset).write_volatile(value) };
}

fn byte(mapping: &Mapping, offset: usize) -> u8 {
    mapping.region().read_byte(offset).unwrap()
}

/// The permissions of the kernel mapping that contains an address, as in `/proc/self/maps`.
fn rights(mapping: &Mapping, offset: usize) -> String {
    let address = mapping.region().start().addr() + offset;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| {
        let (start, rest) = line.split_once('-').unwrap();
        let end = rest.split(' ').next().unwrap();
        (usize::from_str_radix(start, 16).unwrap()..usize::from_str_radix(end, 16).unwrap()).contains(&address)
    });
    line.unwrap().split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_failed_create_through_a_dangling_link_leaves_no_target() {
    let directory = tempfile::tempdir().unwrap();
    let (link, target) = (directory.path().join("link"), directory.path().join("target"));
    std::os::unix::fs::symlink("target", &link).unwrap();
    let create = |length| Request { create: Create::Allocated, length, ..Request::new(path(&link), Access::Write) };
    assert!(Mapping::open(create(1 << 45)).is_err());
    assert!(!target.exists());
    Mapping::open(create(10)).unwrap();
    assert_eq!(fs::metadata(&target).unwrap().len(), 10);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn create_applies_the_umask_and_refuses_what_is_no_file_name() {
    let directory = tempfile::tempdir().unwrap();
    let create = |name: &str| {
        let target = path(&directory.path().join(name));
        Mapping::open(Request { create: Create::Allocated, length: 10, ..Request::new(target, Access::Write) })
    };
    create("plain").unwrap();
    File::create(directory.path().join("other")).unwrap();
    let mode = |name| fs::metadata(directory.path().join(name)).unwrap().mode();
    assert_eq!(mode("plain"), mode("other"));
    assert_eq!(code(create("new/")), "EISDIR");
    assert_eq!(code(create("missing/new")), "ENOENT");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn create_beyond_the_limit_on_file_sizes_allocates_nothing() {
    let name = "create_beyond_the_limit_on_file_sizes_allocates_nothing";
    if under_limit(name, libc::RLIMIT_FSIZE, 1 << 20) {
        return;
    }
    // SIGXFSZ is not ignored, because a process that does not expect the signal must survive, too.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"theirs").unwrap();
    let before = fs::metadata(&file).unwrap().blocks();
    let create = Request { create: Create::Allocated, length: 2 << 20, ..Request::new(path(&file), Access::Write) };
    assert_eq!(code(Mapping::open(create)), "EFBIG");
    assert_eq!(code(Mapping::open(Request::new(path(&file), Access::Write)).unwrap().resize(2 << 20)), "EFBIG");
    let after = fs::metadata(&file).unwrap();
    assert_eq!((after.len(), after.blocks()), (6, before));
}

#[test]
fn create_on_a_disk_without_room_allocates_nothing() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"theirs").unwrap();
    let room = room_of(&file);
    let create = Request { create: Create::Allocated, length: room * 2, ..Request::new(path(&file), Access::Write) };
    assert_eq!(code(Mapping::open(create)), "ENOSPC");
    let after = fs::metadata(&file).unwrap();
    assert_eq!((after.len(), after.blocks()), (6, 8));
}

fn room_of(file: &Path) -> u64 {
    let file = std::ffi::CString::new(file.to_str().unwrap()).unwrap();
    let mut system: libc::statvfs = unsafe { std::mem::zeroed() };
    assert_eq!(unsafe { libc::statvfs(file.as_ptr(), &mut system) }, 0);
    system.f_blocks * system.f_frsize
}

#[test]
fn create_allocates_the_mapped_part_unless_sparse() {
    const LENGTH: u64 = 1 << 20;
    let directory = tempfile::tempdir().unwrap();
    let make = |name: &str, create| {
        let file = directory.path().join(name);
        Mapping::open(Request { create, length: LENGTH, ..Request::new(path(&file), Access::Write) }).unwrap();
        let status = fs::metadata(&file).unwrap();
        (status.len(), status.blocks() * 512)
    };
    assert_eq!(make("allocated", Create::Allocated), (LENGTH, LENGTH));
    let (length, blocks) = make("sparse", Create::Sparse);
    assert_eq!(length, LENGTH);
    assert!(blocks <= 4096, "{blocks} bytes are allocated");
    // A file that is longer and has holes gets blocks for the mapped part.
    let longer = directory.path().join("longer");
    File::create(&longer).unwrap().set_len(2 * LENGTH).unwrap();
    assert_eq!(make("longer", Create::Allocated), (2 * LENGTH, LENGTH));
    assert_eq!(make("longer", Create::Sparse), (2 * LENGTH, LENGTH));
}

#[test]
fn resize_of_a_device_is_refused_before_it_is_touched() {
    let directory = tempfile::tempdir().unwrap();
    let image = directory.path().join("image");
    fs::write(&image, vec![7; 64 * 1024]).unwrap();
    let losetup = Command::new("losetup").args(["--find", "--show"]).arg(&image).output();
    let Some(output) = losetup.ok().filter(|output| output.status.success()) else {
        return println!("skipped: this machine gives no loop device");
    };
    let device = Path::new(String::from_utf8(output.stdout).unwrap().trim()).to_owned();
    let result = std::panic::catch_unwind(|| {
        let whole = Mapping::open(Request::new(path(&device), Access::Write)).unwrap();
        assert_eq!((whole.region().len(), whole.size().unwrap()), (64 * 1024, 64 * 1024));
        drop(whole);
        let longer = Request { length: 64 * 1024 + 1, ..Request::new(path(&device), Access::Write) };
        assert_eq!(code(Mapping::open(longer)), "ERR_OUT_OF_RANGE");
        for length in [1, 4096, 32 * 1024, 64 * 1024, 1 << 30] {
            let offset = 8192;
            let part = Request { offset, length: 4096, ..Request::new(path(&device), Access::Write) };
            assert_eq!(code(Mapping::open(part).unwrap().resize(length)), "EINVAL");
        }
        assert_eq!(fs::read(&device).unwrap(), vec![7; 64 * 1024]);
        let private = Request { write_back: true, ..Request::new(path(&device), Access::Copy) };
        let mapping = Mapping::open(private).unwrap();
        write(&mapping, 5, b"ours");
        mapping.write_back().unwrap();
        assert_eq!(&fs::read(&device).unwrap()[4..10], b"\x07ours\x07");
    });
    assert!(Command::new("losetup").arg("--detach").arg(&device).status().unwrap().success());
    result.unwrap();
}

#[test]
fn write_back_writes_only_changes_since_the_last_write() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, vec![b'.'; 3 * sys::page_size()]).unwrap();
    let theirs = OpenOptions::new().write(true).open(&file).unwrap();
    let mapping = Mapping::open(Request { write_back: true, ..Request::new(path(&file), Access::Copy) }).unwrap();
    let all = mapping.region().len();
    write(&mapping, 10, b"ours");
    mapping.flush(0, all, None).unwrap();
    theirs.write_at(b"THEIRS", 8).unwrap();
    mapping.flush(0, all, None).unwrap();
    assert_eq!(&fs::read(&file).unwrap()[6..18], b"..THEIRS....", "nothing has changed here since");
    write(&mapping, 13, b"N");
    write(&mapping, 100, b"new");
    mapping.flush(0, 50, None).unwrap();
    assert_eq!(&fs::read(&file).unwrap()[6..18], b"..THEIRN....");
    theirs.write_at(b"T", 99).unwrap();
    mapping.write_back().unwrap();
    assert_eq!(&fs::read(&file).unwrap()[98..105], b".Tnew..");
}

#[test]
fn write_back_through_a_direct_descriptor_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, vec![b'.'; 4096]).unwrap();
    let opened = OpenOptions::new().read(true).write(true).custom_flags(libc::O_DIRECT).open(&file);
    let Ok(direct) = opened else { return println!("skipped: this file system has no O_DIRECT") };
    let target = Target::Descriptor(direct.as_raw_fd());
    let error = Mapping::open(Request { write_back: true, ..Request::new(target, Access::Copy) }).unwrap_err();
    assert_eq!(error.code(), "ERR_INVALID_ARG_VALUE");
    assert!(error.to_string().contains("O_DIRECT"), "{error}");
}

#[test]
fn a_descriptor_that_is_not_kept_keeps_its_locks() {
    let directory = tempfile::tempdir().unwrap();
    let file = File::create_new(directory.path().join("file")).unwrap();
    file.set_len(10).unwrap();
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_RDLCK as _;
    let reading = File::open(directory.path().join("file")).unwrap();
    assert_eq!(unsafe { libc::fcntl(reading.as_raw_fd(), libc::F_SETLK, &lock) }, 0);
    let is_locked = || {
        let inode = format!(":{} ", file.metadata().unwrap().ino());
        let process = format!(" {} ", std::process::id());
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("POSIX") && line.contains(&inode) && line.contains(&process))
    };
    assert!(is_locked());
    let target = || Target::Descriptor(reading.as_raw_fd());
    drop(Mapping::open(Request { track: false, ..Request::new(target(), Access::Read) }).unwrap());
    assert!(is_locked());
    // Keeping the descriptor is tested, too, to show that the descriptor matters.
    drop(Mapping::open(Request::new(target(), Access::Read)).unwrap());
    assert!(!is_locked());
}

#[test]
fn read_only_memory_is_not_counted_as_data() {
    const GIB: u64 = 1 << 30;
    if under_limit("read_only_memory_is_not_counted_as_data", libc::RLIMIT_DATA, GIB) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    File::create(&file).unwrap().set_len(4 * GIB).unwrap();
    let end = 4 * GIB as usize - 1;
    let mapping = Mapping::open(Request::new(path(&file), Access::Read)).unwrap();
    store(&mapping, end, 1);
    assert_eq!((byte(&mapping, end), byte(&mapping, 0)), (1, 0));
    // Zeros in place of lost pages, or of the whole memory, are not counted either.
    let shared = Mapping::open(Request::new(path(&file), Access::Write)).unwrap();
    OpenOptions::new().write(true).open(&file).unwrap().set_len(0).unwrap();
    assert_eq!(unsafe { shared.region().start().add(end).read_volatile() }, 0);
    store(&shared, end, 5);
    assert_eq!(unsafe { shared.region().start().add(end).read_volatile() }, 5);
    shared.region().map_zeros().unwrap();
    assert_eq!(unsafe { shared.region().start().add(end).read_volatile() }, 0);
}

#[test]
fn protect_does_not_count_memory_as_data() {
    const GIB: u64 = 1 << 30;
    if under_limit("protect_does_not_count_memory_as_data", libc::RLIMIT_DATA, GIB) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    File::create(&file).unwrap().set_len(4 * GIB).unwrap();
    let mut mapping = Mapping::open(Request::new(path(&file), Access::Write)).unwrap();
    mapping.protect(libc::PROT_READ).unwrap();
    store(&mapping, 5, 1);
    let mut there = [9; 1];
    File::open(&file).unwrap().read_exact_at(&mut there, 5).unwrap();
    assert_eq!((byte(&mapping, 5), there), (1, [0]));
}

#[test]
fn shared_read_only_memory_is_shared_and_a_stray_store_is_private() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, vec![b'.'; 4 * sys::page_size()]).unwrap();
    let plan = sys::plan_from_flags(libc::MAP_SHARED, libc::PROT_READ).unwrap();
    let mapping = Mapping::open(Request { plan, ..Request::new(path(&file), Access::Read) }).unwrap();
    assert_eq!(rights(&mapping, 0), "r--s");
    store(&mapping, 5, b'x');
    assert_eq!((byte(&mapping, 5), byte(&mapping, 6)), (b'x', b'.'));
    assert_eq!(fs::read(&file).unwrap()[5], b'.');
    assert_eq!(rights(&mapping, sys::page_size()), "r--s", "only that page is a copy");
    // Many threads fault in one page, and no store is lost.
    let start = mapping.region().start().addr() + 2 * sys::page_size();
    std::thread::scope(|threads| {
        for thread in 0..8 {
            threads.spawn(move || unsafe { ((start + thread) as *mut u8).write_volatile(thread as u8) });
        }
    });
    assert_eq!(
        (0..8).map(|at| byte(&mapping, 2 * sys::page_size() + at)).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5, 6, 7]
    );
}

#[test]
fn read_only_pages_are_not_brought_in_for_writing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, vec![b'.'; 4 * sys::page_size()]).unwrap();
    let mapping = Mapping::open(Request::new(path(&file), Access::Read)).unwrap();
    let all = mapping.region().len();
    assert_eq!(code(mapping.advise(libc::MADV_POPULATE_WRITE, 0, all)), "EINVAL");
    mapping.lock(0, all).unwrap();
    OpenOptions::new().write(true).open(&file).unwrap().write_at(b"new", 100).unwrap();
    assert_eq!(byte(&mapping, 100), b'n');
}

#[test]
fn a_fault_where_the_engine_has_unmapped_its_memory_is_not_handled() {
    let name = "a_fault_where_the_engine_has_unmapped_its_memory_is_not_handled";
    if let Some(mut command) = child(name) {
        let status = command.output().unwrap().status;
        return assert_eq!(status.signal(), Some(libc::SIGBUS), "{status}");
    }
    // Rust's own handler, which detects stack overflows, swallows the first signal of a process.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
    let directory = tempfile::tempdir().unwrap();
    let (ours, theirs) = (directory.path().join("ours"), directory.path().join("theirs"));
    let length = 8 * sys::page_size();
    for file in [&ours, &theirs] {
        File::create(file).unwrap().set_len(length as u64).unwrap();
    }
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
    let place = unsafe { libc::mmap(std::ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
    let mut mapping = Mapping::open(Request::new(path(&ours), Access::Write)).unwrap();
    unsafe { mapping.relocate(place.cast(), 0, length) }.unwrap();
    // The engine does not report that it has collected the buffer, and somebody else maps a file
    // there.
    let file = OpenOptions::new().read(true).write(true).open(&theirs).unwrap();
    let flags = libc::MAP_SHARED | libc::MAP_FIXED;
    let mapped = unsafe { libc::mmap(place, length, libc::PROT_READ, flags, file.as_raw_fd(), 0) };
    assert_eq!(mapped, place);
    file.set_len(0).unwrap();
    unsafe { place.cast::<u8>().read_volatile() };
}

#[test]
fn a_failed_growth_in_place_shows_nothing_beyond_the_old_end() {
    let page = sys::page_size();
    let room = 8 * page;
    let descriptor = unsafe { libc::memfd_create(c"sealed".as_ptr(), libc::MFD_ALLOW_SEALING) };
    let file = unsafe { File::from_raw_fd(descriptor) };
    file.write_at(&vec![b'.'; room], 0).unwrap();
    assert_eq!(unsafe { libc::fcntl(descriptor, libc::F_ADD_SEALS, libc::F_SEAL_SHRINK) }, 0);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
    let place = unsafe { libc::mmap(std::ptr::null_mut(), room, libc::PROT_NONE, flags, -1, 0) };
    let part = Request { length: 2 * page as u64, ..Request::new(Target::Descriptor(descriptor), Access::Write) };
    let mut mapping = Mapping::open(part).unwrap();
    unsafe { mapping.relocate(place.cast(), 0, room) }.unwrap();
    assert_eq!(code(mapping.resize(4 * page as u64)), "EPERM");
    assert_eq!(mapping.region().len(), 2 * page);
    store(&mapping, 3 * page, b'x');
    let mut beyond = [0; 1];
    file.read_exact_at(&mut beyond, 3 * page as u64).unwrap();
    assert_eq!(&beyond, b".");
    assert_eq!(byte(&mapping, page), b'.');
}

#[test]
fn anonymous_memory_is_limited_as_memory_and_not_as_a_file() {
    let name = "anonymous_memory_is_limited_as_memory_and_not_as_a_file";
    if under_limit(name, libc::RLIMIT_FSIZE, 1 << 20) {
        return;
    }
    let anonymous = |length, track| Request { length, track, ..Request::new(Target::Anonymous, Access::Default) };
    let mapping = Mapping::open(anonymous(16 << 20, true)).unwrap();
    write(&mapping, (16 << 20) - 1, b"x");
    assert_eq!(mapping.descriptor(), -1, "a descriptor would be of a file that is too large");
    assert_eq!(code(Mapping::open(anonymous(1 << 46, true))), "ENOMEM");
    assert_eq!(Mapping::open(anonymous(4096, false)).unwrap().descriptor(), -1);
}

#[test]
fn residency_of_an_unowned_read_only_file_is_unknown() {
    let name = "residency_of_an_unowned_read_only_file_is_unknown";
    let file = std::env::temp_dir().join(format!("{name}-{}", std::os::unix::process::parent_id()));
    if let Some(mut command) = child(name) {
        let file = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        fs::write(&file, vec![b'.'; 10 * sys::page_size()]).unwrap();
        // Root may write every file, so the test runs as another user.
        let output = command.uid(65534).gid(65534).output();
        fs::remove_file(&file).unwrap();
        match output {
            Ok(output) => assert_success(&output),
            Err(error) => println!("skipped: no process as another user: {error}"),
        }
        return;
    }
    for track in [true, false] {
        let theirs = Mapping::open(Request { track, ..Request::new(path(&file), Access::Read) }).unwrap();
        assert_eq!(code(theirs.resident(0, sys::page_size())), "EPERM");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(10 * sys::page_size() as u64).unwrap();
    let mapping = Mapping::open(Request::new(path(file.path()), Access::Read)).unwrap();
    assert_eq!(mapping.resident(0, 10 * sys::page_size()).unwrap().total, 10);
}

#[test]
fn opening_waits_for_the_holder_of_a_lease() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"content").unwrap();
    let name = "opening_waits_for_the_holder_of_a_lease";
    if let Some(mut command) = child(name) {
        assert_success(&command.output().unwrap());
        return;
    }
    // The kernel asks the holder by SIGIO to give up the lease, and this thread waits for that
    // signal.
    let mut signals: libc::sigset_t = unsafe { std::mem::zeroed() };
    unsafe { libc::sigaddset(&mut signals, libc::SIGIO) };
    assert_eq!(unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &signals, std::ptr::null_mut()) }, 0);
    let holder = File::open(&file).unwrap();
    // With F_SETOWN_EX and F_OWNER_TID, no other thread gets the signal.
    let owner = [0, unsafe { libc::gettid() }];
    assert_eq!(unsafe { libc::fcntl(holder.as_raw_fd(), 15, owner.as_ptr()) }, 0);
    if unsafe { libc::fcntl(holder.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) } != 0 {
        return println!("skipped: this file system has no leases");
    }
    let opening = std::thread::spawn({
        let file = file.clone();
        move || Mapping::open(Request::new(path(&file), Access::Write)).map(|mapping| byte(&mapping, 0))
    });
    let mut signal = 0;
    assert_eq!(unsafe { libc::sigwait(&signals, &mut signal) }, 0);
    assert_eq!(unsafe { libc::fcntl(holder.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) }, 0);
    assert_eq!(opening.join().unwrap(), Ok(b'c'));
}

#[test]
fn losses_on_huge_pages_are_reported_and_leave_nothing_mapped() {
    let Some(mount) = HugePages::get(4) else {
        return println!("skipped: this machine gives no huge pages");
    };
    let name = "losses_on_huge_pages_are_reported_and_leave_nothing_mapped";
    if let Some(mut command) = child(name) {
        command.env("MEMMAP_TEST_HUGE", mount.directory.path());
        assert_success(&command.output().unwrap());
        return;
    }
    let huge = 2 << 20;
    let directory = std::env::var("MEMMAP_TEST_HUGE").unwrap();
    let file = Path::new(&directory).join("file");
    File::create(&file).unwrap().set_len(2 * huge as u64).unwrap();
    let part = Request { offset: 4096, ..Request::new(path(&file), Access::Write) };
    let mapping = Mapping::open(part).unwrap();
    write(&mapping, huge, b"x");
    assert_eq!(byte(&mapping, huge), b'x');
    OpenOptions::new().write(true).open(&file).unwrap().set_len(0).unwrap();
    let lost = mapping.region().read_byte(huge + 5000).unwrap_err();
    assert_eq!(lost, Error::Fault { offset: 0, length: 2 * huge - 4096 });
    drop(mapping);
    assert!(!fs::read_to_string("/proc/self/maps").unwrap().contains(&directory), "nothing of it stays mapped");
    // More huge pages are mapped than exist, because faults in memory without a file are handled,
    // too.
    let plan = sys::plan_from_flags(libc::MAP_PRIVATE | libc::MAP_HUGETLB | libc::MAP_NORESERVE, 3).unwrap();
    let length = 64 * huge as u64;
    let mapping = Mapping::open(Request { plan, length, ..Request::new(Target::Anonymous, Access::Default) }).unwrap();
    for page in 0..64 {
        let _ = mapping.region().write_byte(page * huge, 1);
    }
    assert_eq!(code(mapping.region().intact()), "ERR_MMAP_FAULT");
}

/// Some huge pages, mounted as a file system. They are given back on drop.
struct HugePages {
    directory: tempfile::TempDir,
    before: String,
}

const HUGE_PAGES: &str = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";

impl HugePages {
    fn get(count: usize) -> Option<HugePages> {
        let directory = tempfile::tempdir().unwrap();
        if std::env::var_os("MEMMAP_TEST_HUGE").is_some() {
            // The parent process has them.
            return Some(HugePages { directory, before: String::new() });
        }
        let before = fs::read_to_string(HUGE_PAGES).ok()?;
        fs::write(HUGE_PAGES, count.to_string()).ok()?;
        let pages = HugePages { directory, before };
        let enough = fs::read_to_string(HUGE_PAGES).is_ok_and(|now| now.trim() == count.to_string());
        let mount = Command::new("mount").args(["-t", "hugetlbfs", "none"]).arg(pages.directory.path()).status();
        (mount.is_ok_and(|status| status.success()) && enough).then_some(pages)
    }
}

impl Drop for HugePages {
    fn drop(&mut self) {
        if !self.before.is_empty() {
            let _ = Command::new("umount").arg(self.directory.path()).status();
            let _ = fs::write(HUGE_PAGES, &self.before);
        }
    }
}

/// A file system in a file. It is unmounted on drop.
struct SmallDisk {
    directory: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts a file system of 8 MiB, without blocks that are reserved for root.
    fn mount() -> Option<SmallDisk> {
        let disk = SmallDisk { directory: tempfile::tempdir().unwrap() };
        let image = disk.directory.path().join("image");
        File::create(&image).unwrap().set_len(8 << 20).unwrap();
        let made = Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&image).status();
        if !made.is_ok_and(|status| status.success()) {
            return None;
        }
        fs::create_dir(disk.root()).unwrap();
        let mounted = Command::new("mount").args(["-o", "loop"]).arg(&image).arg(disk.root()).status();
        mounted.is_ok_and(|status| status.success()).then_some(disk)
    }

    fn root(&self) -> std::path::PathBuf {
        self.directory.path().join("root")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It is not mounted if mounting has failed.
        let _ = Command::new("umount").arg(self.root()).stderr(std::process::Stdio::null()).status();
    }
}

#[test]
fn a_full_disk_changes_neither_the_size_nor_what_others_append() {
    let Some(disk) = SmallDisk::mount() else {
        return println!("skipped: this machine makes and mounts no ext4");
    };
    let file = disk.root().join("file");
    let mut records = Vec::new();
    let append = |records: &mut Vec<u8>| {
        let record = format!("record {}\n", records.len());
        let mut theirs = OpenOptions::new().append(true).create(true).open(&file).unwrap();
        std::io::Write::write_all(&mut theirs, record.as_bytes()).unwrap();
        records.extend_from_slice(record.as_bytes());
    };
    append(&mut records);
    // The length is all free space without what the file system itself needs, so this allocation
    // fails halfway.
    let free = || Command::new("stat").args(["-f", "-c", "%a %S"]).arg(disk.root()).output().unwrap().stdout;
    let free = String::from_utf8(free()).unwrap();
    let (blocks, size) = free.trim().split_once(' ').unwrap();
    let room = blocks.parse::<u64>().unwrap() * size.parse::<u64>().unwrap();
    for length in [room + (1 << 20), 1 << 40, room, room - 4096] {
        let create = Request { create: Create::Allocated, length, ..Request::new(path(&file), Access::Write) };
        match Mapping::open(create) {
            Ok(mapping) => {
                // The file fitted. It then has that length, and zeros after the records.
                assert_eq!(mapping.region().len() as u64, length);
                assert_eq!(&fs::read(&file).unwrap()[..records.len()], records);
                return;
            }
            Err(error) => assert!(matches!(error.code(), "ENOSPC" | "EFBIG"), "{error}"),
        }
        assert_eq!(fs::read(&file).unwrap(), records);
        append(&mut records);
        assert_eq!(fs::read(&file).unwrap(), records, "there is room for the records of others");
    }
}

#[test]
fn files_that_the_kernel_makes_up_are_refused_with_its_error() {
    let open = |name: &str, length| {
        code(Mapping::open(Request { length, ..Request::new(path(Path::new(name)), Access::Read) }))
    };
    // The first file reports that it is empty, whatever can be read from it. The second one has a
    // size but no pages.
    assert_eq!((open("/proc/version", 0), open("/proc/version", 10)), ("ERR_OUT_OF_RANGE", "ERR_OUT_OF_RANGE"));
    if Path::new("/sys/kernel/notes").exists() {
        assert_eq!((open("/sys/kernel/notes", 0), open("/sys/kernel/notes", 10)), ("ENODEV", "ENODEV"));
    }
}

#[test]
fn lost_pages_take_no_memory_in_a_small_container() {
    const LIMIT: usize = 64 << 20;
    let name = "lost_pages_take_no_memory_in_a_small_container";
    if let Some(mut command) = child(name) {
        let Some(group) = MemoryGroup::with(LIMIT) else {
            return println!("skipped: this machine makes no group of processes with a limit on memory");
        };
        command.env("MEMMAP_TEST_GROUP", &group.0);
        return assert_success(&command.output().unwrap());
    }
    let group = std::env::var("MEMMAP_TEST_GROUP").unwrap();
    fs::write(Path::new(&group).join("cgroup.procs"), std::process::id().to_string()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    File::create(&file).unwrap().set_len(16 * LIMIT as u64).unwrap();
    for access in [Access::Read, Access::Write, Access::Copy] {
        OpenOptions::new().write(true).open(&file).unwrap().set_len(16 * LIMIT as u64).unwrap();
        let mapping = Mapping::open(Request::new(path(&file), access)).unwrap();
        OpenOptions::new().write(true).open(&file).unwrap().set_len(0).unwrap();
        let address = mapping.region().start();
        for at in (0..16 * LIMIT).step_by(sys::page_size()) {
            assert_eq!(unsafe { address.add(at).read_volatile() }, 0);
        }
    }
}

/// A group of processes with a limit on memory. It is removed on drop.
struct MemoryGroup(std::path::PathBuf);

impl MemoryGroup {
    fn with(limit: usize) -> Option<MemoryGroup> {
        // The names in the two versions of such groups.
        [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")].into_iter().find_map(
            |(parent, file)| {
                let group = Path::new(parent).join(format!("memmap-test-{}", std::process::id()));
                fs::create_dir(&group).ok()?;
                let group = MemoryGroup(group);
                fs::write(group.0.join(file), limit.to_string()).ok()?;
                Some(group)
            },
        )
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // The system may need a moment to notice that the last process is gone. The empty group
        // then stays.
        let _ = fs::remove_dir(&self.0);
    }
}
