// Tests that fail because an emulator differs from the system that it emulates. An entry covers a
// failure of exactly this test with exactly this text, which the report counts. Any other failure
// is a real one. A pattern as `test` covers several similar tests.

export const DIFFERENCES = [
  {
    emulator: 'Wine 8',
    test: 'the package by its name, through a link',
    saying: /ENOTSUP|Request not supported/,
    why: 'Wine does not support junctions',
  },
  {
    emulator: 'Wine 8',
    test: '150,000 views of closed maps, the loop never turns',
    saying: /'EMFILE'/,
    why: 'on Windows each mapping has a handle, and each handle is an open file of one process, the server of Wine',
  },
  {
    emulator: 'Wine 8',
    test: /^package › snippets › docs\/recipes\/streams\.md:/,
    saying: /fetch failed[\s\S]*connect UNKNOWN 127\.0\.0\.1/,
    why: 'fetch() sets keep-alive, with which Node cannot connect under Wine',
  },
  {
    emulator: 'qemu-user',
    test: 'pages › madvise: unknown advice, and a range outside the mapping, are refused',
    saying: /Function returned/,
    why: 'qemu reports success for most advice without passing it to the system, also for unknown advice',
  },
  {
    emulator: 'qemu-user',
    test: 'pages › madvise: MADV_REMOVE frees a part of a file, and nothing before an unaligned mapping',
    saying: /not `true`/,
    why: 'qemu does not pass MADV_REMOVE to the system',
  },
  {
    emulator: 'qemu-user',
    test: 'cpython › system.jsonl: every operation ends as in CPython',
    saying: /5 of 15 sequences differ(?![\s\S]*operation \d+: (?!madvise\(9999\)))/,
    why: 'qemu reports success for the unknown advice 9999',
  },
  {
    emulator: 'qemu-user',
    test: 'cpython › all files: the vectors were replayed, and not skipped over',
    saying: /- 52739\n\s+\+ 52809/,
    why: 'the five sequences with the advice 9999 end early',
  },
  {
    emulator: 'qemu-user',
    test: 'pages › mlock: no page of private memory is copied',
    saying: /ENOSYS: function not implemented, mlock2/,
    why: 'qemu does not implement mlock2',
  },
  {
    emulator: 'qemu-user',
    test: /^tasks › results › prefetch: (a file is brought into memory|memory without a file)/,
    saying: /t\.is\(\)[\s\S]*Difference/,
    why: 'qemu reports success for MADV_POPULATE_READ without reading anything',
  },
  {
    emulator: 'qemu-user',
    test: 'tasks › lifetimes › unmap: running and waiting tasks end, and the file is released when it returns',
    saying: /Promise resolved with/,
    why: 'qemu reports success for MADV_POPULATE_READ, so the waiting prefetch is done at once',
  },
  {
    emulator: 'qemu-user',
    test: 'unmap() with tasks running',
    saying: /: (ERR_MMAP_CLOSED)?,(ERR_MMAP_CLOSED,){20}$/m,
    why: 'qemu reports success for MADV_POPULATE_READ, so the prefetch, the last task, is done at once',
  },
  {
    emulator: 'qemu-user',
    test: 'a file that is truncated under a task',
    saying: /too short to be in its middle/,
    why: 'qemu reports success for MADV_POPULATE_READ, so the prefetch is done at once',
  },
  {
    emulator: 'qemu-user',
    test: /^tasks › /,
    saying: /too short to be in its middle/,
    why: 'JavaScript is so slow in qemu that a task ends before a timer can observe it',
  },
  {
    emulator: 'qemu-user',
    test: 'cli › resident: --evict removes it from memory',
    saying: /2048 of 2048 pages are still in memory/,
    why: 'qemu reports success for MADV_PAGEOUT without evicting anything',
  },
  {
    emulator: 'qemu-user',
    test: 'cli › replace: Ctrl-C stops it, with exit code 130',
    saying: /- {3}2,\n\s*\+ {3}130,/,
    why: 'qemu does not map the 64 GiB of this test (ENOMEM)',
  },
  {
    emulator: 'qemu-user, pages of',
    test: 'open › a FIFO does not block the open, and is ENODEV',
    saying: /- 'EINVAL'\n\s+\+ 'ENODEV'/,
    why: 'qemu reads the size of a file before it maps less than one of its pages',
  },
]
