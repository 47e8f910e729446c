// memmap in what applications are made with: Vue, Next and Vite's builds for a server.

import { cpSync, mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../setup.mjs'
import { check, equal, failure, includes } from './checks.mjs'
import { snippet } from './page.mjs'
import { execute, installPacked, makeProject, PROGRAM, USED, writeFiles } from './projects.mjs'
import { projectOf, tool } from './tools.mjs'

// --- Vue

const REACTIVE = `import { markRaw, isProxy, reactive, readonly, ref } from 'vue'
import { mmap } from 'memmap'
const mm = mmap(-1, 16)
mm.write('hello')
const state = reactive({ mm, marked: markRaw(mm), bytes: mm.bytes })
const found = [state.mm, state.marked, reactive(mm), readonly(mm), ref(mm).value]
console.log(found.every((one) => one === mm && !isProxy(one)), state.mm.slice(0, 5).toString(), state.bytes[0])
`

/**
 * It makes a proxy of plain objects, arrays and collections only, by what Object.prototype.toString
 * says.
 */
export function checkVue({ packed, env }) {
  console.log('\nVue')
  const project = projectOf('vue')
  if (!check('installs', () => installPacked(project, packed, env))) return
  writeFileSync(join(project, 'reactive.mjs'), REACTIVE)
  check('leaves a mapping in what is reactive as it is', () =>
    equal(execute([process.execPath, 'reactive.mjs'], project, env), 'true hello 104'),
  )
}

// --- Next

const ASK = fileURLToPath(new URL('programs/ask-next.mjs', import.meta.url))

const APP = {
  'next.config.js': `${snippet('next.config.js')}
Object.assign(module.exports, {
  output: 'standalone',
  // The folders of the repository above are none of the app's.
  turbopack: { root: __dirname },
  outputFileTracingRoot: __dirname,
})\n`,
  'app/layout.js': `export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>
}\n`,
  'app/page.js': 'export default () => <p>nothing</p>\n',
  'app/copy/route.js': `import { ACCESS_READ, mmap } from 'memmap'
export const dynamic = 'force-dynamic'
export function GET() {
  const mm = mmap(process.env.LOG_FILE, 0, { access: ACCESS_READ })
  try {
    return new Response(mm.slice(0, 5))
  } finally {
    mm.close()
  }
}\n`,
  'app/log/route.js': snippet('app/log/route.js'),
}

const ANSWERS = 'answers: ["Hello","Hello World!\\n"]'

export function checkNext({ packed, env, work }) {
  console.log('\nNext')
  const project = projectOf('next')
  if (!check('installs', () => installPacked(project, packed, env))) return
  const settings = { ...env, NEXT_TELEMETRY_DISABLED: '1', LOG_FILE: join(work, 'next.txt') }
  writeFileSync(settings.LOG_FILE, 'Hello World!\n')
  for (const folder of ['app', '.next']) rmSync(join(project, folder), { recursive: true, force: true })
  writeFiles(project, APP)
  const next = (...args) => execute([process.execPath, 'node_modules/next/dist/bin/next', ...args], project, settings)
  const ask = (folder, ...args) => {
    const text = execute([process.execPath, ASK, ...args], folder, settings)
    equal(
      text.split('\n').find((line) => line.startsWith('answers')),
      ANSWERS,
    )
  }
  if (!check('builds', () => next('build'))) return
  check('starts, and its route handlers map a file', () => ask(project, 'node_modules/next/dist/bin/next', 'start'))
  check('starts by itself elsewhere, built with output standalone', () => {
    const alone = join(work, 'standalone')
    cpSync(join(project, '.next/standalone'), alone, { recursive: true, verbatimSymlinks: true })
    ask(alone, 'server.js')
  })
  check('does not find a linked folder, as docs/install.md says', () => {
    linkRepository(project)
    try {
      includes(
        failure(() => next('build')),
        "Can't resolve 'memmap'",
      )
    } finally {
      unlinkSync(join(project, 'node_modules/memmap'))
    }
  })
}

// --- Vite

/**
 * A build for a server, of what `npm install ../memmap` has linked. From packages it is one of the
 * bundlers.
 */
export function checkLinkedVite({ env, work }) {
  console.log('\nVite, from a linked folder')
  const project = join(work, 'linked')
  makeProject(project, {}, { 'entry.mjs': PROGRAM })
  linkRepository(project)
  const build = (...args) =>
    execute([process.execPath, tool('vite/bin/vite.js'), 'build', '--ssr', 'entry.mjs', ...args], project, env)
  check('fails, as docs/install.md says', () => includes(failure(build), 'memmap.'))
  check('works with ssr.external', () => {
    writeFiles(project, { 'vite.config.mjs': "export default { ssr: { external: ['memmap'] } }\n" })
    build()
    equal(execute([process.execPath, 'dist/entry.mjs'], project, env), USED)
  })
}

/** As `npm install ../memmap` does it. */
function linkRepository(project) {
  const modules = join(project, 'node_modules')
  mkdirSync(modules, { recursive: true })
  rmSync(join(modules, 'memmap'), { recursive: true, force: true })
  symlinkSync(root, join(modules, 'memmap'), 'junction')
}
