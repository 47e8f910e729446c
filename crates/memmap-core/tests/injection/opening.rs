//! Opening, creating, named regions, and closing.

use super::*;

/// Checks that opening succeeds, or fails and succeeds the next time.
fn opens(stage: &Stage, expected: &[u8], request: impl Fn() -> Request) {
    let result = stage.inject(|| Mapping::open(request()));
    stage.neighbour();
    if let Ok(mapping) = result {
        works(&mapping, expected);
    }
    works(&open(request()), expected);
}

#[test]
fn opening() {
    fn opens_path(stage: &Stage, access: Access) {
        let path = stage.file(&content());
        opens(stage, &content(), || of_path(&path, access));
    }
    fn opens_descriptor(stage: &Stage, access: Access) {
        let path = stage.file(&content());
        let file = fs::File::options().read(true).write(access != Access::Read).open(&path).unwrap();
        opens(stage, &content(), || Request::new(Target::Descriptor(file.as_raw_fd()), access));
    }
    fn opens_with_flags(stage: &Stage, flags: i32, prot: i32) {
        let path = stage.file(&content());
        let plan = sys::plan_from_flags(flags, prot).unwrap();
        opens(stage, &content(), || Request { plan, ..of_path(&path, Access::Default) });
    }
    group(
        "opening::opening",
        &[
            ("open a path to read", |stage| opens_path(stage, Access::Read)),
            ("open a path to write", |stage| opens_path(stage, Access::Write)),
            ("open a path by default", |stage| opens_path(stage, Access::Default)),
            ("open a path to copy", |stage| opens_path(stage, Access::Copy)),
            ("open a descriptor to read", |stage| opens_descriptor(stage, Access::Read)),
            ("open a descriptor to write", |stage| opens_descriptor(stage, Access::Write)),
            ("open a path without keeping a descriptor", |stage| {
                let path = stage.file(&content());
                opens(stage, &content(), || Request { track: false, ..of_path(&path, Access::Write) });
            }),
            ("open a part of a path", |stage| {
                let path = stage.file(&content());
                let offset = page_size() + 11;
                let part = content()[offset..][..page_size()].to_vec();
                let length = part.len() as u64;
                opens(stage, &part, || Request { offset: offset as u64, length, ..of_path(&path, Access::Write) });
            }),
            ("open a path to write back", |stage| {
                let path = stage.file(&content());
                opens(stage, &content(), || writing_back(&path));
            }),
            ("open a path and bring it in", |stage| {
                opens_with_flags(stage, libc::MAP_SHARED | libc::MAP_POPULATE, libc::PROT_READ | libc::PROT_WRITE);
            }),
            ("open a path to read and bring it in", |stage| {
                opens_with_flags(stage, libc::MAP_SHARED | libc::MAP_POPULATE, libc::PROT_READ);
            }),
            ("open a path with other flags", |stage| {
                opens_with_flags(stage, libc::MAP_SHARED | libc::MAP_NORESERVE, libc::PROT_READ | libc::PROT_WRITE);
            }),
            ("open shared memory", |stage| {
                let length = 3 * page_size();
                opens(stage, &vec![0; length], || anonymous(false, length));
            }),
            ("open private memory", |stage| {
                let length = 3 * page_size();
                opens(stage, &vec![0; length], || anonymous(true, length));
            }),
        ],
    );
}

#[test]
fn creating() {
    #[derive(Clone, Copy, PartialEq)]
    enum Before {
        Missing,
        Shorter,
        Longer,
        DanglingLink,
    }
    fn creates(stage: &Stage, before: Before, change: impl Fn(Request) -> Request) {
        let path = stage.directory.join("file");
        let length = 40 * page_size() + 100;
        let old = match before {
            Before::Missing | Before::DanglingLink => None,
            Before::Shorter => Some(pattern(page_size() + 50)),
            Before::Longer => Some(pattern(length + 500)),
        };
        if let Some(old) = &old {
            fs::write(&path, old).unwrap();
        }
        let name_to_open = stage.directory.join("link");
        if before == Before::DanglingLink {
            std::os::unix::fs::symlink("file", &name_to_open).unwrap();
        }
        let name_to_open = if before == Before::DanglingLink { name_to_open } else { path.clone() };
        let file = fs::File::options().read(true).write(true).open(&path);
        let request =
            || Request { length: length as u64, create: Create::Allocated, ..of_path(&name_to_open, Access::Write) };
        stage.others_append_to(&path);
        let result = stage.inject(|| {
            let mut request = change(request());
            if let (Target::Descriptor(descriptor), Ok(file)) = (&mut request.target, &file) {
                *descriptor = file.as_raw_fd();
            }
            Mapping::open(request)
        });
        stage.neighbour();
        stage.expect(&path, None);
        let whole = {
            let mut whole = old.clone().unwrap_or_default();
            whole.resize(whole.len().max(length), 0);
            whole
        };
        let now = fs::read(&path).ok();
        match (result, now) {
            (Ok(mapping), Some(now)) => {
                let region = mapping.region();
                let kept = old.as_ref().map_or(0, Vec::len);
                same("what was in the file", &now[..kept], old.as_deref().unwrap_or_default());
                if stage.has_appended() {
                    assert!(has_what_was_appended(&now), "what another process has appended is lost");
                    assert!(now.len() >= length, "the file is too short");
                } else {
                    same("the file", &now, &whole);
                }
                works(&mapping, &now[..region.len()]);
                drop(mapping);
                stage.expect(&path, Some(&now));
            }
            (Ok(_), None) => panic!("it has made no file"),
            (Err(_), now) => {
                match (&old, &now) {
                    (Some(old), Some(now)) => stage.same_after_failure(now, old),
                    (None, Some(now)) if stage.has_appended() => {
                        same("the file after a failure", now, stage::APPENDED);
                    }
                    // Where every file has a name, an empty one may stay, because another process
                    // may have opened it by now.
                    (None, Some(now)) if stage.is_lacking(Lack::NamelessFiles) && now.is_empty() => {}
                    (None, Some(now)) => {
                        let is_name_stuck = stage.has_failed(&["unlink", "unlinkat"]);
                        assert!(is_name_stuck, "a file of {} bytes is left behind", now.len());
                    }
                    (Some(_), None) => panic!("the file is gone"),
                    (None, None) => assert!(!stage.has_appended(), "what another process has appended is lost"),
                }
                // The next attempt succeeds.
                let mapping = open(request());
                let now = fs::read(&path).unwrap();
                works(&mapping, &now[..length]);
                drop(mapping);
                stage.expect(&path, Some(&now));
            }
        }
        if before == Before::DanglingLink {
            fs::remove_file(&name_to_open).unwrap();
        }
    }
    fn as_it_is(request: Request) -> Request {
        request
    }
    fn exclusively(request: Request) -> Request {
        Request { new_file: NewFile { exclusive: true, ..NewFile::default() }, ..request }
    }
    group(
        "opening::creating",
        &[
            ("create a missing file", |stage| creates(stage, Before::Missing, as_it_is)),
            ("create, and extend a file", |stage| creates(stage, Before::Shorter, as_it_is)),
            ("create, of a file that is longer", |stage| creates(stage, Before::Longer, as_it_is)),
            ("create, through a link to nothing", |stage| creates(stage, Before::DanglingLink, as_it_is)),
            ("create exclusively", |stage| creates(stage, Before::Missing, exclusively)),
            ("create exclusively where every file has a name", |stage| {
                stage.lacks(Lack::NamelessFiles);
                creates(stage, Before::Missing, exclusively);
            }),
            ("create exclusively what is there", |stage| {
                let path = stage.file(&content());
                let request =
                    exclusively(Request { length: 10, create: Create::Allocated, ..of_path(&path, Access::Write) });
                let result = stage.inject(|| match Mapping::open(request) {
                    Err(error) if error.code() == "EEXIST" => Ok(()),
                    other => other.map(|_| panic!("it has opened what is there")),
                });
                // Any other failure comes first.
                drop(result);
            }),
            ("create, without keeping a descriptor", |stage| {
                creates(stage, Before::Missing, |request| Request { track: false, ..request });
            }),
            ("create, and extend the file of a descriptor", |stage| {
                creates(stage, Before::Shorter, |request| Request { target: Target::Descriptor(0), ..request });
            }),
            ("create, to write back", |stage| {
                creates(stage, Before::Shorter, |request| Request {
                    plan: Plan::from_access(Access::Copy),
                    write_back: true,
                    ..request
                });
            }),
            ("create a missing file where nothing can be allocated", |stage| {
                stage.lacks(Lack::Allocation);
                creates(stage, Before::Missing, as_it_is);
            }),
            ("create, and extend a file, where nothing can be allocated", |stage| {
                stage.lacks(Lack::Allocation);
                creates(stage, Before::Shorter, as_it_is);
            }),
            ("create a missing file where every file has a name", |stage| {
                stage.lacks(Lack::NamelessFiles);
                creates(stage, Before::Missing, as_it_is);
            }),
        ],
    );
}

#[test]
fn regions_with_names() {
    const LENGTH: usize = 10_000;
    /// Checks that the next process to use the name gets the same memory.
    fn joins(stage: &Stage, expected: &[u8], request: impl Fn() -> Request) {
        let result = stage.inject(|| Mapping::open(request()));
        stage.neighbour();
        let mapping = result.unwrap_or_else(|_| open(request()));
        works(&mapping, expected);
        let other = open(named(stage, 0));
        mapping.region().write_byte(7, 77).unwrap();
        assert_eq!(other.region().read_byte(7), Ok(77), "another with the same name has other memory");
    }
    group(
        "opening::regions_with_names",
        &[
            ("make a region", |stage| joins(stage, &[0; LENGTH], || named(stage, LENGTH))),
            ("make a region where nothing can be allocated", |stage| {
                stage.lacks(Lack::Allocation);
                joins(stage, &[0; LENGTH], || named(stage, LENGTH));
            }),
            ("join a region", |stage| {
                let first = open(named(stage, LENGTH));
                write(first.region(), 0, &pattern(LENGTH)).unwrap();
                joins(stage, &pattern(LENGTH), || named(stage, LENGTH));
            }),
            ("join a region that exists", |stage| {
                let first = open(named(stage, LENGTH));
                write(first.region(), 0, &pattern(LENGTH)).unwrap();
                joins(stage, &pattern(LENGTH), || named(stage, 0));
            }),
            ("make a region whose name was left behind", |stage| {
                let name = format!("/dev/shm/memmap-{}-{}", unsafe { libc::geteuid() }, stage.tag);
                fs::write(&name, pattern(LENGTH)).unwrap();
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                fs::set_permissions(&name, mode).unwrap();
                let result = stage.inject(|| Mapping::open(named(stage, LENGTH)));
                let mapping = result.unwrap_or_else(|_| open(named(stage, LENGTH)));
                // A lock that is refused means that somebody uses the region.
                let is_joined = stage.has_failed(&["fcntl"]) && seen(mapping.region()) == pattern(LENGTH);
                works(&mapping, &if is_joined { pattern(LENGTH) } else { vec![0; LENGTH] });
            }),
            ("fail to make a region", |stage| {
                // Only the failure is tested. What it leaves behind is checked later.
                let _ = stage.inject(|| Mapping::open(named(stage, LENGTH)));
            }),
            ("resize a region", |stage| {
                let mut mapping = open(named(stage, LENGTH));
                write(mapping.region(), 0, &pattern(LENGTH)).unwrap();
                let view = Arc::clone(mapping.region());
                let result = stage.inject(|| mapping.resize(5000));
                if result.is_err() {
                    works(&mapping, &pattern(LENGTH));
                    mapping.resize(5000).unwrap();
                }
                works(&mapping, &pattern(5000));
                same("an older view", &seen(&view), &pattern(LENGTH));
            }),
            ("leave a region that another uses", |stage| {
                let first = open(named(stage, LENGTH));
                write(first.region(), 0, &pattern(LENGTH)).unwrap();
                let second = open(named(stage, LENGTH));
                stage
                    .inject(|| {
                        drop(second);
                        Ok(())
                    })
                    .unwrap();
                works(&first, &pattern(LENGTH));
                works(&open(named(stage, 0)), &pattern(LENGTH));
            }),
            ("leave a region as the last", |stage| {
                let mapping = open(named(stage, LENGTH));
                write(mapping.region(), 0, &pattern(LENGTH)).unwrap();
                stage
                    .inject(|| {
                        drop(mapping);
                        Ok(())
                    })
                    .unwrap();
                if stage.has_failed(&["unlink", "unlinkat", "fstat", "statx", "newfstatat", "fcntl"]) {
                    // The last process could not know that it was the last, or could not remove the
                    // name. The next one gets zeros and removes the name.
                    works(&open(named(stage, LENGTH)), &[0; LENGTH]);
                }
            }),
            ("leave all regions", |stage| {
                let mapping = open(named(stage, LENGTH));
                stage
                    .inject(|| {
                        sys::leave_named_regions();
                        Ok(())
                    })
                    .unwrap();
                drop(mapping);
                if stage.has_failed(&["unlink", "unlinkat", "fstat", "statx", "newfstatat", "fcntl"]) {
                    works(&open(named(stage, LENGTH)), &[0; LENGTH]);
                }
            }),
        ],
    );
}

#[test]
fn closing() {
    fn closes(stage: &Stage, mapping: Mapping) {
        stage.neighbour();
        stage
            .inject(|| {
                drop(mapping);
                Ok(())
            })
            .unwrap();
    }
    group(
        "opening::closing",
        &[
            ("close a file", |stage| closes(stage, opened(stage, Access::Write).1)),
            ("close a file that is read", |stage| closes(stage, opened(stage, Access::Read).1)),
            ("close a copy", |stage| closes(stage, opened(stage, Access::Copy).1)),
            ("close what is written back", |stage| {
                let path = stage.file(&content());
                closes(stage, open(writing_back(&path)));
            }),
            ("close a file whose descriptor was not kept", |stage| {
                let path = stage.file(&content());
                closes(stage, open(Request { track: false, ..of_path(&path, Access::Write) }));
            }),
            ("close shared memory", |stage| closes(stage, open(anonymous(false, 9000)))),
            ("close private memory", |stage| closes(stage, open(anonymous(true, 9000)))),
            ("close what was relocated", |stage| {
                let (_, mut mapping) = opened(stage, Access::Write);
                relocate_before(stage, &mut mapping, 3);
                closes(stage, mapping);
            }),
            ("close a file whose memory is in use, and let go of that", |stage| {
                let (_, mapping) = opened(stage, Access::Write);
                let view = Arc::clone(mapping.region());
                drop(mapping);
                same("a view", &seen(&view), &content());
                stage
                    .inject(|| {
                        drop(view);
                        Ok(())
                    })
                    .unwrap();
            }),
            ("close a file whose memory is in use", |stage| {
                let (_, mapping) = opened(stage, Access::Write);
                let view = Arc::clone(mapping.region());
                closes(stage, mapping);
                same("a view", &seen(&view), &content());
            }),
        ],
    );
}
