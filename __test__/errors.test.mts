// What errors of the operating system say, where that is more than the system does, and how errors
// leave native code.

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

onUnix('mmap: a folder is EISDIR, by path and by descriptor', 'it opens no folder', (t) => {
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

onUnix('mmap: a FIFO and a terminal are ENODEV, with and without a length', 'it has none of these', (t) => {
  const fifo = join(scratchFolder(t), 'fifo')
  execFileSync('mkfifo', [fifo])
  for (const path of [fifo, '/dev/null', '/dev/ptmx']) {
    for (const length of [0, 10]) {
      const { code, syscall } = failureOf(t, () => mmap(path, length, { access: ACCESS_READ }))
      t.deepEqual([code, syscall], ['ENODEV', 'mmap'], path)
    }
  }
})

onLinux('mmap: a pipe, a socket and an epoll are ENODEV, with and without a length', 'it reads /proc', (t) => {
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

onLinux('mmap: a device that can be mapped needs a length: EINVAL', 'it is about /dev/zero', (t) => {
  t.is(failureOf(t, () => mmap('/dev/zero', 0, { access: ACCESS_READ })).code, 'EINVAL')
  using map = mmap('/dev/zero', 10, { access: ACCESS_READ })
  t.is(map.at(9), 0)
})

onLinux('mmap: errno 95 is ENOTSUP, as in Node', 'it is about flags of Linux', (t) => {
  const MAP_SHARED_VALIDATE = 3
  const MAP_SYNC = 0x80000
  const path = scratchFile(t, 100)
  const error = failureOf(t, () => mmap(path, 0, { flags: MAP_SHARED_VALIDATE | MAP_SYNC }))
  t.like(error, { code: 'ENOTSUP', errno: -95, syscall: 'mmap' })
  t.true(error.message.startsWith('ENOTSUP: operation not supported on socket, mmap'), error.message)
})

asRootOnLinux('mmap: the error of a file system without shared writable mappings says what works', 'it mounts', (t) => {
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

onUnix('mlock: a file that was truncated is ERR_MMAP_FAULT', 'it cuts no mapped file', (t) => {
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

onLinux('mmap: ENOMEM beyond ulimit -v names it', HIDDEN, (t) => {
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

onLinux('mmap: ENOMEM beyond ulimit -d names it, for private memory only', HIDDEN, (t) => {
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

onLinux('mlock: ENOMEM beyond ulimit -l names it', HIDDEN, (t) => {
  // Root has the right to lock more, so that right is taken away.
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

onLinux('create: EFBIG beyond ulimit -f names it', HIDDEN, (t) => {
  const path = join(scratchFolder(t), 'new')
  const program = `
    say(failureOf(() => memmap.mmap(args[0], 2 ** 22, { create: true })))
  `
  // Shells count in units of 512 or 1024 bytes.
  const { code, message } = runAfter('ulimit -f 2048', program, [path]) as Failure
  t.is(code, 'EFBIG')
  t.regex(
    message,
    /^EFBIG: file too large \(no file of this process may become longer than (1048576|2097152) bytes: `ulimit -f` shows the limit and sets another\), /,
  )
})

onLinux('mmap: EMFILE says how many files may be open', HIDDEN, (t) => {
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

asRootOnLinux('mmap: ENOMEM under strict accounting says how much is promised', 'it mounts', (t) => {
  // The setting of the system concerns everybody, so another file is mounted over it.
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

onLinux('mmap: ENOMEM that no limit explains says nothing more', HIDDEN, (t) => {
  const error = failureOf(t, () => mmap(-1, 2 ** 47, { flags: 0x22 }))
  t.is(error.message, 'ENOMEM: not enough memory, mmap')
})

// --- Errors of native code

onLinux(
  'all methods: no error ends a program under --abort-on-uncaught-exception',
  'the codes are those of Linux',
  (t) => {
    const program = `
    const { openSync, truncateSync, writeFileSync } = require('node:fs')
    const [folder, native] = args
    const { ACCESS_COPY, ACCESS_READ, mmap, PAGESIZE } = memmap
    const binding = require(native)
    let files = 0
    const fileOf = (length = 4 * PAGESIZE) => {
      const path = folder + '/' + (files += 1)
      writeFileSync(path, Buffer.alloc(length, 'a'))
      return path
    }
    const cut = (options) => {
      const path = fileOf()
      const map = mmap(path, 0, options)
      truncateSync(path, PAGESIZE)
      return map
    }
    const read = (options) => mmap(fileOf(), 0, { access: ACCESS_READ, ...options })
    const calls = {
      'a missing file': () => mmap(folder + '/missing'),
      'a descriptor that only writes': () => mmap(openSync(fileOf(), 'a'), 0, { access: ACCESS_READ }),
      'an empty file': () => mmap(fileOf(0)),
      'a folder': () => mmap(folder),
      'no descriptor': () => mmap(100000),
      'no length': () => mmap(-1, 0),
      'more than the file has': () => mmap(fileOf(), 5 * PAGESIZE, { access: ACCESS_READ }),
      'more than there are addresses': () => mmap(-1, 2 ** 52),
      'a tag that is too long': () => mmap(-1, 10, { tagname: 'a'.repeat(1000) }),
      'resize() of what is only read': () => read().resize(10),
      'resize() without a descriptor': () => mmap(fileOf(), 0, { trackfd: false }).resize(10),
      'resize() to nothing': () => mmap(fileOf()).resize(0),
      'unknown advice': () => read().madvise(1000),
      'unknown protection': () => read().protect(64),
      'slice() of what is lost': () => cut().slice(),
      'at() of what is lost': () => cut().at(-1),
      'setAt() of what is lost': () => cut().setAt(-1, 1),
      'setSlice() of what is lost': () => cut().setSlice('ab', -2),
      'slice() by steps of what is lost': () => cut().slice(0, undefined, 3),
      'move() of what is lost': () => cut().move(0, 2 * PAGESIZE, 10),
      'fill() of what is lost': () => cut().fill(0),
      'find() of what is lost': () => cut().find('b'),
      'rfind() of what is lost': () => cut().rfind('b', -10),
      'count() of what is lost': () => cut().count('b'),
      'findAll() of what is lost': () => [...cut().findAll('b')],
      'lines() of what is lost': () => [...cut().lines()],
      'replaceAll() of what is lost': () => cut().replaceAll('a', 'b'),
      'flush() of what is lost': () => cut().flush(),
      'mlock() of what is lost': () => cut().mlock(),
      'a byte of a view of what is lost': () => {
        const map = mmap(fileOf())
        map.bytes.fill(1)
        truncateSync(folder + '/' + files, PAGESIZE)
        map.at(-1)
      },
      'close() that writes back what is lost': () => {
        const map = cut({ access: ACCESS_COPY, writeBack: true })
        map.setAt(0, 1)
        map.close()
      },
    }
    const tasks = {
      'findAsync() of what is lost': () => cut().findAsync('b'),
      'countAsync() of what is lost': () => cut().countAsync('b'),
      'replaceAllAsync() of what is lost': () => cut().replaceAllAsync('a', 'b'),
      'prefetch() of what is lost': () => cut().prefetch(),
      'a task that is aborted': () => {
        const controller = new AbortController()
        const counted = mmap(-1, 2 ** 28).countAsync('b', 0, undefined, { signal: controller.signal })
        controller.abort()
        return counted
      },
      'a task of a mapping that is unmapped': () => {
        const map = mmap(-1, 2 ** 28)
        const counted = map.countAsync('b')
        map.unmap()
        return counted
      },
    }
    // The TypeScript wrapper calls none of these in this way.
    const bytes = Buffer.alloc(10)
    const { open, ...returning } = {
      access: [], descriptor: [], size: [], checkIntact: [], writeBack: [], newTask: [0],
      open: [folder, null, null, 0, 0, 9, 0, 0, true, 0, 0o666, false, false, false],
      remap: [10], flush: [0, 0], resize: [10], protect: [1], advise: [0, 0, 0],
      lock: [0, 0], unlock: [0, 0], resident: [0, 0], read: [bytes, 0], write: [bytes, 10, 0, 1], readByte: [0],
      writeByte: [0, 0], readStrided: [bytes, 0, 2], copyWithin: [0, 0, 0], fill: [bytes, 0, 0], find: [bytes, 0, 0],
      rfind: [bytes, 0, 0], findAll: [bytes, new Int32Array(1), 0, 0], count: [bytes, 0, 0],
      replaceAll: [bytes, bytes, 0, 0], buffer: [0, false, 0, 0], relocate: [0, bytes, 0, 0, binding.newBufferHold({})],
    }
    const opened = binding.newHandle()
    binding.open(opened, -1, null, null, 10, 0, 0, 0, 0, true, 0, 0o666, false, false, false)
    const returned = {
      'open() with an access that is none': binding.open(binding.newHandle(), ...open),
      'a byte beyond the end': binding.readByte(opened, 10),
      'half a byte': binding.readByte(opened, 0.5),
      'addresses that nobody reserved': binding.relocate(opened, 0, {}, 0, 0, binding.newBufferHold({})),
    }
    for (const [name, rest] of Object.entries(returning)) returned[name] = binding[name](binding.newHandle(), ...rest)

    const main = async () => {
      const codes = {}
      for (const [name, call] of Object.entries(calls)) codes[name] = failureOf(call).code
      for (const [name, call] of Object.entries(tasks)) codes[name] = await call().then(() => 'it did not fail', ({ code }) => code)
      for (const [name, error] of Object.entries(returned)) codes[name] = error instanceof Error && error.code
      say(codes)
    }
    main()
  `
    const args = [scratchFolder(t), fileURLToPath(new URL('./every-runtime/binding.cjs', import.meta.url))]
    const before = 'ulimit -c 0; export NODE_OPTIONS=--abort-on-uncaught-exception'
    const codes = runAfter(before, program, args) as Record<string, string>
    const named: Record<string, string> = {
      'a missing file': 'ENOENT',
      'a descriptor that only writes': 'EACCES',
      'an empty file': 'ERR_OUT_OF_RANGE',
      'a folder': 'EISDIR',
      'no descriptor': 'EBADF',
      'no length': 'EINVAL',
      'more than the file has': 'ERR_OUT_OF_RANGE',
      'more than there are addresses': 'ENOMEM',
      'a tag that is too long': 'ERR_OUT_OF_RANGE',
      'resize() of what is only read': 'ERR_MMAP_READONLY',
      'resize() without a descriptor': 'ERR_INVALID_ARG_VALUE',
      'resize() to nothing': 'ERR_OUT_OF_RANGE',
      'unknown advice': 'EINVAL',
      'unknown protection': 'EINVAL',
      'a task that is aborted': 'ABORT_ERR',
      'open() with an access that is none': 'ERR_OUT_OF_RANGE',
      'a byte beyond the end': 'ERR_OUT_OF_RANGE',
      'half a byte': 'ERR_OUT_OF_RANGE',
      'addresses that nobody reserved': 'ERR_MMAP_NO_VIEW',
    }
    for (const [name, code] of Object.entries(codes)) {
      t.is(
        code,
        named[name] ?? (/ of what is lost| what is lost$/.test(name) ? 'ERR_MMAP_FAULT' : 'ERR_MMAP_CLOSED'),
        name,
      )
    }
    t.is(Object.keys(codes).length, 68)
  },
)

onUnix('all methods: the stack of an error of native code has the caller', 'it cuts no mapped file', (t) => {
  const path = scratchFile(t, 2 * PAGESIZE)
  using map = mmap(path)
  const file = openSync(path, 'a')
  t.teardown(() => closeSync(file))
  truncateSync(path, PAGESIZE)
  const whoCalls = (call: () => unknown): unknown => call()
  const calls = [
    () => mmap(`${path}/missing`),
    () => mmap(file, 0, { access: ACCESS_READ }),
    () => map.slice(),
    () => map.setAt(-1, 1),
    () => map.find('b'),
    () => map.replaceAll('\0', 'b'),
    () => map.madvise(1000),
    () => map.resize(0),
    () => map.flush(),
  ]
  for (const call of calls) {
    const { message, stack } = failureOf(t, () => whoCalls(call)) as Failure & { stack: string }
    t.regex(stack, /^\w*Error: .*\n( +at .*\n)* +at \S*whoCalls \(.*errors\.test\.m[jt]s:\d+:\d+\)\n/, message)
  }
})
