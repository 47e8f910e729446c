// npm run pictures: draws docs/pictures/. Each picture is a function here, so a wrong word is
// mended here. `npm run check` draws them again and compares.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Narrow, so that a phone shows its words at a size that can be read. */
const WIDTH = 480

// A picture has its own ground, because a page can be dark where the system prefers light.
const STYLE = `
.ground{fill:#ffffff;stroke:#d1d9e0}
text{fill:#1f2328;font:15px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:14px}
.strong{font-weight:600}
.quiet{fill:#59636e;font-size:14px}
.middle{text-anchor:middle}
.end{text-anchor:end}
.box{fill:none;stroke:#818b98}
.ours{fill:#ddf4ff;stroke:#0969da}
.changed{fill:#fff1c2;stroke:#9a6700}
.absent{fill:none;stroke:#818b98;stroke-dasharray:4 3}
.filled{fill:#eaeef2;stroke:#818b98}
.line{fill:none;stroke:#59636e;stroke-width:1.5}
.head{fill:#59636e}
.stop{stroke:#d1242f;stroke-width:2}
@media(prefers-color-scheme:dark){
.ground{fill:#0d1117;stroke:#3d444d}
text{fill:#f0f6fc}
.quiet{fill:#9198a1}
.box,.absent{stroke:#7d8590}
.ours{fill:#10335c;stroke:#4493f8}
.changed{fill:#4b3a08;stroke:#d29922}
.filled{fill:#2a313c;stroke:#7d8590}
.line{stroke:#9198a1}
.head{fill:#9198a1}
.stop{stroke:#f85149}
}`

/** All pictures: their paths in the repository, and what is in them. */
export const PICTURES = new Map([
  ['docs/pictures/mapping.svg', mapping()],
  ['docs/pictures/access.svg', access()],
  ['docs/pictures/closing.svg', closing()],
])

export function drawPictures() {
  for (const [path, svg] of PICTURES) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), svg)
  }
}

/** The file, the page cache, an array over it, and another process. */
function mapping() {
  const pages = ['absent', 'filled', 'changed', 'filled', 'absent', 'absent', 'filled']
  return picture({
    height: 424,
    title: 'How a mapping works',
    description:
      'An array of your program and the mapping of another process show the same pages of the page cache in RAM. ' +
      'The system reads a page from the file when it is touched first, and writes changed pages back later.',
    parts: [
      box(20, 20, 210, 92, 'box'),
      text(125, 44, 'your program', 'middle strong'),
      text(125, 74, 'mm.bytes[2] = 7', 'middle code'),
      text(125, 98, 'a Uint8Array', 'middle quiet'),
      box(250, 20, 210, 92, 'box'),
      text(355, 44, 'another process', 'middle strong'),
      text(355, 74, 'mm.bytes[2] // 7', 'middle code'),
      text(355, 98, 'the same file, mapped', 'middle quiet'),
      arrow(125, 112, 125, 168, { both: true }),
      arrow(355, 112, 355, 168, { both: true }),
      text(240, 146, 'the same memory', 'middle quiet'),
      box(20, 170, 440, 92, 'ours'),
      text(240, 194, 'page cache: RAM of the system', 'middle strong'),
      ...pages.map((kind, index) => box(54 + index * 54, 206, 48, 40, kind === 'absent' ? 'absent' : kind)),
      arrow(105, 320, 105, 264),
      text(118, 289, 'a page is read when', 'quiet'),
      text(118, 307, 'it is first touched', 'quiet'),
      arrow(290, 264, 290, 320),
      text(303, 289, 'changed pages are', 'quiet'),
      text(303, 307, 'written back later', 'quiet'),
      box(20, 322, 440, 82, 'box'),
      text(240, 346, 'file on the disk', 'middle strong'),
      ...pages.map((_, index) => box(54 + index * 54, 356, 48, 36, 'filled')),
    ],
  })
}

/** Who sees what is stored, with each ACCESS_*. */
function access() {
  const rows = [
    {
      name: 'ACCESS_WRITE',
      note: 'the default',
      file: 'changed',
      goes: true,
      lines: ['The file has the change.', 'Every other process sees it at once.'],
    },
    {
      name: 'ACCESS_READ',
      note: 'set() throws ERR_MMAP_READONLY',
      file: 'filled',
      goes: false,
      lines: ['The file stays as it is, also when you', 'store through a view: only you see that.'],
    },
    {
      name: 'ACCESS_COPY',
      note: 'a draft',
      file: 'filled',
      goes: false,
      lines: ['The file stays as it is. Only you see', 'what you store. (writeBack saves it.)'],
    },
  ]
  return picture({
    height: 480,
    title: 'Who sees what you store',
    description:
      'With ACCESS_WRITE a store reaches the file and all other processes. ' +
      'With ACCESS_READ and ACCESS_COPY it stays with you, and the file does not change.',
    parts: rows.flatMap(({ name, note, file, goes, lines }, index) => {
      const top = 18 + index * 154
      return [
        text(20, top + 18, name, 'code strong'),
        text(136, top + 18, note, 'quiet'),
        text(20, top + 46, 'you', 'quiet'),
        text(460, top + 46, 'file, and others', 'quiet end'),
        ...[0, 1, 2, 3].map((page) => box(20 + page * 42, top + 54, 38, 36, page === 1 ? 'changed' : 'ours')),
        ...(goes ? [arrow(196, top + 72, 284, top + 72)] : [...blocked(196, top + 72, 284)]),
        ...[0, 1, 2, 3].map((page) => box(296 + page * 42, top + 54, 38, 36, page === 1 ? file : 'filled')),
        ...lines.map((line, number) => text(20, top + 112 + number * 19, line, '')),
      ]
    }),
  })
}

/** What is left after close(), and after unmap(). */
function closing() {
  const columns = [
    {
      left: 20,
      call: 'mm.close()',
      view: 'ours',
      viewText: 'view.length is 4',
      viewNote: 'still shows the file',
      fileText: 'is mapped until the',
      fileNote: 'view is collected',
      line: true,
    },
    {
      left: 250,
      call: 'mm.unmap()',
      view: 'absent',
      viewText: 'view.length is 0',
      viewNote: 'empty from now on',
      fileText: 'is released now: it can',
      fileNote: 'be cut and deleted',
      line: false,
    },
  ]
  return picture({
    height: 402,
    title: 'close() beside unmap()',
    description:
      'After close() the methods throw, and views taken before still show the file. ' +
      'After unmap() views are empty, and the file is released at once.',
    parts: columns.flatMap(({ left, call, view, viewText, viewNote, fileText, fileNote, line }) => {
      const centre = left + 105
      return [
        box(left, 20, 210, 362, 'box'),
        text(centre, 46, call, 'middle code strong'),
        text(centre, 76, 'mm.indexOf(...) throws', 'middle'),
        text(centre, 96, 'ERR_MMAP_CLOSED', 'middle code'),
        ...[0, 1, 2, 3].map((page) => box(left + 23 + page * 42, 118, 38, 36, view)),
        text(centre, 176, viewText, 'middle code'),
        text(centre, 197, viewNote, 'middle quiet'),
        ...(line ? [arrow(centre, 208, centre, 262, { both: true })] : [...cut(centre, 208, 262)]),
        ...[0, 1, 2, 3].map((page) => box(left + 23 + page * 42, 268, 38, 36, 'filled')),
        text(centre, 328, 'the file', 'middle strong'),
        text(centre, 348, fileText, 'middle quiet'),
        text(centre, 367, fileNote, 'middle quiet'),
      ]
    }),
  })
}

// --- What a picture is made of

function picture({ height, title, description, parts }) {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${escaped(title)}</title>
<desc>${escaped(description)}</desc>
<style>${STYLE}
</style>
<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
${parts.join('\n')}
</svg>
`
}

function box(x, y, width, height, kind) {
  return `<rect class="${kind}" x="${x + 0.5}" y="${y + 0.5}" width="${width}" height="${height}" rx="5"/>`
}

function text(x, y, words, kind) {
  return `<text x="${x}" y="${y}"${kind === '' ? '' : ` class="${kind}"`}>${escaped(words)}</text>`
}

/** A line with a head at its end, or at both. */
function arrow(x1, y1, x2, y2, { both = false } = {}) {
  const heads = [head(x2, y2, x1, y1), ...(both ? [head(x1, y1, x2, y2)] : [])]
  return `<path class="line" d="M${x1} ${y1}L${x2} ${y2}"/>${heads.join('')}`
}

/** The head of an arrow at (x, y) that comes from (fromX, fromY), on a line that is not oblique. */
function head(x, y, fromX, fromY) {
  const [alongX, alongY] = [Math.sign(x - fromX), Math.sign(y - fromY)]
  const [baseX, baseY] = [x - alongX * 9, y - alongY * 9]
  const [sideX, sideY] = [alongY * 5, alongX * 5]
  return `<path class="head" d="M${x} ${y}L${baseX + sideX} ${baseY + sideY}L${baseX - sideX} ${baseY - sideY}Z"/>`
}

/** An arrow to the right that ends at a bar. */
function blocked(x1, y, x2) {
  const middle = (x1 + x2) / 2
  return [arrow(x1, y, middle - 4, y), `<path class="stop" d="M${middle + 2} ${y - 14}V${y + 14}"/>`]
}

/** A line downwards that is cut. */
function cut(x, y1, y2) {
  const middle = (y1 + y2) / 2
  return [
    `<path class="line" stroke-dasharray="3 5" d="M${x} ${y1}V${y2}"/>`,
    `<path class="stop" d="M${x - 9} ${middle - 9}L${x + 9} ${middle + 9}M${x + 9} ${middle - 9}L${x - 9} ${middle + 9}"/>`,
  ]
}

function escaped(words) {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  drawPictures()
  for (const path of PICTURES.keys()) console.log(path)
}
