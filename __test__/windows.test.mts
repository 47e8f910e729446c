// What is different on Windows, and how the package deals with it.

import { existsSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { ACCESS_COPY, ACCESS_READ, MADV_WILLNEED, MAP_PRIVATE, mmap, PROT_READ } from 'memmap'
import { mmapWith } from './support/misuse.mjs'
import { onWindows } from './support/platform.mjs'
import { collectUntil, pattern, scratchFile } from './support/portable.mjs'

onWindows('flags, prot, madvise, protect: they are ERR_MMAP_UNSUPPORTED', 'they are there', (t) => {
  const path = scratchFile(t, pattern(100))
  t.throws(() => mmapWith(path, 0, { flags: 1 }), { code: 'ERR_MMAP_UNSUPPORTED' })
  t.throws(() => mmapWith(path, 0, { prot: 1 }), { code: 'ERR_MMAP_UNSUPPORTED' })
  // The constants are undefined here. A program that asks for private memory, or only to read, must
  // not get a mapping that writes to the file.
  t.throws(() => mmap(path, 0, { flags: MAP_PRIVATE }), { code: 'ERR_MMAP_UNSUPPORTED' })
  t.throws(() => mmap(path, 0, { prot: PROT_READ }), { code: 'ERR_MMAP_UNSUPPORTED' })
  t.throws(() => mmap(path, 0, { flags: MAP_PRIVATE, prot: PROT_READ }), { code: 'ERR_MMAP_UNSUPPORTED' })
  mmap(path, 0, { access: ACCESS_READ, flags: undefined }).close()
  using map = mmap(path)
  t.throws(() => map.madvise(0), { code: 'ERR_MMAP_UNSUPPORTED' })
  t.throws(() => map.madvise(MADV_WILLNEED), { code: 'ERR_MMAP_UNSUPPORTED' })
  t.throws(() => map.protect(1), { code: 'ERR_MMAP_UNSUPPORTED' })
  t.throws(() => map.protect(PROT_READ), { code: 'ERR_MMAP_UNSUPPORTED' })
  t.true(map.slice().equals(pattern(100)))
})

onWindows('fd: there is no descriptor', 'there is one', (t) => {
  using file = mmap(scratchFile(t, 'abc'))
  using memory = mmap(-1, 10)
  t.deepEqual([file.fd, memory.fd], [-1, -1])
  t.deepEqual([file.size(), memory.size()], [3, 10])
})

onWindows('mmap: others cannot truncate a file while it is mapped', 'it can, and views read zeros', (t) => {
  const path = scratchFile(t, pattern(100_000))
  const map = mmap(path)
  // Node has no name for ERROR_USER_MAPPED_FILE.
  t.throws(() => truncateSync(path, 10), { code: 'UNKNOWN' })
  t.throws(() => writeFileSync(path, ''), { code: 'UNKNOWN' })
  t.true(map.slice().equals(pattern(100_000)))
  map.close()
  truncateSync(path, 10)
  t.true(readFileSync(path).equals(pattern(10)))
})

onWindows(
  'resize: a shorter length is EBUSY while there is a view, and changes nothing',
  'old views read zeros',
  async (t) => {
    const path = scratchFile(t, pattern(100_000))
    using map = mmap(path)
    const held = { view: map.bytes as Uint8Array | undefined }
    t.throws(() => map.resize(10), { code: 'EBUSY', message: /while it is mapped/ })
    t.is(map.length, 100_000)
    t.is(map.size(), 100_000)
    t.true(map.slice().equals(pattern(100_000)))
    map.setAt(0, 200)
    t.is(held.view?.[0], 200)
    t.is(map.bytes[0], 200)
    // A longer length is possible, and the view stays valid.
    map.resize(200_000)
    map.setAt(1, 201)
    t.is(held.view?.[1], 201)
    held.view = undefined
    const shortened = (): boolean => {
      try {
        map.resize(10)
        return true
      } catch (error) {
        if (!(error instanceof Error) || !('code' in error) || error.code !== 'EBUSY') throw error
        // The view has not been collected yet.
        return false
      }
    }
    t.true(await collectUntil(shortened))
    t.deepEqual([map.length, readFileSync(path).length], [10, 10])
  },
)

onWindows('resize: a shorter length is EBUSY while there is another mapping', 'the other one loses its end', (t) => {
  const path = scratchFile(t, pattern(100_000))
  using map = mmap(path)
  const other = mmap(path, 0, { access: ACCESS_READ })
  t.throws(() => map.resize(10), { code: 'EBUSY' })
  t.true(map.slice().equals(pattern(100_000)))
  other.close()
  map.resize(10)
  t.is(readFileSync(path).length, 10)
})

onWindows('unmap: a mapped file can be removed then at the latest', 'it can be removed at any time', (t) => {
  for (const access of [ACCESS_READ, ACCESS_COPY, undefined] as const) {
    const path = scratchFile(t, pattern(100_000))
    const map = mmap(path, 0, { access })
    const { bytes } = map
    map.close()
    try {
      // By the older rule of Windows, which Wine follows, this is EPERM. By the newer rule the name
      // may be removed.
      unlinkSync(path)
    } catch {
      t.true(existsSync(path))
    }
    t.true(Buffer.from(bytes).equals(pattern(100_000)))
    map.unmap()
    t.is(bytes.length, 0)
    if (existsSync(path)) unlinkSync(path)
    t.false(existsSync(path))
  }
})

onWindows('tagname: it may have 260 characters, and begin with Local\\', 'it becomes a file name', (t) => {
  const long = `memmap-test-${process.pid}-`.padEnd(260, 'x')
  using map = mmap(-1, 10, { tagname: long })
  t.is(map.length, 10)
  t.throws(() => mmap(-1, 10, { tagname: `${long}x` }), { code: 'ERR_OUT_OF_RANGE', message: /"tagname" is too long/ })
  const tagname = `memmap-test-${process.pid}`
  using plain = mmap(-1, 10, { tagname })
  using local = mmap(-1, 10, { tagname: `Local\\${tagname}` })
  plain.write('the same')
  t.is(local.read(8).toString(), 'the same')
})
