//! Using a mapping without changing its length.

use super::*;

#[test]
fn touching() {
    /// The length is enough for a scan to be announced to the system.
    const LONG: usize = 9 << 20;
    fn scans(stage: &Stage, scan: impl Fn(&Mapping) -> Result<(), Error>) {
        let path = stage.directory.join("long");
        let file = fs::File::create(&path).unwrap();
        file.set_len(LONG as u64).unwrap();
        drop(file);
        let mapping = open(of_path(&path, Access::Write));
        write(mapping.region(), LONG - 10, b"needle").unwrap();
        let result = stage.inject(|| scan(&mapping));
        assert_eq!(result, Ok(()));
        scan(&mapping).unwrap();
        drop(mapping);
        fs::remove_file(&path).unwrap();
    }
    /// Checks that what is stored through a view of a read-only mapping stays in this process.
    fn stores_astray(stage: &Stage, request: impl Fn(&Path) -> Request) {
        let path = stage.file(&content());
        let mapping = open(request(&path));
        stage.neighbour();
        stage.needs_a_page();
        let at = 2 * page_size() + 5;
        let store = || unsafe { mapping.region().start().add(at).write_volatile(200) };
        stage
            .inject(|| {
                store();
                Ok(())
            })
            .unwrap();
        if stage.has_lost(&mapping) {
            return;
        }
        let mut expected = content();
        expected[at] = 200;
        works(&mapping, &expected);
    }
    /// Checks that lost bytes of a truncated file are zeros and cause an error.
    fn touches(stage: &Stage, access: Access, touch: impl Fn(&Mapping) -> Result<(), Error>) {
        let (path, mapping) = opened(stage, access);
        let kept = page_size() + 100;
        fs::File::options().write(true).open(&path).unwrap().set_len(kept as u64).unwrap();
        stage.expect(&path, Some(&content()[..kept]));
        let result = stage.inject(|| match touch(&mapping) {
            Err(Error::Fault { .. }) => Ok(true),
            other => other.map(|()| false),
        });
        assert_eq!(result, Ok(true), "it did not tell of what is lost");
        let mut expected = content();
        expected[kept..].fill(0);
        same("a view", &seen(mapping.region()), &expected);
        assert!(matches!(mapping.region().read_byte(0), Err(Error::Fault { .. })));
    }
    group(
        "access::touching",
        &[
            ("find", |stage| {
                scans(stage, |mapping| {
                    let found = mapping.region().find(&Finder::new(b"needle".to_vec()), 0..LONG)?;
                    assert_eq!(found, Some(LONG - 10));
                    Ok(())
                });
            }),
            ("count", |stage| {
                scans(stage, |mapping| {
                    assert_eq!(mapping.region().count(&Finder::new(b"needle".to_vec()), 0..LONG)?, 1);
                    Ok(())
                });
            }),
            ("read, write, fill and copy", |stage| {
                let (path, mapping) = opened(stage, Access::Write);
                let region = mapping.region();
                stage
                    .inject(|| {
                        write(region, 10, b"written")?;
                        region.fill(20, 3, b"f")?;
                        region.copy_within(30, 10, 7)?;
                        read(region, 0, region.len()).map(drop)
                    })
                    .unwrap();
                let mut expected = content();
                expected[10..17].copy_from_slice(b"written");
                expected[20..23].copy_from_slice(b"fff");
                expected[30..37].copy_from_slice(b"written");
                works(&mapping, &expected);
                stage.expect(&path, Some(&expected));
            }),
            ("prefetch", |stage| {
                let (_, mapping) = opened(stage, Access::Read);
                stage.inject(|| mapping.region().prefetch(0, mapping.region().len())).unwrap();
                works(&mapping, &content());
            }),
            ("store to a mapping that reads", |stage| stores_astray(stage, |path| of_path(path, Access::Read))),
            ("store to a shared mapping that reads", |stage| {
                let plan = sys::plan_from_flags(libc::MAP_SHARED, libc::PROT_READ).unwrap();
                stores_astray(stage, |path| Request { plan, ..of_path(path, Access::Read) });
            }),
            ("read what was cut off", |stage| {
                touches(stage, Access::Write, |mapping| read(mapping.region(), 0, mapping.region().len()).map(drop));
            }),
            ("read what was cut off, of a mapping that reads", |stage| {
                touches(stage, Access::Read, |mapping| read(mapping.region(), 0, mapping.region().len()).map(drop));
            }),
            ("read what was cut off, of a copy", |stage| {
                touches(stage, Access::Copy, |mapping| mapping.region().read_byte(4 * page_size()).map(drop));
            }),
            ("write to what was cut off", |stage| {
                touches(stage, Access::Write, |mapping| mapping.region().fill(2 * page_size(), 2 * page_size(), &[0]));
            }),
            ("find in what was cut off", |stage| {
                touches(stage, Access::Read, |mapping| {
                    mapping.region().find(&Finder::new(b"needle".to_vec()), 0..mapping.region().len()).map(drop)
                });
            }),
            ("prefetch what was cut off", |stage| {
                touches(stage, Access::Write, |mapping| mapping.region().prefetch(0, mapping.region().len()));
            }),
        ],
    );
}

#[test]
fn flushing() {
    fn stores(mapping: &Mapping) -> Vec<u8> {
        let mut expected = content();
        for page in [1, 3, 5] {
            let at = page * page_size() + 9;
            write(mapping.region(), at, b"stored").unwrap();
            expected[at..at + 6].copy_from_slice(b"stored");
        }
        expected
    }
    fn flushes(stage: &Stage, flush: impl Fn(&Mapping) -> Result<(), Error>, request: impl Fn(&Path) -> Request) {
        let path = stage.file(&content());
        let mapping = open(request(&path));
        let expected = stores(&mapping);
        let result = stage.inject(|| flush(&mapping));
        if result.is_err() {
            works_before_flush(&mapping, &expected);
            // The flush can be repeated, and must then reach the device.
            let asks = ["fsync", "fdatasync", "msync", "sync_file_range"];
            let has_asked = supervisor::armed(supervisor::Orders::default(), || {
                flush(&mapping).unwrap();
                supervisor::calls().iter().any(|call| asks.contains(&call.name()))
            });
            assert!(has_asked || !stage.has_failed(&asks), "the next flush succeeded and asked no device");
        }
        same("the file after a flush", &fs::read(&path).unwrap(), &expected);
        stage.expect(&path, Some(&expected));
        works(&mapping, &expected);
    }
    fn works_before_flush(mapping: &Mapping, expected: &[u8]) {
        same("what read gives", &read(mapping.region(), 0, expected.len()).unwrap(), expected);
        same("what a view shows", &seen(mapping.region()), expected);
    }
    fn all(mapping: &Mapping) -> Result<(), Error> {
        mapping.flush(0, mapping.region().len(), None)
    }
    group(
        "access::flushing",
        &[
            ("flush", |stage| flushes(stage, all, |path| of_path(path, Access::Write))),
            ("flush without waiting", |stage| {
                let flush = |mapping: &Mapping| mapping.flush(0, mapping.region().len(), Some(libc::MS_ASYNC));
                flushes(stage, flush, |path| of_path(path, Access::Write));
            }),
            ("flush without a descriptor", |stage| {
                flushes(stage, all, |path| Request { track: false, ..of_path(path, Access::Write) });
            }),
            ("flush by a task", |stage| {
                let flush = |mapping: &Mapping| {
                    Arc::new(Task::new(mapping, 1)).run(Arc::new(Paging::flush()), 0..mapping.region().len())
                };
                flushes(stage, flush, |path| of_path(path, Access::Write));
            }),
            ("flush what is written back", |stage| flushes(stage, all, writing_back)),
            ("finish what is written back", |stage| flushes(stage, Mapping::write_back, writing_back)),
            ("finish what is written back, of a descriptor", |stage| {
                let path = stage.file(&content());
                let file = fs::File::options().read(true).write(true).open(path).unwrap();
                flushes(stage, Mapping::write_back, |_| Request {
                    write_back: true,
                    ..Request::new(Target::Descriptor(file.as_raw_fd()), Access::Copy)
                });
            }),
            ("write back to a file that others write to", |stage| {
                let path = stage.file(&content());
                let mapping = open(writing_back(&path));
                let mut expected = stores(&mapping);
                let at = 2 * page_size() + 5;
                std::os::unix::fs::FileExt::write_all_at(
                    &fs::File::options().write(true).open(&path).unwrap(),
                    b"theirs",
                    at as u64,
                )
                .unwrap();
                expected[at..at + 6].copy_from_slice(b"theirs");
                if stage.inject(|| mapping.write_back()).is_err() {
                    mapping.write_back().unwrap();
                }
                stage.expect(&path, Some(&expected));
            }),
            ("size", |stage| {
                let (_, mapping) = opened(stage, Access::Write);
                let _ = stage.inject(|| mapping.size());
                assert_eq!(mapping.size(), Ok(content().len() as u64));
            }),
        ],
    );
}

#[test]
fn protecting() {
    const READ_ONLY: i32 = libc::PROT_READ;
    const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;
    const EXECUTABLE: i32 = READ_WRITE | libc::PROT_EXEC;
    fn protects(stage: &Stage, prots: &[i32], request: impl Fn(&Path) -> Request) {
        let path = stage.file(&content());
        let mut mapping = open(request(&path));
        stage.neighbour();
        let expected = if fs::read(&path).unwrap().len() == mapping.region().len() { content() } else { vec![0; 7000] };
        let (last, before) = prots.split_last().unwrap();
        for prot in before {
            mapping.protect(*prot).unwrap();
        }
        let result = stage.inject(|| mapping.protect(*last));
        if stage.has_lost(&mapping) {
            return;
        }
        works(&mapping, &expected);
        if result.is_err() {
            mapping.protect(*last).unwrap();
            works(&mapping, &expected);
        }
        for prot in [READ_ONLY, READ_WRITE] {
            mapping.protect(prot).unwrap();
            works(&mapping, &expected);
        }
    }
    group(
        "access::protecting",
        &[
            ("protect from writing", |stage| protects(stage, &[READ_ONLY], |path| of_path(path, Access::Write))),
            ("protect, and allow writing again", |stage| {
                protects(stage, &[READ_ONLY, READ_WRITE], |path| of_path(path, Access::Write));
            }),
            ("protect, to execute", |stage| protects(stage, &[EXECUTABLE], |path| of_path(path, Access::Write))),
            ("protect, to execute no more", |stage| {
                protects(stage, &[EXECUTABLE, READ_WRITE], |path| of_path(path, Access::Write));
            }),
            ("protect a copy", |stage| protects(stage, &[READ_ONLY], |path| of_path(path, Access::Copy))),
            ("protect what is written back", |stage| protects(stage, &[READ_ONLY], writing_back)),
            ("protect what is written back, and allow writing again", |stage| {
                protects(stage, &[READ_ONLY, READ_WRITE], writing_back);
            }),
            ("protect what is to be written back", |stage| {
                let path = stage.file(&content());
                let mut mapping = open(writing_back(&path));
                write(mapping.region(), 100, b"stored").unwrap();
                let mut expected = content();
                expected[100..106].copy_from_slice(b"stored");
                if stage.inject(|| mapping.protect(READ_ONLY)).is_err() {
                    same("what read gives", &read(mapping.region(), 0, expected.len()).unwrap(), &expected);
                    mapping.protect(READ_ONLY).unwrap();
                }
                stage.expect(&path, Some(&expected));
                works(&mapping, &expected);
            }),
            ("protect shared memory", |stage| protects(stage, &[READ_ONLY], |_| anonymous(false, 7000))),
            ("protect shared memory, and allow writing again", |stage| {
                protects(stage, &[READ_ONLY, READ_WRITE], |_| anonymous(false, 7000));
            }),
            ("protect private memory", |stage| protects(stage, &[READ_ONLY], |_| anonymous(true, 7000))),
            ("protect private memory, to execute", |stage| protects(stage, &[EXECUTABLE], |_| anonymous(true, 7000))),
            ("protect what was relocated", |stage| {
                let (_, mut mapping) = opened(stage, Access::Write);
                relocate_before(stage, &mut mapping, 3);
                if stage.inject(|| mapping.protect(READ_ONLY)).is_err() {
                    if stage.has_lost(&mapping) {
                        return;
                    }
                    works(&mapping, &content());
                    mapping.protect(READ_ONLY).unwrap();
                }
                works(&mapping, &content());
            }),
        ],
    );
}

#[test]
fn advising() {
    fn advises(stage: &Stage, access: Access, advise: impl Fn(&Mapping) -> Result<(), Error>) {
        let (_, mapping) = opened(stage, access);
        let result = stage.inject(|| advise(&mapping));
        works(&mapping, &content());
        if result.is_err() {
            advise(&mapping).unwrap();
        }
        works(&mapping, &content());
    }
    group(
        "access::advising",
        &[
            ("advise that it will be needed", |stage| {
                advises(stage, Access::Read, |mapping| mapping.advise(libc::MADV_WILLNEED, 0, page_size()));
            }),
            ("advise that it is not needed", |stage| {
                advises(stage, Access::Write, |mapping| mapping.advise(libc::MADV_DONTNEED, page_size(), page_size()));
            }),
            ("advise that it is read at random", |stage| {
                advises(stage, Access::Copy, |mapping| mapping.advise(libc::MADV_RANDOM, 0, mapping.region().len()));
            }),
            ("lock", |stage| advises(stage, Access::Write, |mapping| mapping.lock(0, 2 * page_size()))),
            ("lock what only reads", |stage| advises(stage, Access::Read, |mapping| mapping.lock(0, 2 * page_size()))),
            ("unlock", |stage| {
                advises(stage, Access::Write, |mapping| mapping.unlock(0, 2 * page_size()));
            }),
            ("ask what is in memory", |stage| {
                advises(stage, Access::Write, |mapping| mapping.resident(0, mapping.region().len()).map(drop));
            }),
        ],
    );
}

#[test]
fn locking_ranges() {
    /// Locks and unlocks a range with nobody else there. Returns whether it had the lock.
    fn locks_once(mapping: &Mapping) -> Result<bool, Error> {
        let wanted = mapping.wanted_lock(0, Some(10), true)?;
        let locks = mapping.range_locks()?;
        let number = locks.try_lock(&wanted, true)?;
        Ok(number.map(|number| locks.release(number)).is_some())
    }
    /// Checks that nothing stays locked, whatever fails.
    fn leaves_nothing(stage: &Stage, mapping: Mapping, other: &Mapping) {
        // A failure, or a lock that somebody else seems to have, is an outcome like any other.
        let _ = stage.inject(|| locks_once(&mapping));
        assert_eq!(locks_once(other), Ok(true), "it is still locked");
        assert_eq!(locks_once(&mapping), Ok(true));
        drop(mapping);
        assert_eq!(locks_once(other), Ok(true), "it is still locked after the end of the mapping");
    }
    group(
        "access::locking_ranges",
        &[
            ("lock a range of a file", |stage| {
                let (path, mapping) = opened(stage, Access::Write);
                leaves_nothing(stage, mapping, &open(of_path(&path, Access::Write)));
            }),
            ("lock a range of a region", |stage| {
                let mapping = open(named(stage, 1000));
                leaves_nothing(stage, mapping, &open(named(stage, 0)));
            }),
        ],
    );
}
