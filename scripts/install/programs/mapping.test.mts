// The tests of a user of memmap, for Jest and Vitest: `test` and `expect` are globals of both. URL,
// AbortController and TextEncoder are those of the environment: Node's, jsdom's or happy-dom's.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ACCESS_READ, Mmap, mmap } from 'memmap'

const folder = mkdtempSync(join(tmpdir(), 'memmap-test-'))
const path = join(folder, 'file.txt')

beforeEach(() => writeFileSync(path, 'Hello World!\n'))
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))

test('the environment is the one that was asked for', () => {
  expect(typeof window).toBe(process.env.WITH_WINDOW === '1' ? 'object' : 'undefined')
})

test('maps a file and writes to it', () => {
  const mm = mmap(path)
  expect(mm).toBeInstanceOf(Mmap)
  expect(mm.toString()).toBe('Hello World!\n')
  expect(mm.setSlice('Earth', 6, 11)).toBe(undefined)
  mm.close()
  expect(readFileSync(path, 'latin1')).toBe('Hello Earth!\n')
})

test('using closes it', () => {
  let kept: Mmap
  {
    using mm = mmap(path, 0, { access: ACCESS_READ })
    kept = mm
    expect(mm.closed).toBe(false)
    expect(mm.slice(0, 5).toString()).toBe('Hello')
  }
  expect(kept.closed).toBe(true)
})

test('views and copies are of the classes that the test sees', () => {
  const mm = mmap(path)
  const { bytes } = mm
  expect(bytes).toBeInstanceOf(Uint8Array)
  expect(bytes).toEqual(new Uint8Array(readFileSync(path)))
  const world = mm.view(Uint8Array, 6, 5)
  expect(world).toEqual(new Uint8Array([87, 111, 114, 108, 100]))
  world[0] = 66
  expect(mm.slice(6, 11)).toEqual(Buffer.from('Borld'))
  expect([...mm.lines()].map((line) => line.length)).toEqual([12])
  mm.unmap()
  expect(bytes.length).toBe(0)
})

test("findAsync takes the environment's AbortSignal", async () => {
  const mm = mmap(path)
  const { signal } = new AbortController()
  expect(await mm.findAsync('World', 0, mm.length, { signal })).toBe(6)
  const aborted = new AbortController()
  const search = mm.findAsync('not there', 0, mm.length, { signal: aborted.signal })
  aborted.abort()
  // It may have ended before, and so it has the time that it takes.
  expect(['AbortError', -1]).toContain(await search.catch((error: Error) => error.name))
  await expect(mm.findAsync('World', 0, mm.length, { signal: aborted.signal })).rejects.toMatchObject({
    name: 'AbortError',
    code: 'ABORT_ERR',
  })
  mm.close()
})

test("a URL of the environment is a file's name", () => {
  const mm = mmap(new URL(pathToFileURL(path).href), 0, { access: ACCESS_READ })
  expect(mm.slice(0, 5).toString()).toBe('Hello')
  mm.close()
})

test('errors are of the classes that the test sees, with their codes', () => {
  expect(() => mmap(path, 'long' as unknown as number)).toThrow(TypeError)
  expect(() => mmap(join(folder, 'missing'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  const mm = mmap(path)
  mm.close()
  expect(() => mm.slice(0, 1)).toThrow(expect.objectContaining({ code: 'ERR_MMAP_CLOSED' }))
})
