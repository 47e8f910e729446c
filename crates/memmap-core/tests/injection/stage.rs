//! Runs an operation in a process of its own, with a directory and neighbours in memory, and checks
//! what is left when it has ended.

use crate::supervisor::{self, Call, Fault, Lack, Orders};
use memmap_core::{Error, Mapping, RawBytes, Region};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::fs;
use std::io::Read;
use std::os::fd::{FromRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

pub use supervisor::{APPENDED, page_size};

/// An operation. It calls [`Stage::inject`] once and checks the result.
pub type Operation = fn(&Stage);

/// What goes wrong in one run of an operation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Case {
    /// The call that fails, counted from 0, and how it fails.
    pub fault: Option<(usize, Fault)>,
    /// Whether another process appends to the operation's file before that call.
    pub appends: bool,
}

pub struct Stage {
    pub directory: PathBuf,
    pub tag: String,
    case: Case,
    lacks: Cell<Option<Lack>>,
    appends_to: RefCell<Option<PathBuf>>,
    needs_a_page: Cell<bool>,
    files: RefCell<BTreeMap<PathBuf, Option<Vec<u8>>>>,
    /// Memory of somebody else.
    neighbours: RefCell<Vec<(*mut u8, usize)>>,
    reservations: RefCell<Vec<(*mut u8, usize)>>,
    calls: RefCell<Vec<Call>>,
    injected: Cell<bool>,
    appended: Cell<bool>,
}

const NEIGHBOUR: u8 = 0xA5;

impl Stage {
    fn new(case: Case, directory: &Path) -> Stage {
        Stage {
            directory: directory.to_owned(),
            tag: tag_of(std::process::id() as i32),
            case,
            lacks: Cell::new(None),
            appends_to: RefCell::new(None),
            needs_a_page: Cell::new(false),
            files: RefCell::new(BTreeMap::new()),
            neighbours: RefCell::new(Vec::new()),
            reservations: RefCell::new(Vec::new()),
            calls: RefCell::new(Vec::new()),
            injected: Cell::new(false),
            appended: Cell::new(false),
        }
    }

    /// Creates a file, whose content must be unchanged at the end unless [`Stage::expect`] says
    /// otherwise.
    pub fn file(&self, content: &[u8]) -> PathBuf {
        let path = self.directory.join("file");
        fs::write(&path, content).unwrap();
        self.expect(&path, Some(content));
        path
    }

    /// Sets what a file must contain at the end. `None` means that there must be no file.
    pub fn expect(&self, path: &Path, content: Option<&[u8]>) {
        self.files.borrow_mut().insert(path.to_owned(), content.map(<[u8]>::to_vec));
    }

    /// Makes the system lack an ability during the operation.
    pub fn lacks(&self, lack: Lack) {
        self.lacks.set(Some(lack));
    }

    /// Marks the operation as a store that needs a page. If the system refuses even one page,
    /// docs/safety.md allows the process to die.
    pub fn needs_a_page(&self) {
        self.needs_a_page.set(true);
    }

    pub fn is_lacking(&self, lack: Lack) -> bool {
        self.lacks.get() == Some(lack)
    }

    /// Whether the mapping reports its memory as lost. Only a call that has unmapped the memory may
    /// cause that, and lost memory must be readable.
    pub fn has_lost(&self, mapping: &Mapping) -> bool {
        let may_lose = matches!(self.case.fault, Some((_, Fault::FailsAfterUnmapping(_))));
        let _ = seen(mapping.region());
        may_lose && mapping.region().intact().is_err()
    }

    /// Allows another process to append to this file during the operation.
    pub fn others_append_to(&self, path: &Path) {
        *self.appends_to.borrow_mut() = Some(path.to_owned());
    }

    /// Maps memory of somebody else. It is likely to lie beside what was mapped last or is mapped
    /// next.
    pub fn neighbour(&self) {
        let length = 2 * page_size();
        let address = map_anonymous(length, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        unsafe { address.write_bytes(NEIGHBOUR, length) };
        self.neighbours.borrow_mut().push((address, length));
    }

    /// Reserves addresses like an engine does for a buffer, with memory of somebody else on both
    /// sides.
    pub fn reserve(&self, length: usize) -> *mut u8 {
        let page = page_size();
        let whole = length + 2 * page;
        let address = map_anonymous(whole, libc::PROT_NONE, libc::MAP_PRIVATE);
        for at in [0, whole - page] {
            let side = address.wrapping_add(at);
            assert_eq!(unsafe { libc::mprotect(side.cast(), page, libc::PROT_READ | libc::PROT_WRITE) }, 0);
            unsafe { side.write_bytes(NEIGHBOUR, page) };
            self.neighbours.borrow_mut().push((side, page));
        }
        let reserved = address.wrapping_add(page);
        self.reservations.borrow_mut().push((reserved, length));
        reserved
    }

    /// Runs code of the library in which one call may fail. Without such a failure the code must
    /// succeed.
    pub fn inject<T>(&self, operation: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let append_to = self.appends_to.borrow().clone().filter(|_| self.case.appends);
        let orders = Orders {
            fault: self.case.fault,
            append_to: append_to.map(|path| CString::new(path.as_os_str().as_bytes()).unwrap()),
            lacks: self.lacks.get(),
        };
        let result = supervisor::armed(orders, operation);
        *self.calls.borrow_mut() = supervisor::calls();
        self.injected.set(supervisor::was_injected());
        self.appended.set(supervisor::has_appended());
        if let Err(error) = &result {
            let code = error.code();
            assert!(is_documented(code), "{code} is not in docs/errors.md");
            match self.case.fault {
                None | Some((_, Fault::Succeeds)) => panic!("it failed ({error}) though no call did"),
                Some((_, Fault::IsShort)) => {
                    panic!("it failed ({error}) because a call did less than it was asked for")
                }
                Some((_, Fault::Fails(libc::EINTR) | Fault::FailsHalfWay(libc::EINTR))) => {
                    panic!("it failed ({error}) because a signal came")
                }
                Some((_, Fault::FailsWhenDone(_))) => panic!("it failed ({error}) because a close did"),
                _ => {}
            }
        }
        result
    }

    /// The call that has failed.
    pub fn failed_call(&self) -> Option<Call> {
        self.case.fault.and_then(|(at, _)| self.calls.borrow().get(at).copied()).filter(|_| self.injected.get())
    }

    /// Whether the failed call is one of these.
    pub fn has_failed(&self, names: &[&str]) -> bool {
        self.failed_call().is_some_and(|call| names.contains(&call.name()))
    }

    pub fn has_appended(&self) -> bool {
        self.appended.get()
    }

    /// The content of a file, with what others have appended.
    pub fn with_appended(&self, content: &[u8]) -> Vec<u8> {
        if self.has_appended() { [content, APPENDED].concat() } else { content.to_vec() }
    }

    /// Checks a file that contained `content` after a failure: it must be unchanged except for what
    /// others have appended. On systems without allocation, zeros are appended and stay.
    pub fn same_after_failure(&self, now: &[u8], content: &[u8]) {
        if !self.is_lacking(Lack::Allocation) {
            return same("the file after a failure", now, &self.with_appended(content));
        }
        let (kept, mut more) = now.split_at(content.len());
        same("the file after a failure", kept, content);
        if self.has_appended() {
            let at = memchr::memmem::find(more, APPENDED).expect("what another process has appended is lost");
            assert!(more[..at].iter().all(|byte| *byte == 0), "something else than zeros is appended");
            more = &more[at + APPENDED.len()..];
        }
        assert!(more.iter().all(|byte| *byte == 0), "something else than zeros is appended");
    }

    /// Checks that everything is as it was before the operation.
    fn look_around(&self, descriptors_before: &BTreeMap<RawFd, PathBuf>) {
        for (path, expected) in self.files.borrow().iter() {
            match (expected, fs::read(path)) {
                (Some(expected), Ok(content)) => same(&format!("the {}", name_of(path)), &content, expected),
                (Some(_), Err(error)) => panic!("the {} is gone: {error}", name_of(path)),
                (None, Ok(content)) => panic!("a {} of {} bytes is left behind", name_of(path), content.len()),
                (None, Err(_)) => {}
            }
        }
        let known: BTreeSet<_> = self.files.borrow().keys().cloned().collect();
        for entry in fs::read_dir(&self.directory).unwrap() {
            let path = entry.unwrap().path();
            assert!(known.contains(&path), "the name {} is left behind", name_of(&path));
        }
        if !self.has_failed(&["unlink", "unlinkat"]) {
            assert!(!regions().any(|name| name.ends_with(&self.tag)), "the region's name is left behind");
        }

        let mut descriptors = open_descriptors();
        if let (bystander, Some(taken)) = supervisor::bystander() {
            assert_eq!(
                descriptors.get(&taken),
                descriptors.get(&bystander),
                "it closed a descriptor of somebody else's"
            );
            descriptors.remove(&taken);
        }
        for (descriptor, target) in &descriptors {
            assert!(descriptors_before.contains_key(descriptor), "a descriptor of {} is left behind", name_of(target));
        }
        assert_eq!(descriptors.len(), descriptors_before.len(), "it closed a descriptor of somebody else's");

        for &(address, length) in self.neighbours.borrow().iter() {
            let intact = copied(address, length).iter().all(|&byte| byte == NEIGHBOUR);
            assert!(intact, "it wrote to memory of somebody else's");
            unsafe { libc::munmap(address.cast(), length) };
        }
        for &(address, length) in self.reservations.borrow().iter() {
            let mut states = vec![0u8; length / page_size()];
            let mapped = unsafe { libc::mincore(address.cast(), length, states.as_mut_ptr()) } == 0;
            assert!(mapped, "there is a hole in what the engine has reserved");
            unsafe { libc::munmap(address.cast(), length) };
        }
        if let Some(call) = supervisor::trespass() {
            panic!("its {} concerned memory that was not its own", call.name());
        }
        let failed_to_unmap =
            self.failed_call().filter(|call| call.is("munmap")).map(|call| call.arguments[0] as usize);
        for range in supervisor::still_mapped() {
            assert!(failed_to_unmap == Some(range.start), "{} bytes of memory stay mapped", range.len());
        }
    }
}

/// The tag of a process's regions, with which their names end.
fn tag_of(process: i32) -> String {
    format!("-injection-{process}")
}

/// The names in /dev/shm.
fn regions() -> impl Iterator<Item = String> {
    let entries = fs::read_dir("/dev/shm").into_iter().flatten();
    let names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.into_iter()
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn map_anonymous(length: usize, protection: i32, sharing: i32) -> *mut u8 {
    let null = std::ptr::null_mut();
    let address = unsafe { libc::mmap(null, length, protection, sharing | libc::MAP_ANONYMOUS, -1, 0) };
    assert_ne!(address, libc::MAP_FAILED);
    address.cast()
}

fn open_descriptors() -> BTreeMap<RawFd, PathBuf> {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    // The directory is open while it is read, but its entry is gone when the link is read.
    let number = |name: &Path| name.file_name().and_then(|name| name.to_str()?.parse().ok());
    let listed: Vec<_> = entries.filter_map(|entry| Some((number(&entry.ok()?.path())?, ()))).collect();
    listed
        .into_iter()
        .filter_map(|(descriptor, ())| Some((descriptor, fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?)))
        .collect()
}

/// Whether docs/errors.md contains the code.
fn is_documented(code: &str) -> bool {
    include_str!("../../../../docs/errors.md").contains(&format!("`{code}`"))
}

/// Compares bytes, and reports where they differ.
pub fn same(what: &str, actual: &[u8], expected: &[u8]) {
    if actual == expected {
        return;
    }
    if let Some(at) = actual.iter().zip(expected).position(|(one, other)| one != other) {
        panic!("{what} has {} instead of {} at {at} of {}", actual[at], expected[at], expected.len());
    }
    panic!("{what} has {} bytes instead of {}", actual.len(), expected.len());
}

/// Bytes that differ from page to page. None is 0.
pub fn pattern(length: usize) -> Vec<u8> {
    let block: Vec<_> = (1..=251).collect();
    let mut bytes = block.repeat(length.div_ceil(block.len()));
    bytes.truncate(length);
    bytes
}

/// The bytes that a view of the memory shows.
pub fn seen(region: &Region) -> Vec<u8> {
    copied(region.start(), region.len())
}

fn copied(address: *const u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![0xEE; length];
    unsafe { std::ptr::copy_nonoverlapping(address, bytes.as_mut_ptr(), length) };
    bytes
}

/// The number of bytes of memory that show this file.
pub fn mapped_of(path: &Path) -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let of_file = maps.lines().filter(|line| line.ends_with(path.to_str().unwrap()));
    let lengths = of_file.map(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        usize::from_str_radix(end, 16).unwrap() - usize::from_str_radix(start, 16).unwrap()
    });
    lengths.sum()
}

/// Whether the file contains what others have appended.
pub fn has_what_was_appended(content: &[u8]) -> bool {
    memchr::memmem::find(content, APPENDED).is_some()
}

pub fn read(region: &Region, offset: usize, length: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0xEE; length];
    let target = unsafe { RawBytes::new(bytes.as_mut_ptr(), length) };
    region.read(offset, target).map(|()| bytes)
}

pub fn write(region: &Region, offset: usize, bytes: &[u8]) -> Result<(), Error> {
    region.write(offset, unsafe { RawBytes::new(bytes.as_ptr(), bytes.len()) })
}

/// Checks that the mapping shows these bytes and that all its methods work.
pub fn works(mapping: &Mapping, expected: &[u8]) {
    let region = mapping.region();
    same("what read gives", &read(region, 0, region.len()).unwrap(), expected);
    same("what a view shows", &seen(region), expected);
    if mapping.access() != memmap_core::Access::Read {
        let last = expected.len() - 1;
        region.write_byte(last, 0).unwrap();
        assert_eq!(region.read_byte(last), Ok(0));
        region.write_byte(last, expected[last]).unwrap();
    }
    mapping.flush(0, region.len(), None).unwrap();
}

/// The result of a run of an operation.
#[derive(Debug)]
pub struct Outcome {
    pub calls: Vec<Call>,
    /// Whether the operation allows others to append.
    pub may_append: bool,
    /// Whether the operation needs a page.
    pub needs_a_page: bool,
    /// The failure, if there was one.
    pub failure: Option<String>,
    /// The reason why no call can be made to fail on this system, if there is one.
    pub unavailable: Option<String>,
}

/// Runs the operation in a process of its own.
pub fn run(operation: Operation, case: Case, directory: &Path) -> Outcome {
    fs::create_dir(directory).unwrap();
    let mut pipe = [0; 2];
    assert_eq!(unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
    // Only one other thread exists in this process. It waits for this one and holds no lock.
    let child = unsafe { libc::fork() };
    assert_ne!(child, -1);
    if child == 0 {
        unsafe { libc::close(pipe[0]) };
        let said = run_here(operation, case, directory);
        let written = unsafe { libc::write(pipe[1], said.as_ptr().cast(), said.len()) };
        unsafe { libc::_exit(i32::from(written != said.len() as isize)) };
    }
    unsafe { libc::close(pipe[1]) };
    let mut said = Vec::new();
    unsafe { fs::File::from_raw_fd(pipe[0]) }.read_to_end(&mut said).unwrap();
    let mut status = 0;
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    fs::remove_dir_all(directory).unwrap();
    for name in regions().filter(|name| name.ends_with(&tag_of(child))) {
        fs::remove_file(Path::new("/dev/shm").join(name)).unwrap();
    }

    let mut outcome =
        Outcome { calls: Vec::new(), may_append: false, needs_a_page: false, failure: None, unavailable: None };
    for line in String::from_utf8_lossy(&said).lines() {
        match line.split_once(' ') {
            Some(("call", numbers)) => outcome.calls.push(parse(numbers)),
            Some(("unavailable", why)) => outcome.unavailable = Some(why.to_owned()),
            Some(("failure", what)) => outcome.failure = Some(what.to_owned()),
            _ => {
                outcome.may_append |= line == "appends";
                outcome.needs_a_page |= line == "needs-a-page";
            }
        }
    }
    if libc::WIFSIGNALED(status) {
        outcome.failure = Some(match libc::WTERMSIG(status) {
            libc::SIGALRM => format!("it had not ended after {PATIENCE} s"),
            libc::SIGSEGV => "the process died of SIGSEGV".to_owned(),
            libc::SIGBUS => "the process died of SIGBUS".to_owned(),
            libc::SIGABRT => "the process aborted".to_owned(),
            signal => format!("the process died of signal {signal}"),
        });
    } else if libc::WEXITSTATUS(status) != 0 {
        outcome.failure = Some("the process could not say what happened".to_owned());
    }
    outcome
}

/// Seconds after which an operation counts as endless.
const PATIENCE: u32 = 20;

/// Runs the operation in this process and returns its report, a line for each item.
fn run_here(operation: Operation, case: Case, directory: &Path) -> String {
    unsafe { libc::alarm(PATIENCE) };
    // On systems without /dev/shm, regions are in this directory.
    unsafe { std::env::set_var("TMPDIR", directory) };
    std::panic::set_hook(Box::new(|_| {}));
    if let Err(error) = supervisor::start() {
        return format!("unavailable {error}\n");
    }
    let stage = Stage::new(case, directory);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let descriptors = open_descriptors();
        stage.neighbour();
        operation(&stage);
        assert!(case.fault.is_none() || stage.injected.get(), "the call was not made this time");
        stage.look_around(&descriptors);
    }));
    let mut said = String::new();
    if case.fault.is_none() {
        for call in stage.calls.borrow().iter() {
            let [a, b, c, d, e, f] = call.arguments;
            said += &format!("call {} {a} {b} {c} {d} {e} {f} {}\n", call.number, call.pieces);
        }
    }
    if stage.appends_to.borrow().is_some() {
        said += "appends\n";
    }
    if stage.needs_a_page.get() {
        said += "needs-a-page\n";
    }
    if let Err(panic) = result {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let what = text.unwrap_or("it panicked").replace('\n', "; ");
        said += &format!("failure {what}\n");
    }
    said
}

fn parse(numbers: &str) -> Call {
    let mut numbers = numbers.split(' ').map(|number| number.parse::<u64>().unwrap());
    let mut next = || numbers.next().unwrap();
    Call { number: next() as _, arguments: [next(), next(), next(), next(), next(), next()], pieces: next() as usize }
}
