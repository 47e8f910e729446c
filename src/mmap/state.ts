// The base of class Mmap: its mapping, which the methods of all classes of src/mmap/ look up by
// `live()`, and what can be asked about it.

import { inspect } from 'node:util'
import binding, { checked } from '../binding.js'
import { ACCESS_READ } from '../constants.js'
import { closed, invalidThis, noPrimitive, readOnly } from '../errors.js'
import { giveIdentity } from '../identity.js'
import { Mapping, OPEN } from '../mapping.js'
import { type FileLike, type MmapOptions, mmapRequest } from '../options/mmap.js'
import type { NotText } from '../options/objects.js'
import { type Range, rangeFromStart } from '../ranges.js'

// The class assigns these functions, because only it can read its private properties.
/** The mapping, open or closed. */
export let mappingOf: (mm: MmapState) => Mapping
/** The mapping, if it is open. This is called after the checks of the arguments. */
export let live: (mm: MmapState) => Mapping

/** The state of a mapping, and what a mapping is to code that takes any object. */
export class MmapState {
  readonly #mapping: Mapping

  static {
    mappingOf = (mm) => {
      try {
        return mm.#mapping
      } catch {
        throw invalidThis()
      }
    }
    live = (mm) => {
      // It does not call mappingOf, which would make `at()` a sixteenth slower.
      let mapping: Mapping
      try {
        mapping = mm.#mapping
      } catch {
        throw invalidThis()
      }
      if (mapping.life !== OPEN) throw closed()
      return mapping
    }
  }

  /** The same as {@link mmap}. */
  constructor(file: FileLike | -1, length?: number | bigint | NotText<MmapOptions>, options?: MmapOptions) {
    const request = mmapRequest(file, length, options)
    giveIdentity(this)
    this.#mapping = new Mapping(request)
  }

  /**
   * Bytes mapped. That is not the file's size, which is {@link size}.
   * @throws ERR_MMAP_CLOSED
   * @category What is mapped
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * console.log(mm.length) // 24
   * ```
   */
  get length(): number {
    return live(this).length
  }

  /**
   * Where in the file the mapping begins, in bytes.
   * @throws ERR_MMAP_CLOSED
   * @category What is mapped
   * @example
   * ```js
   * const mm = mmap('hello.txt', 5, { offset: 6 })
   * console.log(mm.offset, mm.toString()) // 6 World
   * ```
   */
  get offset(): number {
    return live(this).offset
  }

  /**
   * `ACCESS_*`. With `flags` and `prot` it is what CPython records: `ACCESS_DEFAULT` for read and
   * write, `ACCESS_WRITE` for write alone, else `ACCESS_READ`.
   * @throws ERR_MMAP_CLOSED
   * @category What is mapped
   * @example
   * ```js
   * const mm = mmap('hello.txt', { access: ACCESS_READ })
   * console.log(mm.access === ACCESS_READ) // true
   * ```
   */
  get access(): 0 | 1 | 2 | 3 {
    return live(this).access as 0 | 1 | 2 | 3
  }

  /**
   * Whether opening has created the file (with `create`) or the region (with `tagname`). Of all
   * that open one, in all processes, it is true for one, which can initialise the bytes. It is true
   * of other anonymous memory, and false with a descriptor.
   * @throws ERR_MMAP_CLOSED
   * @category What is mapped
   * @example
   * ```js
   * const mm = mmap('state.bin', 4096, { create: true })
   * if (mm.created) mm.set('version 1')
   * console.log(mm.toString('utf8', 0, 9)) // version 1
   * ```
   */
  get created(): boolean {
    return checked(binding.created(live(this).handle))
  }

  /**
   * Whether it is closed.
   * @category What is mapped
   * @example
   * ```js
   * const mm = mmap('hello.txt')
   * mm.close()
   * console.log(mm.closed) // true
   * ```
   */
  get closed(): boolean {
    return mappingOf(this).life !== OPEN
  }

  /**
   * The descriptor: a duplicate of the file's that belongs to the mapping, or for shared anonymous
   * memory one that a child process can inherit and map. Do not close it. -1 where there is none:
   * `trackfd: false`, Windows, anonymous memory that is private or has a flag such as MAP_STACK.
   * @throws ERR_MMAP_CLOSED
   * @category What is mapped
   * @example
   * ```js
   * // A child with the stdio [0, 1, 2, mm.fd] has the same memory: mmap(3, 4096). (Unix)
   * const mm = mmap(-1, 4096)
   * console.log(typeof mm.fd) // number
   * ```
   */
  get fd(): number {
    return checked(binding.descriptor(live(this).handle))
  }

  /**
   * The fields of CPython's repr. Never throws.
   * @category Conversions
   */
  [inspect.custom](_depth?: number, options?: { stylize?: (text: string, style: 'special') => string }): string {
    // It may be a Proxy of one, or an object that only inherits from one.
    if (!(#mapping in this)) return '<memmap.Mmap>'
    const text = `<memmap.Mmap ${this.#mapping.describe()}>`
    const stylize = options?.stylize
    return typeof stylize === 'function' ? stylize(text, 'special') : text
  }

  /**
   * Throws: a mapping is no string and no number. So code that would take `"[object Mmap]"` for its
   * content does not (`new Blob([mm])`, `${mm}`, `'' + mm`), and the error says what to pass.
   * @throws ERR_INVALID_ARG_TYPE, always
   * @category Conversions
   */
  [Symbol.toPrimitive](hint: string): never {
    throw noPrimitive(hint)
  }

  /** @category Conversions */
  get [Symbol.toStringTag](): string {
    return 'Mmap'
  }
}

/** The mapping, if it is open and may be written. */
export function writable(mm: MmapState): Mapping {
  const mapping = live(mm)
  if (mapping.access === ACCESS_READ) throw readOnly()
  return mapping
}

/** The mapping, if it is open, and where a range lies in it. */
export function liveRange(mm: MmapState, range: Range): [mapping: Mapping, from: number, to: number] {
  const mapping = live(mm)
  const [from, to] = rangeFromStart(range, mapping.length)
  return [mapping, from, to]
}
