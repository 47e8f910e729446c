// Tests that an emulator cannot pass, because it differs there from the system it stands for. Each is a failure of exactly this test with
// exactly this text, and is counted; anything else that fails is a failure. A pattern is for several tests of one kind.

export const DIFFERENCES = [
  {
    emulator: 'Wine 8',
    test: 'the package by its name, through a link',
    saying: /ENOTSUP|Request not supported/,
    why: 'it makes no junctions',
  },
  {
    emulator: 'Wine 8',
    test: '150,000 views of closed maps, the loop never turns',
    saying: /'EMFILE'/,
    why: 'each mapping has a handle on Windows, and all of them are open files of one process, the server of Wine',
  },
  {
    emulator: 'qemu-user',
    test: 'system › advice about what is not there is refused',
    saying: /Function returned/,
    why: 'it takes most advice of madvise for done without giving it to the system, also what there is not',
  },
  {
    emulator: 'qemu-user',
    test: 'system › MADV_REMOVE frees a part of a file, and nothing before an unaligned mapping',
    saying: /not `true`/,
    why: 'the same',
  },
  {
    emulator: 'qemu-user',
    test: 'vectors › system.jsonl: the same as CPython',
    saying: /5 of 15 sequences differ(?![\s\S]*operation \d+: (?!madvise\(9999\)))/,
    why: 'the same, for an advice of 9999',
  },
  {
    emulator: 'qemu-user',
    test: 'vectors › the vectors were replayed, and not skipped over',
    saying: /- 52739\n\s+\+ 52809/,
    why: 'those five sequences end there',
  },
  {
    emulator: 'qemu-user',
    test: 'system › locking private memory copies no page of it',
    saying: /ENOSYS: function not implemented, mlock2/,
    why: 'it has no mlock2',
  },
  {
    emulator: 'qemu-user',
    test: /^tasks › prefetch (brings a file into memory|of memory without a file)/,
    saying: /t\.is\(\)[\s\S]*Difference/,
    why: 'the same, for MADV_POPULATE_READ: it says that it has read what it has not',
  },
  {
    emulator: 'qemu-user',
    test: 'tasks › unmap() ends running and waiting tasks, and the file is released when it returns',
    saying: /Promise resolved with/,
    why: 'the same: the waiting prefetch is done at once',
  },
  {
    emulator: 'qemu-user',
    test: 'unmap() with tasks running',
    saying: /: (ERR_MMAP_CLOSED)?,(ERR_MMAP_CLOSED,){20}$/m,
    why: 'the same: of all the tasks the prefetch, which is the last, is done at once',
  },
  {
    emulator: 'qemu-user',
    test: 'a file that is truncated under a task',
    saying: /too short to be in its middle/,
    why: 'the same: the prefetch is done at once',
  },
  {
    emulator: 'qemu-user',
    test: /^tasks › /,
    saying: /too short to be in its middle/,
    why: 'JavaScript is so slow there that a task is over before a timer can tell that it is running',
  },
  {
    emulator: 'qemu-user, pages of',
    test: 'open › a FIFO does not block the open, and is ENODEV',
    saying: /- 'EINVAL'\n\s+\+ 'ENODEV'/,
    why: 'before it maps less than one of its pages it looks how long the file is',
  },
]
