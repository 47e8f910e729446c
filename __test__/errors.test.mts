// What errors of the operating system say, where that is more than the system does.

import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, openSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { ACCESS_COPY, ACCESS_READ, ACCESS_WRITE, mmap, PAGESIZE } from 'memmap'
import { runAfter, runWithMounts } from './support/child.mjs'
import { asRootOnLinux, onLinux, onUnix } from './support/platform.mjs'
import { scratchFile, scratchFolder } from './support/portable.mjs'

const GIB = 2 ** 30

interface Failure {
  code: string
  syscall: string
  message: string
}

function failureOf(t: ExecutionContext, call: () => unknown): Failure {
  const error: unknown = t.throws(call)
  return error as Failure
}

// --- What cannot be mapped

onUnix('a folder is EISDIR, whatever is asked of it', 'it opens no folder', (t) => {
  const path = scratchFolder(t)
  const descriptor = openSync(path, 'r')
  t.teardown(() => closeSync(descriptor))
  for (const file of [path, descriptor]) {
    for (const length of [0, 10]) {
      for (const access of [ACCESS_READ, ACCESS_COPY] as const) {
        const { code, syscall, message } = failureOf(t, () => mmap(file, length, { access }))
        t.deepEqual([code, syscall], ['EISDIR', 'mmap'])
        t.true(message.startsWith('EISDIR: illegal operation on a directory, mmap'), message)
      }
    }
  }
})

onUnix('a FIFO and a terminal are ENODEV, with a length and without one', 'it has none of these', (t) => {
  const fifo = join(scratchFolder(t), 'fifo')
  execFileSync('mkfifo', [fifo])
  for (const path of [fifo, '/dev/null', '/dev/ptmx']) {
    for (const length of [0, 10]) {
      const { code, syscall } = failureOf(t, () => mmap(path, length, { access: ACCESS_READ }))
      t.deepEqual([code, syscall], ['ENODEV', 'mmap'], path)
    }
  }
})

onLinux('a pipe, a socket and an epoll are ENODEV, with a length and without one', 'it reads /proc', (t) => {
  const fifo = join(scratchFolder(t), 'fifo')
  execFileSync('mkfifo', [fifo])
  const program = `
    const { readdirSync, readlinkSync } = require('node:fs')
    const kindOf = (descriptor) => {
      try {
        return readlinkSync('/proc/self/fd/' + descriptor)
      } catch {
        return 'closed'
      }
    }
    const epoll = readdirSync('/proc/self/fd').find((descriptor) => kindOf(descriptor) === 'anon_inode:[eventpoll]')
    const kinds = [kindOf(0).startsWith('socket:'), kindOf(3) === args[0]]
    const codes = [0, 3, Number(epoll)].flatMap((descriptor) =>
      [0, 10].map((length) => failureOf(() => memmap.mmap(descriptor, length, { access: memmap.ACCESS_READ })).code)
    )
    say([kinds, codes])
  `
  t.deepEqual(runAfter(`exec 3<> ${fifo}`, program, [fifo]), [[true, true], Array(6).fill('ENODEV')])
})

onLinux('a device that can be mapped needs a length: EINVAL', 'it is about /dev/zero', (t) => {
  t.is(failureOf(t, () => mmap('/dev/zero', 0, { access: ACCESS_READ })).code, 'EINVAL')
  using map = mmap('/dev/zero', 10, { access: ACCESS_READ })
  t.is(map.at(9), 0)
})

onLinux('errno 95 is ENOTSUP, as in Node', 'it is about flags of Linux', (t) => {
  const MAP_SHARED_VALIDATE = 3
  const MAP_SYNC = 0x80000
  const path = scratchFile(t, 100)
  const error = failureOf(t, () => mmap(path, 0, { flags: MAP_SHARED_VALIDATE | MAP_SYNC }))
  t.like(error, { code: 'ENOTSUP', errno: -95, syscall: 'mmap' })
  t.true(error.message.startsWith('ENOTSUP: operation not supported on socket, mmap'), error.message)
})

asRootOnLinux('a file system without mappings that write says what works', 'it mounts', (t) => {
  if (!existsSync('/dev/fuse')) {
    t.log('not run here: there is no /dev/fuse')
    t.pass()
    return
  }
  const folder = scratchFolder(t)
  const script = fileURLToPath(new URL('./fixtures/fuse.mjs', import.meta.url))
  const before = `
    mkdir ${folder}/mounted
    mkfifo ${folder}/ready
    timeout 60 '${process.execPath}' '${script}' ${folder}/mounted > ${folder}/ready &
    read line < ${folder}/ready
  `
  const program = `
    const [folder] = args
    try {
      const file = folder + '/file'
      const { code, message } = failureOf(() => memmap.mmap(file))
      const read = memmap.mmap(file, 0, { access: memmap.ACCESS_READ }).read().toString()
      say([code, message, read])
    } finally {
      require('node:child_process').execFileSync('umount', ['--lazy', folder])
    }
  `
  const said = runWithMounts(t, before, program, [join(folder, 'mounted')])
  if (said === undefined) {
    t.pass()
    return
  }
  const [code, message, read] = said as [string, string, string]
  t.is(code, 'ENODEV')
  t.regex(message, /^ENODEV: no such device \(.* private ones: \{ access: ACCESS_READ \} works\), mmap '/)
  t.is(read, 'from a program\n')
})

// --- lock() of a file that was cut

onUnix('mlock() of a file that was cut is ERR_MMAP_FAULT', 'it cuts no mapped file', (t) => {
  for (const options of [{}, { access: ACCESS_WRITE }, { trackfd: false }] as const) {
    const path = scratchFile(t, 4 * PAGESIZE)
    using map = mmap(path, 0, options)
    truncateSync(path, PAGESIZE)
    map.mlock(0, PAGESIZE)
    const error = failureOf(t, () => map.mlock(0, 4 * PAGESIZE))
    t.is(error.code, 'ERR_MMAP_FAULT')
  }
})

// --- Limits

const HIDDEN = 'the system has no such limit'

onLinux('ENOMEM beyond ulimit -v names it', HIDDEN, (t) => {
  const path = scratchFile(t, 'sparse')
  truncateSync(path, 1024 * GIB)
  for (const proc of [true, false]) {
    const program = `say(failureOf(() => memmap.mmap(args[0], 0, { access: memmap.ACCESS_COPY })))`
    const before = 'ulimit -v 90000000'
    const failure = proc
      ? runAfter(before, program, [path])
      : runWithMounts(t, `mount -t tmpfs tmpfs /proc; ${before}`, program, [path])
    if (failure === undefined) continue
    const { message, ...rest } = failure as Failure
    t.deepEqual(rest, { code: 'ENOMEM', syscall: 'mmap' })
    const used = proc ? String.raw` and has \d+` : ''
    const sentence = `this process may have 92160000000 bytes of addresses${used}: \`ulimit -v\` shows the limit and sets another`
    t.regex(message, new RegExp(String.raw`^ENOMEM: not enough memory \(${sentence}\), mmap '`))
  }
})

onLinux('ENOMEM beyond ulimit -d names it, of private memory only', HIDDEN, (t) => {
  const path = scratchFile(t, 'sparse')
  truncateSync(path, 8 * GIB)
  const program = `
    const copy = failureOf(() => memmap.mmap(args[0], 0, { access: memmap.ACCESS_COPY }))
    const flags = memmap.MAP_PRIVATE | memmap.MAP_ANONYMOUS
    const anonymous = failureOf(() => memmap.mmap(-1, 8 * 2 ** 30, { flags }))
    say([copy.message, anonymous.message, memmap.mmap(args[0], 0, { access: memmap.ACCESS_WRITE }).length])
  `
  const sentence =
    /^ENOMEM: not enough memory \(this process may have 2048000000 bytes of private memory and has \d+: `ulimit -d` shows/
  const [copy, anonymous, length] = runAfter('ulimit -d 2000000', program, [path]) as [string, string, number]
  t.regex(copy, sentence)
  t.regex(anonymous, sentence)
  t.is(length, 8 * GIB)
})

onLinux('mlock() beyond ulimit -l names it', HIDDEN, (t) => {
  // Root has a right to lock more.
  const shell = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-ipc_lock', '--inh-caps=-ipc_lock'] : []
  const program = `
    const map = memmap.mmap(-1, 2 ** 20)
    const { code, syscall, message } = failureOf(() => map.mlock())
    map.mlock(0, 4096)
    say({ code, syscall, message })
  `
  const failure = runAfter('ulimit -l 64', program, [], shell)
  t.deepEqual(failure, {
    code: 'ENOMEM',
    syscall: 'mlock',
    message:
      'ENOMEM: not enough memory (this process may have 65536 bytes of locked memory and has 0: `ulimit -l` shows the limit and sets another), mlock',
  })
  const none = runAfter('ulimit -l 0', `say(failureOf(() => memmap.mmap(-1, 2 ** 20).mlock()))`, [], shell)
  t.like(none, { code: 'EPERM', syscall: 'mlock' })
  t.regex((none as Failure).message, /^EPERM: operation not permitted \(this process may have 0 bytes of locked memory/)
})

onLinux('EFBIG beyond ulimit -f names it', HIDDEN, (t) => {
  const path = join(scratchFolder(t), 'new')
  const program = `
    say(failureOf(() => memmap.mmap(args[0], 2 ** 22, { create: true })))
  `
  // Shells count in 512 or 1024 bytes.
  const { code, message } = runAfter('ulimit -f 2048', program, [path]) as Failure
  t.is(code, 'EFBIG')
  t.regex(
    message,
    /^EFBIG: file too large \(no file of this process may become longer than (1048576|2097152) bytes: `ulimit -f` shows the limit and sets another\), /,
  )
})

onLinux('EMFILE says how many files may be open', HIDDEN, (t) => {
  const path = scratchFile(t, 'content')
  const program = `
    const maps = []
    say(failureOf(() => { for (;;) maps.push(memmap.mmap(args[0])) }))
  `
  const { code, message } = runAfter('ulimit -n 60', program, [path]) as Failure
  t.is(code, 'EMFILE')
  t.regex(
    message,
    /^EMFILE: too many open files \(this process may have 60 files open: `ulimit -n` shows the limit and sets another\), /,
  )
})

asRootOnLinux('ENOMEM under strict accounting says how much is promised', 'it mounts', (t) => {
  // The system's own setting is everybody's: what is tested is what is made of one that says so.
  const strict = scratchFile(t, '2\n')
  const meminfo = scratchFile(t, 'MemTotal: 1 kB\nCommitLimit:    1000 kB\nCommitted_AS:     900 kB\n')
  const before = `mount --bind ${strict} /proc/sys/vm/overcommit_memory; mount --bind ${meminfo} /proc/meminfo`
  const program = `
    const flags = memmap.MAP_PRIVATE | memmap.MAP_ANONYMOUS
    say(failureOf(() => memmap.mmap(-1, 2 ** 47, { flags })).message)
  `
  const message = runWithMounts(t, before, program)
  t.regex(String(message ?? 'no more than 1024000 bytes'), /no more than 1024000 bytes/)
})

onLinux('ENOMEM that no limit explains says nothing more', HIDDEN, (t) => {
  const error = failureOf(t, () => mmap(-1, 2 ** 47, { flags: 0x22 }))
  t.is(error.message, 'ENOMEM: not enough memory, mmap')
})
