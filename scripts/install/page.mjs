// docs/install.md as it is written: what it says to run is run, and its files are in the projects
// that are checked.

import { lstatSync, readFileSync, symlinkSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { packageJson, root } from '../setup.mjs'
import { check, equal } from './checks.mjs'
import { execute, makeProject, PROGRAM, USED, writeFiles } from './projects.mjs'
import { tool } from './tools.mjs'

const PAGE = readFileSync(join(root, 'docs/install.md'), 'utf8')
const BLOCKS = [...PAGE.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, text]) => text)

/** The only block of the page that has this in it. */
export function snippet(part) {
  const [block, ...others] = BLOCKS.filter((text) => text.includes(part))
  if (block === undefined || others.length > 0) throw new Error(`docs/install.md has not one block with "${part}"`)
  return block
}

/** What the page gives a program that is run by one line. */
export function argumentsOf(part) {
  const [, ...words] = snippet(part).trim().split(/ +/)
  return words
}

const READING = `import { ACCESS_READ, mmap } from 'memmap'
const mm = mmap('data.txt', 0, { access: ACCESS_READ })
console.log(mm.slice(0, 5).toString())
`
/** No registry answers, and npm, which asks for what it is given too, does not try again. */
const NOBODY = {
  npm_config_registry: 'http://127.0.0.1:1/',
  NPM_CONFIG_REGISTRY: 'http://127.0.0.1:1/',
  npm_config_fetch_retries: '0',
}

/**
 * Both ways from a clone, which is beside the project as it is in the page, and the permissions of
 * what was installed.
 */
export function checkPage({ env, work, host, runtimes }) {
  console.log('\nFrom a clone, as docs/install.md says')
  if (process.platform === 'win32') {
    console.log('  Not run: the commands of the page are for a shell that Windows has not')
    return
  }
  const folder = join(work, 'page')
  writeFiles(folder, {})
  symlinkSync(root, join(folder, 'memmap'))
  const project = (name, manifest, files) => {
    const path = join(folder, name)
    makeProject(path, manifest, { 'program.mjs': PROGRAM, 'app.js': READING, 'data.txt': 'Hello World!\n', ...files })
    return path
  }
  const shell = (line, cwd, settings) => execute(['sh', '-ec', line], cwd, { ...env, ...NOBODY, ...settings })
  // It finds Cargo from there, where rustup has installed it.
  const asWritten = (part) => shell(snippet(part), folder, { HOME: process.env.HOME })
  const within = ({ program }) => ({
    PATH: `${dirname(program)}${delimiter}${process.env.PATH}`,
    DENO_NO_UPDATE_CHECK: '1',
  })
  const uses = (cwd) => equal(execute([process.execPath, 'program.mjs'], cwd, env), USED)

  const installed = project('your-project', { type: 'module' })
  const ready = check('npm run pack and npm install', () => {
    asWritten('npm run pack')
    uses(installed)
    equal(shell(snippet('npx memmap'), installed).split('\n').slice(0, 2), [
      '5',
      'Usage: memmap COMMAND [OPTION]... FILE',
    ])
  })
  if (!ready) return
  for (const runtime of runtimes) {
    if (runtime.kind === 'node') {
      check(`node --permission, Node ${runtime.exact}`, () => {
        const line = snippet('node --permission')
        const old = line.replace('--permission', '--experimental-permission')
        equal(shell(runtime.version < 22 ? old : line, installed, within(runtime)), 'Hello')
      })
    } else if (runtime.kind === 'deno') {
      check('deno run', () => equal(shell(snippet('deno run'), installed, within(runtime)), 'Hello'))
    } else {
      check('bun add', () => {
        const cwd = project('bun')
        shell(/`(?<line>bun add [^`]+)`/.exec(PAGE).groups.line, cwd, within(runtime))
        uses(cwd)
      })
    }
  }

  // The page can name the library of one system and one version only.
  const { version } = packageJson()
  const here = (part) => snippet(part).replaceAll('linux-x64-gnu', host).replaceAll('0.1.0', version)
  const { dependencies, resolutions } = JSON.parse(here('resolutions'))
  check('Yarn 1, with resolutions', () => {
    const cwd = project('yarn', { dependencies, resolutions })
    execute([process.execPath, tool('yarn/bin/yarn.js'), 'install', '--non-interactive', '--offline'], cwd, env)
    uses(cwd)
  })
  check('Yarn 4, with resolutions', () => {
    const cwd = project('berry', { dependencies, resolutions }, { 'yarn.lock': '' })
    const yarn = [process.execPath, tool('@yarnpkg/cli-dist/bin/yarn.js')]
    const settings = {
      ...env,
      YARN_ENABLE_NETWORK: '0',
      YARN_ENABLE_GLOBAL_CACHE: '0',
      YARN_NODE_LINKER: 'node-modules',
    }
    execute([...yarn, 'install', '--no-immutable'], cwd, settings)
    uses(cwd)
  })
  check('pnpm, with overrides', () => {
    const cwd = project('pnpm', { dependencies }, { 'pnpm-workspace.yaml': here('overrides:') })
    execute([process.execPath, tool('pnpm/bin/pnpm.mjs'), 'install', '--offline', '--no-frozen-lockfile'], cwd, env)
    uses(cwd)
  })
  check('npm run build, and a link', () => {
    asWritten('npm run build')
    equal(lstatSync(join(installed, 'node_modules/memmap')).isSymbolicLink(), true)
    uses(installed)
  })
}
