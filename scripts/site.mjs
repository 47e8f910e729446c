// npm run docs:site: makes target/site, a site of the API and of all pages, and checks its links.
// It can be published as it is: its links are relative.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { installDependencies, root, stop } from './setup.mjs'

const OUT = join(root, 'target/site')
/** Copies of the pages, changed so that TypeDoc understands them. */
const PAGES = join(root, 'target/pages')

installDependencies()
// Imported here, because it may have been installed just now.
const { Application, TSConfigReader } = await import('typedoc')

const pages = copyPages()
const shared = JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8'))
const options = {
  plugin: [join(root, 'scripts/check/typedoc-one-class.mjs')],
  entryPoints: shared.entryPoints,
  categorizeByGroup: shared.categorizeByGroup,
  categoryOrder: shared.categoryOrder,
  sort: shared.sort,
  intentionallyNotExported: shared.intentionallyNotExported,
  treatWarningsAsErrors: true,
  // `npm run check` checks the types.
  skipErrorChecking: true,
  disableSources: true,
  name: 'memmap',
  readme: join(PAGES, 'README.md'),
  projectDocuments: pages.filter((page) => page !== 'README.md').map((page) => join(PAGES, page)),
  highlightLanguages: ['js', 'ts', 'json', 'yaml', 'sh', 'console', 'python', 'c'],
  out: OUT,
  cleanOutputDir: true,
  logLevel: 'Warn',
}
// Only this reader, because another one would read all of typedoc.json.
const app = await Application.bootstrapWithPlugins(options, [new TSConfigReader()])
const project = await app.convert()
if (project === undefined) stop('TypeDoc could not read index.d.ts')
await app.generateDocs(project, OUT)
if (app.logger.hasErrors() || app.logger.hasWarnings()) stop('TypeDoc could not make the site')

const problems = deadLinks(OUT)
if (problems.length > 0) stop(problems.join('\n'))
console.log('target/site is complete, and has no dead links')

/** Copies the pages and pictures, and returns the names of the pages. */
function copyPages() {
  rmSync(PAGES, { recursive: true, force: true })
  mkdirSync(PAGES, { recursive: true })
  cpSync(join(root, 'docs'), join(PAGES, 'docs'), { recursive: true })
  const names = readdirSync(join(PAGES, 'docs'), { recursive: true }).map(
    (name) => `docs/${name.replaceAll('\\', '/')}`,
  )
  // The site has the API itself.
  const documents = names.filter((name) => name.endsWith('.md') && name !== 'docs/api.md')
  const pages = ['README.md', ...documents, 'CHANGELOG.md', 'CONTRIBUTING.md']
  const known = new Set([...pages, ...names.filter((name) => name.endsWith('.svg'))])
  for (const page of pages) {
    writeFileSync(join(PAGES, page), forTypeDoc(page, readFileSync(join(root, page), 'utf8'), known))
  }
  return pages
}

/**
 * TypeDoc leaves code in headings out of their anchors, so headings have no code. Links to files
 * that are not on the site become text, and those to the API lead to its class.
 */
function forTypeDoc(page, text, known) {
  return text
    .replaceAll(/^#+ .*$/gm, (heading) => heading.replaceAll('`', ''))
    .replaceAll(/(?<!!)\[([^\]]+)\]\(([^)\s]+)\)/g, (link, words, target) => {
      const [path, anchor] = target.split('#')
      if (path === '' || /^[a-z]+:/.test(path)) return link
      const file = posix.join(posix.dirname(page), path)
      if (file === 'docs/api.md') return `{@link Mmap | ${words.replaceAll('`', '')}}`
      return known.has(file) ? `[${words}](${path}${anchor === undefined ? '' : `#${anchor}`})` : words
    })
}

/** Links of the site that lead nowhere. */
function deadLinks(folder) {
  const texts = new Map(
    readdirSync(folder, { recursive: true })
      .filter((name) => name.endsWith('.html'))
      .map((name) => [join(folder, name), readFileSync(join(folder, name), 'utf8')]),
  )
  const anchors = new Map(
    Array.from(texts, ([file, text]) => [file, new Set(Array.from(text.matchAll(/ id="([^"]+)"/g), ([, id]) => id))]),
  )
  return Array.from(texts).flatMap(([file, text]) => {
    const links = Array.from(text.matchAll(/ (?:href|src)="([^"]+)"/g), ([, target]) => target.replaceAll('&amp;', '&'))
    return links.flatMap((link) => {
      if (/^[a-z]+:/i.test(link)) return []
      const [path, anchor] = decodeURIComponent(link).split('#')
      const target = path === '' ? file : join(dirname(file), path.replace(/\?.*/, ''))
      const from = relative(folder, file)
      if (!existsSync(target)) return [`${from}: ${link} does not exist`]
      if (!anchor || !anchors.has(target) || anchors.get(target).has(anchor)) return []
      return [`${from}: ${link} has no such anchor`]
    })
  })
}
