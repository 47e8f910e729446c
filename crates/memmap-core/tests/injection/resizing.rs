//! Changing the length of a mapping, and replacing its pages.

use super::*;

#[test]
fn resizing() {
    fn resizes(stage: &Stage, prepare: impl Fn(&Stage, &mut Mapping), length: usize) {
        let old = content();
        let (path, mut mapping) = opened(stage, Access::Write);
        prepare(stage, &mut mapping);
        let view = Arc::clone(mapping.region());
        let grows = length > old.len();
        if grows {
            stage.others_append_to(&path);
        }
        let mapped = mapped_of(&path);
        let result = stage.inject(|| mapping.resize(length as u64));
        let mut expected = old.clone();
        expected.resize(length, 0);
        let now = fs::read(&path).unwrap();
        if result.is_ok() {
            if stage.has_appended() {
                same("what was in the file", &now[..old.len()], &old);
                assert!(has_what_was_appended(&now), "what another process has appended is lost");
                assert!(now.len() >= length, "the file is too short");
            } else {
                same("the file", &now, &expected);
            }
        } else {
            stage.same_after_failure(&now, &old);
            stage.expect(&path, Some(&now));
            let _ = seen(&view);
            if stage.has_lost(&mapping) {
                return;
            }
            assert_eq!(mapped_of(&path), mapped, "bytes of the file that are mapped after a failure");
            works(&mapping, &old);
            same("a view after a failure", &seen(&view), &old);
            mapping.resize(length as u64).unwrap();
        }
        let now = fs::read(&path).unwrap();
        stage.expect(&path, Some(&now));
        works(&mapping, &now[..length]);
        let mut in_view = old.clone();
        if !grows {
            let last_page = length.next_multiple_of(page_size()).min(old.len());
            in_view[length..].fill(0);
            // Bytes beyond the end in its last page may be anything.
            let seen = seen(&view);
            same("an older view", &seen[..length], &old[..length]);
            same("the end of an older view", &seen[last_page..], &in_view[last_page..]);
        } else if !stage.has_appended() {
            same("an older view", &seen(&view), &old);
        }
        drop(mapping);
        let _ = seen(&view);
    }
    fn nothing(_: &Stage, _: &mut Mapping) {}
    fn longer() -> usize {
        40 * page_size() + 100
    }
    fn shorter() -> usize {
        2 * page_size() + 100
    }
    fn resizes_memory(stage: &Stage, private: bool, length: usize) {
        let old = content();
        let mut mapping = open(anonymous(private, old.len()));
        write(mapping.region(), 0, &old).unwrap();
        let view = Arc::clone(mapping.region());
        let mut expected = old.clone();
        expected.resize(length, 0);
        if stage.inject(|| mapping.resize(length as u64)).is_err() {
            works(&mapping, &old);
            mapping.resize(length as u64).unwrap();
        }
        works(&mapping, &expected);
        same("an older view", &seen(&view), &old);
    }
    group(
        "resizing::resizing",
        &[
            ("resize a file to more", |stage| resizes(stage, nothing, longer())),
            ("resize a file to less", |stage| resizes(stage, nothing, shorter())),
            ("resize a file to as much", |stage| resizes(stage, nothing, content().len())),
            ("resize a file to more where nothing can be allocated", |stage| {
                stage.lacks(Lack::Allocation);
                resizes(stage, nothing, longer());
            }),
            ("resize a file to more in place", |stage| {
                resizes(stage, |stage, mapping| relocate_before(stage, mapping, 40), longer());
            }),
            ("resize a file to more than its place", |stage| {
                resizes(stage, |stage, mapping| relocate_before(stage, mapping, 1), longer());
            }),
            ("resize a file to as much in place", |stage| {
                resizes(stage, |stage, mapping| relocate_before(stage, mapping, 40), content().len());
            }),
            ("resize a file to less that was relocated", |stage| {
                resizes(stage, |stage, mapping| relocate_before(stage, mapping, 40), shorter());
            }),
            ("resize a file to less a second time", |stage| {
                resizes(stage, |_, mapping| mapping.resize(content().len() as u64).unwrap(), shorter());
            }),
            ("resize in place, and cut a file of which a part was mapped", |stage| {
                let path = stage.file(&content());
                let mut mapping = open(Request { length: page_size() as u64, ..of_path(&path, Access::Write) });
                relocate_before(stage, &mut mapping, 10);
                let mapped = mapped_of(&path);
                let length = shorter();
                if stage.inject(|| mapping.resize(length as u64)).is_err() {
                    same("the file after a failure", &fs::read(&path).unwrap(), &content());
                    if stage.has_lost(&mapping) {
                        return stage.expect(&path, Some(&content()));
                    }
                    assert_eq!(mapped_of(&path), mapped, "bytes of the file that are mapped after a failure");
                    works(&mapping, &content()[..page_size()]);
                    mapping.resize(length as u64).unwrap();
                }
                stage.expect(&path, Some(&content()[..length]));
                works(&mapping, &content()[..length]);
            }),
            ("resize private memory to more", |stage| resizes_memory(stage, true, longer())),
            ("resize private memory to less", |stage| resizes_memory(stage, true, shorter())),
            ("resize shared memory to less", |stage| resizes_memory(stage, false, shorter())),
        ],
    );
}

#[test]
fn remapping() {
    /// Gives the file this content and remaps it.
    fn remaps(stage: &Stage, access: Access, prepare: impl Fn(&Stage, &mut Mapping), now: &[u8]) {
        let old = content();
        let (path, mut mapping) = opened(stage, access);
        prepare(stage, &mut mapping);
        let view = Arc::clone(mapping.region());
        // fs::write is not used, because it first truncates the file to nothing.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(now.len() as u64).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, now, 0).unwrap();
        stage.expect(&path, Some(now));
        let mapped = mapped_of(&path);
        if stage.inject(|| mapping.remap(None)).is_err() {
            if stage.has_lost(&mapping) {
                return;
            }
            // Pages that the file has lost by then no longer belong to it.
            if now.len() >= old.len() {
                assert_eq!(mapped_of(&path), mapped, "bytes of the file that are mapped after a failure");
                works(&mapping, &old);
            }
            assert_eq!(mapping.region().len(), old.len());
            let kept = old.len().min(now.len());
            same("a view after a failure", &seen(&view)[..kept], &old[..kept]);
            mapping.remap(None).unwrap();
        }
        works(&mapping, now);
        let mut in_view = old;
        in_view.get_mut(now.len()..).unwrap_or_default().fill(0);
        same("an older view", &seen(&view), &in_view);
        drop(mapping);
        let _ = seen(&view);
    }
    fn nothing(_: &Stage, _: &mut Mapping) {}
    fn longer() -> Vec<u8> {
        pattern(40 * page_size() + 100)
    }
    fn shorter() -> Vec<u8> {
        pattern(2 * page_size() + 100)
    }
    fn opens_nothing(stage: &Stage) -> (PathBuf, Mapping) {
        let path = stage.file(b"");
        let mapping = open(Request { allow_empty: true, ..of_path(&path, Access::Read) });
        stage.neighbour();
        (path, mapping)
    }
    fn grows_from_nothing(stage: &Stage, prepare: impl Fn(&Stage, &mut Mapping)) {
        let (path, mut mapping) = opens_nothing(stage);
        prepare(stage, &mut mapping);
        fs::write(&path, content()).unwrap();
        stage.expect(&path, Some(&content()));
        if stage.inject(|| mapping.remap(None)).is_err() {
            assert!(mapping.region().is_empty());
            mapping.remap(None).unwrap();
        }
        works(&mapping, &content());
    }
    group(
        "resizing::remapping",
        &[
            ("remap to more", |stage| remaps(stage, Access::Write, nothing, &longer())),
            ("remap to more, to read", |stage| remaps(stage, Access::Read, nothing, &longer())),
            ("remap to less", |stage| remaps(stage, Access::Write, nothing, &shorter())),
            ("remap to less, to read", |stage| remaps(stage, Access::Read, nothing, &shorter())),
            ("remap what has not changed", |stage| remaps(stage, Access::Read, nothing, &content())),
            ("remap to more in place", |stage| {
                remaps(stage, Access::Write, |stage, mapping| relocate_before(stage, mapping, 40), &longer());
            }),
            ("remap to more in place, to read", |stage| {
                remaps(stage, Access::Read, |stage, mapping| relocate_before(stage, mapping, 40), &longer());
            }),
            ("remap to more than its place", |stage| {
                remaps(stage, Access::Read, |stage, mapping| relocate_before(stage, mapping, 1), &longer());
            }),
            ("remap what was relocated to less", |stage| {
                remaps(stage, Access::Read, |stage, mapping| relocate_before(stage, mapping, 40), &shorter());
            }),
            ("open no bytes", |stage| {
                let path = stage.file(b"");
                let request = || Request { allow_empty: true, ..of_path(&path, Access::Read) };
                if stage.inject(|| Mapping::open(request())).is_err() {
                    assert!(open(request()).region().is_empty());
                }
            }),
            ("remap no bytes to some", |stage| grows_from_nothing(stage, nothing)),
            ("remap no bytes to some in place", |stage| {
                grows_from_nothing(stage, |stage, mapping| relocate_before(stage, mapping, 6));
            }),
            ("remap to no bytes", |stage| {
                let path = stage.file(&content());
                let mut mapping = open(Request { allow_empty: true, ..of_path(&path, Access::Read) });
                fs::write(&path, b"").unwrap();
                stage.expect(&path, Some(b""));
                if stage.inject(|| mapping.remap(None)).is_err() {
                    mapping.remap(None).unwrap();
                }
                assert!(mapping.region().is_empty());
            }),
            ("relocate no bytes", |stage| {
                let (_, mut mapping) = opens_nothing(stage);
                if relocate(stage, &mut mapping, 4).is_err() {
                    relocate_before(stage, &mut mapping, 4);
                }
                assert!(mapping.region().is_empty());
            }),
        ],
    );
}

#[test]
fn relocating() {
    fn relocates(stage: &Stage, expected: &[u8], mut mapping: Mapping) {
        stage.neighbour();
        if relocate(stage, &mut mapping, 4).is_err() {
            works(&mapping, expected);
            relocate_before(stage, &mut mapping, 4);
        }
        works(&mapping, expected);
    }
    /// The memory consists of intact pages and of zeros.
    fn relocates_truncated(stage: &Stage, access: Access) {
        let (path, mut mapping) = opened(stage, access);
        let kept = page_size() + 100;
        fs::File::options().write(true).open(&path).unwrap().set_len(kept as u64).unwrap();
        stage.expect(&path, Some(&content()[..kept]));
        assert!(mapping.region().read_byte(4 * page_size()).is_err());
        let _ = relocate(stage, &mut mapping, 4);
        let mut expected = content();
        expected[kept..].fill(0);
        same("a view", &seen(mapping.region()), &expected);
    }
    group(
        "resizing::relocating",
        &[
            ("relocate a file", |stage| relocates(stage, &content(), opened(stage, Access::Write).1)),
            ("relocate a file that is read", |stage| relocates(stage, &content(), opened(stage, Access::Read).1)),
            ("relocate a copy", |stage| relocates(stage, &content(), opened(stage, Access::Copy).1)),
            ("relocate shared memory", |stage| relocates(stage, &[0; 9000], open(anonymous(false, 9000)))),
            ("relocate private memory", |stage| relocates(stage, &[0; 9000], open(anonymous(true, 9000)))),
            ("relocate a region", |stage| relocates(stage, &[0; 9000], open(named(stage, 9000)))),
            ("relocate a file that was cut", |stage| relocates_truncated(stage, Access::Write)),
            ("relocate a file that is read and was cut", |stage| relocates_truncated(stage, Access::Read)),
        ],
    );
}

#[test]
fn mapping_zeros() {
    fn maps_zeros(stage: &Stage, expected: &[u8], mapping: Mapping) {
        let region = mapping.region();
        stage.neighbour();
        if stage.inject(|| region.map_zeros()).is_err() {
            if stage.has_lost(&mapping) {
                return;
            }
            works(&mapping, expected);
            region.map_zeros().unwrap();
        }
        same("a view", &seen(region), &vec![0; expected.len()]);
        unsafe { region.start().write_volatile(1) };
        assert_eq!(region.read_byte(0), Ok(1));
    }
    group(
        "resizing::mapping_zeros",
        &[
            ("map zeros over a file", |stage| maps_zeros(stage, &content(), opened(stage, Access::Write).1)),
            ("map zeros over a file that is read", |stage| {
                maps_zeros(stage, &content(), opened(stage, Access::Read).1)
            }),
            ("map zeros over a copy", |stage| maps_zeros(stage, &content(), opened(stage, Access::Copy).1)),
            ("map zeros over a part of a file", |stage| {
                let path = stage.file(&content());
                let offset = page_size() + 11;
                let request = Request { offset: offset as u64, length: 8000, ..of_path(&path, Access::Write) };
                maps_zeros(stage, &content()[offset..][..8000], open(request));
            }),
            ("map zeros over shared memory", |stage| maps_zeros(stage, &[0; 9000], open(anonymous(false, 9000)))),
            ("map zeros over private memory", |stage| maps_zeros(stage, &[0; 9000], open(anonymous(true, 9000)))),
            ("map zeros over a region", |stage| maps_zeros(stage, &[0; 9000], open(named(stage, 9000)))),
            ("map zeros over what was relocated", |stage| {
                let (_, mut mapping) = opened(stage, Access::Write);
                relocate_before(stage, &mut mapping, 3);
                maps_zeros(stage, &content(), mapping);
            }),
        ],
    );
}
