// memmap resident FILE

import { closeSync, fsyncSync, openSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ACCESS_READ, MADV_PAGEOUT, type Mmap, mmap, PAGESIZE } from 'memmap'
import { inUnits, positionals } from './arguments.js'
import { colours, DIM, GREEN, type Output, ProgressBar, RESET } from './output.js'

export const RESIDENT_HELP = `Usage: memmap resident [OPTION]... FILE

Shows which parts of a file are in memory: in the page cache, or on Windows in the working set.

      --load        first reads all of the file into memory
      --evict       first removes it from memory (Linux 5.4 and newer). A page stays if another
                    process has mapped it
      --color WHEN  always, never, or auto (on a terminal, unless NO_COLOR is set)
      --json        prints an object
  -h, --help        prints this
`

const ROWS = 16
/** From none to all pages of a cell. */
const SHADES = ['·', '░', '▒', '▓', '█']
const NONE = '·'
const PIECE = 8 * 1024 * 1024

export async function resident(args: string[], output: Output): Promise<number> {
  const { values, positionals: given } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      load: { type: 'boolean', default: false },
      evict: { type: 'boolean', default: false },
      color: { type: 'string', default: 'auto' },
      json: { type: 'boolean', default: false },
    },
  })
  const [file = ''] = positionals(given, ['FILE'])
  const inColour = colours(values.color)

  using mm = mmap(file, { access: ACCESS_READ, allowEmpty: true })
  if (values.evict) await evict(mm, file)
  if (values.load) await load(mm)
  const { resident, total } = mm.resident()
  if (values.json) {
    const object = { file, length: mm.length, pageSize: PAGESIZE, resident, total, ranges: ranges(mm) }
    await output.write(`${JSON.stringify(object)}\n`)
    return 0
  }
  const percent = total === 0 ? '0' : ((resident / total) * 100).toFixed(resident === total ? 0 : 1)
  await output.write(`${file}: ${resident} of ${total} pages in memory (${percent} %), ${inUnits(mm.length)}\n`)
  if (total > 0) await output.write(picture(mm, total, output.width, inColour))
  return 0
}

async function load(mm: Mmap): Promise<void> {
  const bar = new ProgressBar('loading')
  try {
    await mm.prefetch({ onProgress: bar.show })
    // On Windows prefetching fills the cache, but only a page that was touched is in the working
    // set.
    if (process.platform === 'win32') await mm.countAsync('\n')
  } finally {
    bar.clear()
  }
}

async function evict(mm: Mmap, file: string): Promise<void> {
  if (MADV_PAGEOUT === undefined) throw new Error('--evict needs Linux 5.4 or newer')
  // The system does not evict pages with changes that are not on the disk yet.
  const fd = openSync(file, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  const bar = new ProgressBar('evicting')
  for (let start = 0; start < mm.length; start += PIECE) {
    const stop = Math.min(start + PIECE, mm.length)
    if (mm.resident(start, stop).resident > 0) {
      // The system evicts the pages that this process has touched.
      await mm.prefetch(start, stop)
      mm.madvise(MADV_PAGEOUT, start, stop - start)
    }
    bar.show({ done: stop, total: mm.length })
  }
  bar.clear()
}

/** The ranges of bytes that are in memory. */
function ranges(mm: Mmap): [start: number, stop: number][] {
  const found: [number, number][] = []
  for (const page of residentPages(mm, 0, mm.length)) {
    const last = found.at(-1)
    const stop = Math.min(page + PAGESIZE, mm.length)
    if (last?.[1] === page) last[1] = stop
    else found.push([page, stop])
  }
  return found
}

/** The pages of a range that are in memory. Halves a range until it is all or nothing. */
function* residentPages(mm: Mmap, start: number, stop: number): Generator<number> {
  const { resident, total } = mm.resident(start, stop)
  if (resident === 0) return
  if (resident === total) {
    for (let page = start; page < stop; page += PAGESIZE) yield page
    return
  }
  const middle = start + Math.ceil((stop - start) / PAGESIZE / 2) * PAGESIZE
  yield* residentPages(mm, start, middle)
  yield* residentPages(mm, middle, stop)
}

/** A cell for each so many pages, in at most ROWS rows. */
function picture(mm: Mmap, total: number, width: number, inColour: boolean): string {
  const columns = Math.max(Math.min(width - 12, 64), 16)
  const pages = Math.ceil(total / (columns * ROWS))
  const step = pages * PAGESIZE
  const row = columns * step
  let text = `█ in memory, ░▒▓ in part, ${NONE} not; one cell is ${inUnits(step)}\n`
  for (let start = 0; start < mm.length; start += row) {
    let cells = ''
    for (let at = start; at < Math.min(start + row, mm.length); at += step) {
      cells += cell(mm.resident(at, at + step), inColour)
    }
    text += `${inUnits(start).padStart(10)} ${cells}\n`
  }
  return text
}

function cell({ resident, total }: { resident: number; total: number }, inColour: boolean): string {
  const last = SHADES.length - 1
  // Only an empty cell looks empty, and only a full one looks full.
  const share = resident === total ? last : Math.min(Math.ceil((resident / total) * last), last - 1)
  const shade = SHADES[share] ?? NONE
  if (!inColour) return shade
  return `${share === 0 ? DIM : GREEN}${shade}${RESET}`
}
