// Checks what no formatter checks in documents: the width of lines, links within the repository,
// that docs/errors.md has a heading for each code and no page names another one, and that a page
// names each option.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root, spawn, stop } from '../setup.mjs'

const WIDTH = 200
/** README.md is also read in terminals and on the page of npm. */
const README_WIDTH = 120
const README_WORDS = 25
const GENERATED = 'docs/api.md'

export async function checkDocuments() {
  console.log('documents')
  // Imported here, because setUp() may have to install it first.
  const { default: MarkdownIt } = await import('markdown-it')
  const parser = new MarkdownIt({ html: true })
  const names = spawn('git', ['ls-files', '*.md']).stdout.split('\n')
  const documents = new Map()
  for (const name of names.filter((name) => name !== '')) {
    const text = readFileSync(join(root, name), 'utf8')
    const parts = partsOf(parser.parse(text, {}))
    for (const [, id] of text.matchAll(/<a id="([^"]+)">/g)) parts.anchors.add(id)
    documents.set(name, { text, ...parts })
  }
  const problems = [...documents].flatMap(([name, document]) => [
    ...(name === GENERATED ? [] : tooWide(name, document)),
    ...deadLinks(name, document, documents),
  ])
  problems.push(
    ...tooLong(documents.get('README.md')),
    ...wrongCodes(documents.get('docs/errors.md')),
    ...unknownCodes(documents),
    ...unnamedOptions(documents),
  )
  if (problems.length > 0) stop(problems.join('\n'))
}

/** The headings, with the anchors that GitHub gives them, and the links. */
function partsOf(tokens) {
  const headings = []
  const links = []
  let line = 0
  for (const [index, { type, tag, map, children }] of tokens.entries()) {
    // The cells of a table have no `map`, so a link in them gets the line of the row.
    if (map) line = map[0] + 1
    for (const child of children ?? []) {
      const target = child.attrGet('href') ?? child.attrGet('src')
      if (target !== null) links.push({ target, line })
    }
    if (type === 'heading_open') {
      const text = tokens[index + 1].children.map(({ content }) => content).join('')
      headings.push({ text, level: Number(tag.slice(1)) })
    }
  }
  const anchors = new Set()
  for (const { text } of headings) {
    const anchor = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
    let count = 0
    while (anchors.has(count === 0 ? anchor : `${anchor}-${count}`)) count += 1
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`)
  }
  return { headings, anchors, links }
}

/** Lines that are too long. The rows of tables are exempt, because they cannot be wrapped. */
function tooWide(name, { text }) {
  const most = name === 'README.md' ? README_WIDTH : WIDTH
  return text.split('\n').flatMap((line, index) => {
    if (line.length <= most || (line.startsWith('|') && name !== 'README.md')) return []
    return [`${name}:${index + 1}: ${line.length} characters, but a line there has at most ${most}`]
  })
}

/** Sentences of README.md that have to be read twice. */
function tooLong({ text }) {
  const prose = text.replaceAll(/^```[\s\S]*?^```$|^<!--[\s\S]*?-->$|^\|.*$|^#.*$/gm, '\n\n')
  return prose.split(/(?<=[.:!?])\s|\n\n|\n\* /).flatMap((sentence) => {
    const words = sentence.split(/\s+/).filter((word) => word !== '').length
    return words > README_WORDS ? [`README.md: ${words} words in "${sentence.trim().slice(0, 60)}..."`] : []
  })
}

function deadLinks(name, { links }, documents) {
  return links.flatMap(({ target, line }) => {
    if (/^[a-z]+:/.test(target)) return []
    const [path, anchor] = target.split('#')
    const file = path === '' ? name : join(dirname(name), path)
    const known = documents.get(file)
    if (!existsSync(join(root, file))) return [`${name}:${line}: ${file} does not exist`]
    if (anchor === undefined || known === undefined || known.anchors.has(anchor)) return []
    return [`${name}:${line}: ${file} has no heading #${anchor}`]
  })
}

/** The differences between the headings of docs/errors.md and the type `ErrorCode`. */
function wrongCodes({ headings }) {
  const [, union] = /export type ErrorCode =([^;{]*?)\n\n/.exec(readFileSync(join(root, 'src/errors.ts'), 'utf8'))
  const typed = Array.from(union.matchAll(/'(\w+)'/g), ([, code]) => code)
  const end = headings.findIndex(({ text }) => text === 'Errors of the operating system')
  const described = headings.slice(0, end).flatMap(({ text, level }) => (level === 3 ? [text] : []))
  const missing = typed.filter((code) => !described.includes(code))
  const unknown = described.filter((code) => !typed.includes(code))
  return [
    ...missing.map((code) => `docs/errors.md has no heading for ${code} of ErrorCode`),
    ...unknown.map((code) => `docs/errors.md has a heading for ${code}, which is not in ErrorCode`),
  ]
}

/** Codes that pages name, and that docs/errors.md has no heading for. */
function unknownCodes(documents) {
  const known = new Set(documents.get('docs/errors.md').headings.map(({ text }) => text))
  return Array.from(documents).flatMap(([name, { text }]) => {
    const codes = new Set(Array.from(text.matchAll(/\bERR_[A-Z_]*[A-Z]\b/g), ([code]) => code))
    return [...codes].flatMap((code) => {
      return known.has(code) ? [] : [`${name} names ${code}, for which docs/errors.md has no heading`]
    })
  })
}

const OPTIONS = /^(?:export )?interface \w+Options\b[^{]*\{(?<body>[\s\S]*?)^\}/gm
const COMMAND_OPTION = /^ {2}(?:-\w, | {4})(?<name>--[\w-]+)/gm

/** Options of the package that no page for users names in code, and those of the command. */
function unnamedOptions(documents) {
  const pages = Array.from(documents, ([name, { text }]) => {
    return /^(README|docs\/(?!api|internals))/.test(name) ? text : ''
  }).join('\n')
  const types = readFileSync(join(root, 'index.d.ts'), 'utf8')
  const names = Array.from(types.matchAll(OPTIONS), ({ groups: { body } }) => {
    return Array.from(body.matchAll(/^ {2}(\w+)\??:/gm), ([, name]) => name)
  }).flat()
  const unnamed = [...new Set(names)].filter((name) => !new RegExp(`(?:\`|[{,] )${name}\\b`).test(pages))
  const commands = readdirSync(join(root, 'src/cli')).map((name) => readFileSync(join(root, 'src/cli', name), 'utf8'))
  const flags = Array.from(commands.join('\n').matchAll(COMMAND_OPTION), ({ groups: { name } }) => name)
  const page = documents.get('docs/command.md').text
  const unnamedFlags = [...new Set(flags)].filter((flag) => flag !== '--help' && !page.includes(`\`${flag}`))
  return [
    ...unnamed.map((name) => `No page names the option "${name}" of index.d.ts`),
    ...unnamedFlags.map((flag) => `docs/command.md does not name the option ${flag}`),
  ]
}
