// The programs and commands that README.md and docs/ show: each is run, and must print what the
// page says. CONTRIBUTING.md has the conventions. `npm run test:snippets` runs the programs in
// JavaScript on several runtimes, and installs the packages that some of them use.

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import MarkdownIt from 'markdown-it'
import * as memmap from 'memmap'
import typescript from 'typescript'
import { scratchFolder } from '../support/portable.mjs'

interface Section {
  page: string
  heading: string
  /** Blocks that begin with the name of a file. */
  files: Map<string, string>
  /** A module that makes what the section's programs need, and is run first. */
  preparation: string
  snippets: Snippet[]
}

interface Snippet {
  page: string
  line: number
  language: string
  code: string
  /** The page's block of output, if there is one. */
  output: string | undefined
  /** What its marks say about where it is not run. */
  notRun: { where: string | undefined; reason: string }[]
}

interface Runtime {
  name: string
  kind: string
  program: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))
// A folder in the package: `memmap` is the package itself there, for Node and for TypeScript.
/** What `npx memmap` runs. */
const CLI = join(root, 'cli.js')
const FOLDER = join(root, 'target/snippets')
mkdirSync(FOLDER, { recursive: true })

/** What comes before the name of a program, by the kind of the runtime. */
const LEADING_ARGUMENTS: Record<string, string[]> = { node: [], bun: [], deno: ['run', '--allow-all', '--quiet'] }

const MARK = /^<!--\s*(?<mark>before|not run(?: on (?<where>\w+))?):\s*(?<text>[\s\S]*?)\s*-->\s*$/
const FILE_NAME = /^(?:\/\/|#) ([\w.-]+\.\w+)\n/
/** A package that a program imports, other than memmap. */
const LIBRARY = /from '(?!node:|memmap')(?<name>[@\w][\w/-]*)'/g
const PRINTED = /\b(?:console\.log|print)\(.*\)\s+(?:\/\/|#) (.*)$/gm
const COMMAND = /^\$ (.*)$/gm

const PAGES = ['README.md', 'docs', 'docs/internals', 'docs/recipes'].flatMap((path) => {
  if (path.endsWith('.md')) return [path]
  return readdirSync(join(root, path)).flatMap((name) => (name.endsWith('.md') ? `${path}/${name}` : []))
})

// Made from the comments in src/, whose examples are short.
const API = 'docs/api.md'
const API_PREPARATION = `
import { writeFileSync } from 'node:fs'
writeFileSync('hello.txt', 'Hello World!\\nHello you!\\n')`

/** An example of a comment in src/, with its first line. */
function apiProgram(code: string): string {
  const names = Object.keys(memmap).filter((name) => new RegExp(`\\b${name}\\b`).test(code))
  return `import { ${names.join(', ')} } from 'memmap'\n${code}`
}

/** What a page shows, a section at a time. */
function sectionsOf(page: string): Section[] {
  const sections: Section[] = []
  let section = newSection()
  let notRun: Snippet['notRun'] = []
  const text = readFileSync(join(root, page), 'utf8').replaceAll('\r\n', '\n')
  const tokens = new MarkdownIt({ html: true }).parse(text, {})
  for (const [index, { type, content, info, map }] of tokens.entries()) {
    if (type === 'heading_open') section = newSection(tokens[index + 1]?.content)
    if (type === 'html_block') {
      const { mark, where, text } = MARK.exec(content)?.groups ?? {}
      if (mark === 'before') section.preparation += `${text}\n`
      else if (mark !== undefined) notRun.push({ where, reason: `${mark}: ${text}` })
    }
    if (type === 'fence') {
      const snippet = {
        page,
        line: (map?.[0] ?? 0) + 1,
        language: info.trim(),
        code: page === API ? apiProgram(content) : content,
        output: undefined,
        notRun,
      }
      const last = section.snippets.at(-1)
      const name = FILE_NAME.exec(content)?.[1]
      if (snippet.language === 'text' && last !== undefined && last.output === undefined) last.output = content
      else if (name !== undefined && notRun.length === 0) section.files.set(name, content)
      else section.snippets.push(snippet)
      notRun = []
    }
  }
  return sections

  function newSection(heading = ''): Section {
    const made: Section = {
      page,
      heading,
      files: new Map<string, string>(),
      preparation: page === API ? API_PREPARATION : '',
      snippets: [],
    }
    sections.push(made)
    return made
  }
}

const run = promisify(execFile)

/** Runs a program and returns what it prints. Its files and what prepares it must exist. */
async function printed({ language, code }: Snippet, folder: string, runtime: Runtime): Promise<string> {
  switch (language) {
    case 'js':
    case 'mjs':
      return inRuntime(runtime, folder, 'snippet.mjs', code)
    case 'cjs':
      return inRuntime(runtime, folder, 'snippet.cjs', code)
    case 'ts':
      return inRuntime(runtime, folder, 'snippet.mjs', asJavaScript(code))
    case 'python':
      writeFileSync(join(folder, 'snippet.py'), code)
      return output(folder, 'python3', ['snippet.py'])
    case 'console': {
      let transcript = ''
      for (const [line, command = ''] of code.matchAll(COMMAND)) {
        const [program = '', ...args] = command.split(' ')
        const script = program === 'npx' && args[0] === 'memmap' ? [CLI, ...args.slice(1)] : args
        const isScript = program === 'node' || script !== args
        const said = isScript ? inPlaceOfNode(runtime, folder, script) : output(folder, program, args)
        transcript += `${line}\n${await said}`
      }
      return transcript
    }
    default:
      throw new Error(`A block of "${language}" is not run: mark it with the reason, <!-- not run: ... -->`)
  }
}

function inRuntime(runtime: Runtime, folder: string, name: string, code: string): Promise<string> {
  writeFileSync(join(folder, name), code)
  return inPlaceOfNode(runtime, folder, [name])
}

function inPlaceOfNode({ kind, program }: Runtime, folder: string, args: string[]): Promise<string> {
  return output(folder, program, [...(LEADING_ARGUMENTS[kind] ?? []), ...args])
}

async function output(cwd: string, program: string, args: string[]): Promise<string> {
  const { stdout } = await run(program, args, { cwd, timeout: 120_000 })
  return stdout.replaceAll('\r\n', '\n')
}

const OPTIONS: typescript.CompilerOptions = {
  // Node 20 has no `using`.
  target: typescript.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: typescript.ModuleKind.NodeNext,
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: true,
}

function asJavaScript(code: string): string {
  const compilerOptions = { ...OPTIONS, module: typescript.ModuleKind.ESNext }
  return typescript.transpileModule(code, { compilerOptions }).outputText
}

/** The output that the page gives. */
function expected({ language, code, output }: Snippet): string {
  if (language === 'console') return code
  const comments = Array.from(code.matchAll(PRINTED), ([, line]) => `${line}\n`).join('')
  if (output !== undefined && comments !== '') throw new Error('The output is both in comments and in a block')
  return output ?? comments
}

// As many programs run at a time as there are processors.
const lanes: Promise<unknown>[] = Array.from({ length: availableParallelism() }, () => Promise.resolve())
let turns = 0

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const lane = turns % lanes.length
  turns += 1
  const done = (lanes[lane] ?? Promise.resolve()).then(work)
  lanes[lane] = done.catch(() => {})
  return done
}

const THIS_RUNTIME: Runtime = { name: 'this', kind: 'node', program: process.execPath }

/** The runtimes that `npm run test:snippets` has obtained; otherwise this one. */
const runtimes: Runtime[] =
  process.env.SNIPPET_RUNTIMES === undefined ? [THIS_RUNTIME] : JSON.parse(process.env.SNIPPET_RUNTIMES)

const works = (program: string, args: string[]) =>
  run(program, args).then(
    () => true,
    () => false,
  )
const hasPython = await works('python3', ['--version'])
const hasNumpy = hasPython && (await works('python3', ['-c', 'import numpy']))
const hasCompiler = await works('cc', ['--version'])

const sections = PAGES.flatMap((page) => sectionsOf(page))

/** The packages that the programs of a section import, and that are not installed. */
function missingLibraries({ files, preparation, snippets }: Section): string[] {
  const programs = [...files.values(), preparation, ...snippets.map(({ code }) => code)]
  const names = programs.flatMap((code) => Array.from(code.matchAll(LIBRARY), ({ groups }) => groups?.name ?? ''))
  return names.filter((name) => !existsSync(join(FOLDER, 'node_modules', name)))
}

/** Why a program cannot be run here on a runtime, if it cannot. */
function hindrance(section: Section, { language, code, notRun }: Snippet, { kind }: Runtime): string | undefined {
  const mark = notRun.find(({ where }) => where === undefined || where === process.platform || where === kind)
  if (mark !== undefined) return mark.reason
  const uses = (ending: string) =>
    language === 'console' && [...section.files.keys()].some((name) => name.endsWith(ending))
  if ((language === 'python' || uses('.py')) && !hasPython) return 'not run: there is no python3 here'
  if (uses('.c') && !hasCompiler) return 'not run: there is no C compiler (cc) here'
  if (language === 'python' && code.includes('numpy') && !hasNumpy) return 'not run: python3 has no numpy here'
  const [missing] = missingLibraries(section)
  if (missing !== undefined) return `not run: ${missing} is not installed; npm run test:snippets installs it`
  return undefined
}

let last: Promise<unknown> = Promise.resolve()

/** Runs programs that share memory by a fixed name one after the other. */
function alone<Result>(run: () => Promise<Result>): Promise<Result> {
  const mine = last.then(() => inTurn(run))
  // The test that waits for it reports the failure.
  last = mine.catch(() => undefined)
  return mine
}

/** Where a program is run: only programs in JavaScript are run on several runtimes. */
function runtimesFor({ language, notRun }: Snippet): Runtime[] {
  const once = language === 'python' || notRun.some(({ where }) => where === undefined)
  return once ? runtimes.slice(0, 1) : runtimes
}

for (const section of sections) {
  const { page, heading, files, preparation, snippets } = section
  for (const snippet of snippets) {
    for (const runtime of runtimesFor(snippet)) {
      const on = runtime === THIS_RUNTIME ? '' : ` on ${runtime.name}`
      test(`${page}:${snippet.line} ${heading}${on}`, async (t) => {
        const reason = hindrance(section, snippet, runtime)
        if (reason !== undefined) {
          t.log(reason)
          t.pass()
          return
        }
        const folder = scratchFolder(t, FOLDER)
        for (const [name, content] of files) writeFileSync(join(folder, name), content)
        const isNamed = [...files.values()].some((content) => content.includes("shm: '"))
        const text = await (isNamed ? alone : inTurn)(async () => {
          if (preparation !== '') await inRuntime(THIS_RUNTIME, folder, 'prepare.mjs', preparation)
          return printed(snippet, folder, runtime)
        })
        t.is(text, expected(snippet))
      })
    }
  }
  for (const name of files.keys()) {
    test(`${page} ${heading}: ${name} is used`, (t) => {
      const others = [...files].filter(([other]) => other !== name).map(([, content]) => content)
      // Python imports a file without the end of its name.
      const uses = [name, `from ${name.replace(/\.py$/, '')} import`]
      const all = [...others, ...snippets.map(({ code }) => code)]
      t.true(all.some((code) => uses.some((use) => code.includes(use))))
    })
  }
}

test('ts: the programs have the right types', (t) => {
  if (!existsSync(join(root, 'index.d.ts'))) {
    t.log('not checked: what is built for another platform comes without the types')
    t.pass()
    return
  }
  const folder = scratchFolder(t, FOLDER)
  const snippets = sections.flatMap((section) => section.snippets).filter(({ language }) => language === 'ts')
  const paths = snippets.map(({ page, line, code }) => {
    const path = join(folder, `${page.replaceAll('/', '-')}-${line}.mts`)
    writeFileSync(path, code)
    return path
  })
  const host = typescript.createCompilerHost(OPTIONS)
  const problems = typescript.getPreEmitDiagnostics(typescript.createProgram(paths, OPTIONS, host))
  t.is(typescript.formatDiagnostics(problems, host), '')
  t.true(paths.length > 0)
})
