// A plugin of TypeDoc that makes docs/api.md a page in which a person finds things: a list of all
// names by task at the top, and nothing that the line with the signature says already.

import { MarkdownPageEvent, MarkdownTheme, MarkdownThemeContext } from 'typedoc-plugin-markdown'

const EXAMPLES = `\
Examples are programs without their first line, which imports the names of this page that they use:
\`import { mmap } from 'memmap'\`. In their folder is \`hello.txt\`, with the lines \`Hello World!\` and
\`Hello you!\`. A comment behind \`console.log(...)\` is what it prints.`

/** Defines the theme. @param {import('typedoc').Application} app */
export function load(app) {
  app.renderer.defineTheme('memmap', ShortTheme)
  app.renderer.on(MarkdownPageEvent.END, (page) => {
    page.contents = page.contents?.replace(/^# API\n/, (title) => `${title}\n${EXAMPLES}\n\n${index(page.contents)}\n`)
  })
}

class ShortTheme extends MarkdownTheme {
  getRenderContext(page) {
    return new ShortContext(this, page, this.application.options)
  }
}

class ShortContext extends MarkdownThemeContext {
  constructor(theme, page, options) {
    super(theme, page, options)
    const { accessor, signatureReturns, signatures } = this.partials
    this.partials = {
      ...this.partials,
      // The type is in the signature.
      signatureReturns: (model, ...rest) =>
        model.comment?.getTag('@returns') === undefined ? '' : signatureReturns(model, ...rest),
      // There are no setters.
      accessor: (...args) => accessor(...args).replace(/^#+ Get Signature\n+/, ''),
      // Overloads that share a comment are listed above it. The last one is the most general.
      signatures: (model, options) => {
        const [first, ...others] = model.signatures ?? []
        if (others.length === 0 || others.some((other) => textOf(other) !== textOf(first))) {
          return signatures(model, options)
        }
        const titles = [first, ...others].slice(0, -1).map((signature) => this.partials.signatureTitle(signature))
        return [...titles, this.partials.signature(others.at(-1), { headingLevel: options.headingLevel + 1 })].join(
          '\n\n',
        )
      },
    }
  }
}

function textOf({ comment }) {
  return comment?.summary.map(({ text }) => text).join('')
}

/** A table of the names under each task of class Mmap, and under each kind of the other exports. */
function index(contents) {
  const rows = []
  let anchor = ''
  let isClass = false
  for (const line of contents.split('\n')) {
    anchor = /^<a id="([^"]+)">/.exec(line)?.[1] ?? anchor
    const [, hashes, text] = /^(#{2,5}) (.+)$/.exec(line) ?? []
    if (hashes === undefined) continue
    const name = text.replaceAll('\\', '').replace(/\(\)$/, '')
    if (hashes.length === 2 || (isClass && hashes.length === 4)) rows.push({ task: name, links: [] })
    if (hashes.length === 2) isClass = name === 'The class'
    const isMember = hashes.length === (isClass ? 5 : 3) || name === 'Mmap'
    if (isMember && !name.startsWith('[') && name !== 'Constructor') rows.at(-1)?.links.push(`[${name}](#${anchor})`)
  }
  const filled = rows.filter(({ links }) => links.length > 0)
  const table = filled.map(({ task, links }) => `| ${task} | ${links.join(', ')} |`)
  return ['| | |', '| --- | --- |', ...table, ''].join('\n')
}
