// npm run test:install: what is published, installed from a registry on this machine by npm, pnpm,
// Yarn (classic, and with Plug'n'Play), Bun and Deno into projects of their own, and used there:
// with the guide's programs on every runtime that can be had, bundled, and packed for Electron.
// Then the packed files, in the tools that a user has beside it, as docs/install.md says. Ends with
// "N passed, N failed".
//   --artifacts DIR    the libraries that are published with it: memmap.*.node; otherwise the one
//                      that was built here
//   --manager npm      only that manager, and none of the tools; may be repeated
//   --tool jest        only that tool; may be repeated
// Tools and runtimes come from the npm registry, and stay in target/. After that there is no
// network: on Linux, if the system lets us, nothing but this machine can be reached.

import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { obtain, RUNTIMES } from '../matrix/obtain.mjs'
import { libraryName, publish, stage } from '../release/stage.mjs'
import { nativeLibrary, packageJson, root, setUp, spawn, stop } from '../setup.mjs'
import { checkBundlers, checkElectronBuilder } from './bundlers.mjs'
import { check, counts, equal } from './checks.mjs'
import { addExamples, argumentsFor, COMPILER_OPTIONS, dependencies, EXAMPLES } from './examples.mjs'
import { checkBunCompile, checkDenoCompile, checkSea, obtainDenoCompile } from './executables.mjs'
import { checkLinkedVite, checkNext, checkVue } from './frameworks.mjs'
import { packageManagers } from './managers.mjs'
import { checkPage } from './page.mjs'
import {
  cleanEnvironment,
  execute,
  makeProject,
  output,
  pack,
  registryEnvironment,
  USE,
  USED,
  writeFiles,
} from './projects.mjs'
import { startRegistry } from './registry.mjs'
import { checkJest, checkVitest } from './runners.mjs'
import { FOLDER, obtainTools, tool } from './tools.mjs'

/** By the name that --tool takes. */
const TOOL_CHECKS = {
  page: checkPage,
  jest(context) {
    for (const name of ['jest29', 'jest30']) checkJest(name, context)
  },
  vitest: checkVitest,
  vue: checkVue,
  next: checkNext,
  vite: checkLinkedVite,
  sea: checkSea,
  'bun-compile': checkBunCompile,
  'deno-compile': checkDenoCompile,
}

const OLD_NODES = [16, 18].map((version) => ({ ...RUNTIMES[0], name: `node${version}`, version }))

const { values: options } = parseArgs({
  options: {
    artifacts: { type: 'string', default: root },
    manager: { type: 'string', multiple: true },
    tool: { type: 'string', multiple: true },
  },
})
const unknown = options.tool?.find((name) => !(name in TOOL_CHECKS))
if (unknown !== undefined) stop(`There is no tool ${unknown}, but ${Object.keys(TOOL_CHECKS).join(', ')}`)
setUp()
const host = nativeLibrary().split('.')[1]
const MEMMAP = { memmap: packageJson().version }

// --- The steps

async function main() {
  const started = performance.now()
  const work = realpathSync(mkdtempSync(join(tmpdir(), 'memmap-install-')))
  process.once('exit', () => rmSync(work, { recursive: true, force: true }))
  // So that nothing is left behind, the registry above all.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  const staged = await stage(join(FOLDER, 'staged'), resolve(options.artifacts), { partial: true })
  if (!staged.platforms.includes(host)) stop(`There is no ${libraryName(host)} in ${options.artifacts}`)
  const obtained = obtainRuntimes()
  if (options.tool === undefined) await checkManagers(staged, obtained, work)
  if (options.manager === undefined) checkTools(staged, obtained, work)

  console.log(`\n${((performance.now() - started) / 1000).toFixed(0)} s`)
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1
}

async function checkManagers(staged, { runtimes, oldNodes }, work) {
  console.log(`\nPackages, with libraries for ${staged.platforms.join(', ')}`)
  checkPackages(staged, work)

  const registry = await startRegistry(work, staged.home)
  check('a release that is run again passes over what is published', () =>
    publish(staged.home, registryEnvironment(work, registry.url)),
  )
  const deno = runtimes.find(({ kind }) => kind === 'deno')?.program
  const managers = packageManagers(registry.url, work, { libc: host.split('-')[2], deno }).filter(
    ({ name }) => options.manager?.includes(name) ?? true,
  )
  if (managers.length === 0) stop('There is no such manager')

  for (const manager of managers) checkManager(manager, staged, work)
  const plain = managers.find(({ name }) => name !== 'yarn-pnp')
  if (plain === undefined) {
    console.log(
      "\nNot run: the runtimes, what is too old, and bundlers. They are tried in a project without Plug'n'Play",
    )
  } else {
    for (const runtime of runtimes) checkRuntime(runtime, plain)
    checkOldNodes(oldNodes, plain)
    checkBundlers(plain, work)
    checkElectronBuilder(plain.env, work, host)
  }

  await registry.stop()
  console.log('\nWithout the registry')
  for (const manager of managers) checkOffline(manager)
  checkCarried(staged, work)
}

/** The two packed files, in the tools that a user has beside memmap. */
function checkTools({ home }, { runtimes }, work) {
  const env = cleanEnvironment(work)
  const context = { packed: pack([home, join(home, 'npm', host)], work, env), env, work, host, runtimes }
  for (const name of options.tool ?? Object.keys(TOOL_CHECKS)) TOOL_CHECKS[name](context)
}

// --- What is in the packages

function checkPackages({ home, manifest, platforms }, work) {
  check('memmap holds what is needed and nothing else', () =>
    equal(contents(home), ['CHANGELOG.md', 'LICENSE', 'README.md', 'cli.js', 'index.d.ts', 'index.js', 'package.json']),
  )
  check('memmap names each platform, in its own version', () =>
    equal(
      Object.entries(readJson(join(home, 'package.json')).optionalDependencies).sort(),
      platforms.map((name) => [`@memmap/binding-${name}`, manifest.version]).sort(),
    ),
  )
  for (const platform of platforms) {
    const folder = join(home, 'npm', platform)
    check(`@memmap/binding-${platform} holds its library and nothing else`, () => {
      equal(contents(folder), ['LICENSE', 'README.md', libraryName(platform), 'package.json'])
      const { name, version, os, cpu, libc, engines, main, scripts } = readJson(join(folder, 'package.json'))
      const [system, arch, abi] = platform.split('-')
      equal(
        { name, version, os, cpu, libc, engines, main, scripts },
        {
          name: `@memmap/binding-${platform}`,
          version: manifest.version,
          os: [system],
          cpu: [arch],
          libc: system === 'linux' ? [abi === 'gnu' ? 'glibc' : abi] : undefined,
          engines: manifest.engines,
          main: libraryName(platform),
          scripts: undefined,
        },
      )
    })
  }
  check('publint', () => output(process.execPath, [tool('publint/src/cli.js'), home, '--strict']))
  check('attw', () => {
    const [{ filename }] = JSON.parse(output('npm', ['pack', '--json', '--pack-destination', work], { cwd: home }))
    output(process.execPath, [tool('@arethetypeswrong/cli/dist/index.js'), join(work, filename)])
  })
}

function contents(folder) {
  const [{ files }] = JSON.parse(output('npm', ['pack', '--dry-run', '--json'], { cwd: folder }))
  return files.map(({ path }) => path)
}

// --- What is checked with each

const PROGRAMS = {
  'required.cjs': `const { mmap, Mmap, PAGESIZE } = require('memmap')\n${USE}`,
  'imported.mjs': `import memmap, { mmap, Mmap, PAGESIZE } from 'memmap'\nif (memmap.mmap !== mmap) throw new Error()\n${USE}`,
  // Which packages for platforms memmap finds.
  'installed.cjs': `const { createRequire } = require('node:module')
const { resolve } = createRequire(require.resolve('memmap'))
const isThere = (name) => {
  try {
    return resolve('@memmap/binding-' + name + '/package.json') !== ''
  } catch {
    return false
  }
}
console.log(process.argv.slice(2).filter(isThere).join(' '))`,
  // The compiler as the project finds it, for which Plug'n'Play has its own way.
  'tsc.cjs': "require('typescript/lib/tsc.js')",
  'failing.cjs': `try {
  require('memmap')
} catch (error) {
  console.log(error.code + ' ' + error.message)
}`,
}

const TYPED = `import { mmap, type Mmap, type MmapOptions, ACCESS_READ } from 'memmap'
const options: MmapOptions = { access: ACCESS_READ }
const mm: Mmap = mmap(-1, 16, options)
export const doubles: Float64Array = mm.view(Float64Array)
export const text: string = mm.read(5).toString()
// @ts-expect-error: a length is a number
mmap(-1, 'long')
`
const RESOLUTIONS = {
  node16: { module: 'node16', moduleResolution: 'node16' },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'preserve', moduleResolution: 'bundler' },
}

function checkManager(manager, staged, work) {
  const { platforms } = staged
  const { name, project, env, node, runsOn } = manager
  const run = (...args) => execute([...node, ...args], project, env)
  const [version] = execute([...manager.program, '--version'], work, env).split('\n')
  console.log(`\n${version.startsWith(name) ? version : `${name} ${version}`}`)

  makeProject(project, dependencies(), { ...PROGRAMS, ...manager.files })
  if (!check('installs', () => execute(manager.install, project, env))) return
  check('installs the library for this system and no other', () =>
    equal(run('installed.cjs', ...platforms), fitting(host, platforms, manager).join(' ')),
  )
  check('require', () => equal(run('required.cjs'), USED))
  check('import', () => equal(run('imported.mjs'), USED))
  checkTypes(manager, run)
  checkExamples(project, run)
  if (runsOn) checkOwnRuntime(manager)
  if (manager.withoutOptional) checkWithoutOptional(manager, work)
  if (manager.on) checkOtherSystems(manager, staged, work)
}

/** The platforms whose packages fit a system. */
function fitting(system, platforms, { ignoresLibc }) {
  const same = ignoresLibc ? (name) => name.split('-').slice(0, 2).join() : (name) => name
  return platforms.filter((name) => same(name) === same(system))
}

function tsc(run, args) {
  return run('tsc.cjs', ...args)
}

function checkTypes({ name: manager, project }, run) {
  for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
    const folder = join(project, `types-${name}`)
    mkdirSync(folder)
    for (const extension of ['ts', 'cts', 'mts']) writeFileSync(join(folder, `program.${extension}`), TYPED)
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...COMPILER_OPTIONS,
          ...resolution,
          noEmit: true,
          // Once is enough for what does not depend on where it lies: it takes most of the time.
          skipLibCheck: manager !== 'npm',
        },
      }),
    )
    check(`types, moduleResolution ${name}`, () => tsc(run, ['--project', folder]))
  }
}

function checkExamples(project, run) {
  addExamples(project)
  check('the examples compile', () => tsc(run, ['--project', '.']))
  for (const example of EXAMPLES) {
    const { name, args, verify } = example
    check(`examples/${name}, compiled`, () => verify(run(`programs/${name}.mjs`, ...args)))
  }
}

/** What is runtime and package manager in one. */
function checkOwnRuntime({ name, project, env, program, files, runsOn }) {
  for (const file of ['required.cjs', 'imported.mjs']) {
    check(`${file}, on ${name}`, () => equal(execute([...runsOn.command, file], project, env), USED))
  }
  for (const example of EXAMPLES) {
    check(`examples/${example.name}, on ${name}`, () =>
      example.verify(execute([...program, ...argumentsFor(example, runsOn)], project, env)),
    )
  }
  if (runsOn.kind === 'deno') {
    check('npm:memmap, with nothing installed', () => {
      const folder = `${project}-alone`
      const content = PROGRAMS['imported.mjs'].replace("'memmap'", "'npm:memmap'")
      writeFiles(folder, { 'program.mjs': content, ...files })
      equal(execute([...runsOn.command, 'program.mjs'], folder, env), USED)
    })
    for (const [allowed, missing] of [
      ['--allow-read', 'env'],
      ['--allow-read --allow-env', 'ffi'],
    ]) {
      check(`an error that says what is missing, with ${allowed}`, () => {
        const message = execute([...program, 'run', ...allowed.split(' '), 'failing.cjs'], project, env)
        if (!message.startsWith('ERR_MMAP_BINDING') || !message.includes(`--allow-${missing}`)) throw new Error(message)
      })
    }
  }
}

function checkWithoutOptional(manager, work) {
  const { args = [], files = {} } = manager.withoutOptional
  const folder = join(work, `${manager.name}-without-optional`)
  makeProject(folder, { dependencies: MEMMAP }, { ...PROGRAMS, ...manager.files, ...files })
  check(['without the library', ...args, 'an error that says so'].join(', '), () => {
    execute([...manager.install, ...args], folder, manager.env)
    const message = execute([...manager.node, 'failing.cjs'], folder, manager.env)
    const start = `ERR_MMAP_BINDING memmap needs the package @memmap/binding-${host} `
    if (!message.startsWith(start) || !message.includes('--omit=optional')) throw new Error(message)
  })
}

function checkOtherSystems(manager, { platforms, all }, work) {
  check('installs for other systems what there is for them', () => {
    for (const { platformArchABI: system, platform: os, arch: cpu, abi } of all) {
      const folder = join(work, `${manager.name}-${system}`)
      const libc = os === 'linux' ? (abi === 'gnu' ? 'glibc' : abi) : undefined
      const { args = [], files = {} } = manager.on({ os, cpu, libc })
      makeProject(folder, { dependencies: MEMMAP }, { ...PROGRAMS, ...manager.files, ...files })
      execute([...manager.install, ...args], folder, manager.env)
      const installed = execute([...manager.node, 'installed.cjs', ...platforms], folder, manager.env)
      equal(`${system}: ${installed}`, `${system}: ${fitting(system, platforms, manager).join(' ')}`)
    }
  })
}

/** In the project that has the programs, compiled and as they are. */
function checkRuntime(runtime, { name, project, env }) {
  console.log(`\n${runtime.name} ${runtime.exact}, in the project of ${name}`)
  for (const example of EXAMPLES) {
    check(`examples/${example.name}`, () =>
      example.verify(execute([runtime.program, ...argumentsFor(example, runtime)], project, env)),
    )
  }
}

function checkOldNodes(oldNodes, { project, env }) {
  console.log('\nNode that is too old')
  for (const { program, exact } of oldNodes) {
    check(`Node ${exact}`, () => {
      const text = execute([program, 'failing.cjs'], project, env)
      if (!/^ERR_MMAP_BINDING memmap needs Node 20 or newer, and this is v\d+\.\d+\.\d+$/.test(text))
        throw new Error(text)
    })
  }
}

function checkOffline({ name, project, env, offline, offlineEnv, node }) {
  check(`${name} installs from the lock file and its cache`, () => {
    for (const made of ['node_modules', '.pnp.cjs', '.yarn'])
      rmSync(join(project, made), { recursive: true, force: true })
    execute(offline, project, { ...env, ...offlineEnv })
    equal(execute([...node, 'required.cjs'], project, env), USED)
  })
}

/** What was carried by hand, as docs/install.md says, with nothing in the cache. */
function checkCarried({ home }, work) {
  const project = join(work, 'carried')
  const env = { ...cleanEnvironment(work), npm_config_cache: join(project, 'npm-cache') }
  makeProject(project, {}, PROGRAMS)
  check('npm install --offline of the two packed files', () => {
    execute(['npm', 'install', '--offline', ...pack([home, join(home, 'npm', host)], project, env)], project, env)
    equal(execute([process.execPath, 'required.cjs'], project, env), USED)
  })
}

// --- The runtimes, and no network

/** Those that can be had. */
function obtainRuntimes() {
  const had = (wanted) => wanted.map(obtain).filter((runtime) => runtime !== undefined)
  return { runtimes: had(RUNTIMES), oldNodes: had(OLD_NODES) }
}

function isCutOff() {
  return process.env.MEMMAP_CUT_OFF === '1'
}

/**
 * Runs this script again where only the loopback device is. Returns its exit status, or undefined
 * if that is not possible here.
 */
function runCutOff() {
  const within = ['--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
  if (process.platform !== 'linux' || spawn('unshare', [...within, 'true']).status !== 0) {
    console.log('The network stays reachable: this system does not let us cut it off')
    return undefined
  }
  const self = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  // What could not be had before is not asked for again.
  const env = { ...process.env, MEMMAP_CUT_OFF: '1', npm_config_offline: 'true' }
  return spawn('unshare', [...within, ...self], { stdio: 'inherit', env }).status ?? 1
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

obtainTools()
obtainDenoCompile(obtainRuntimes().runtimes.find(({ kind }) => kind === 'deno'))
if (!isCutOff()) {
  const status = runCutOff()
  if (status !== undefined) process.exit(status)
}
await main()
