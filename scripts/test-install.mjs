// npm run test:install: what is published, installed from a registry on this machine by npm, pnpm, Yarn (classic, and with Plug'n'Play)
// and Bun into projects of their own, and used there. Ends with "N passed, N failed".
//   --artifacts DIR    the libraries that are published with it: memmap.*.node; otherwise the one that was built here
//   --manager npm      only that one; may be repeated
// The tools come from the npm registry, in the versions below, and stay in target/install. After that there is no network: on Linux, if
// the system lets us, nothing but this machine can be reached.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cleanEnvironment, packageManagers } from './package-managers.mjs'
import { obtain, RUNTIMES } from './runtimes.mjs'
import { root, setUp, spawn, stop } from './setup.mjs'
import { libraryName, publish, stage } from './stage.mjs'

const FOLDER = join(root, 'target/install')
const TOOLS = {
  '@arethetypeswrong/cli': '0.18.5',
  '@yarnpkg/cli-dist': '4.18.1',
  bun: '1.4.5',
  esbuild: '0.28.2',
  pnpm: '12.21.0',
  publint: '0.3.25',
  verdaccio: '6.8.0',
  webpack: '5.112.2',
  yarn: '1.22.22',
}
/** Verdaccio asks for this by a name that not every mirror of the registry knows: `node-fetch@cjs`. */
const OVERRIDES = { 'node-fetch': '2.7.0' }
const OLD_NODES = [16, 18]

const { values: options } = parseArgs({
  options: { artifacts: { type: 'string', default: root }, manager: { type: 'string', multiple: true } },
})
const tool = (path) => join(FOLDER, 'tools/node_modules', path)
const host = hostPlatform()
const counts = { passed: 0, failed: 0 }

// --- The steps

async function main() {
  const started = performance.now()
  const work = realpathSync(mkdtempSync(join(tmpdir(), 'memmap-install-')))
  process.once('exit', () => rmSync(work, { recursive: true, force: true }))
  const staged = await stage(join(FOLDER, 'staged'), resolve(options.artifacts), { partial: true })
  if (!staged.platforms.includes(host)) stop(`There is no ${libraryName(host)} in ${options.artifacts}`)
  console.log(`\nPackages, with libraries for ${staged.platforms.join(', ')}`)
  checkPackages(staged, work)

  const registry = await startRegistry(work)
  publishEverything(staged.home, registry.url, work)
  const managers = packageManagers(registry.url, work, tool, host.split('-')[2]).filter(
    ({ name }) => options.manager?.includes(name) ?? true,
  )
  if (managers.length === 0) stop('There is no such manager')

  for (const manager of managers) checkManager(manager, staged, work)
  const plain = managers.find(({ name }) => name !== 'yarn-pnp')
  if (plain === undefined) {
    console.log("\nNot run: what is too old, and bundlers. They are tried in a project without Plug'n'Play")
  } else {
    checkOldNodes(plain)
    checkBundlers(plain)
  }

  await registry.stop()
  console.log('\nWithout the registry')
  for (const manager of managers) checkOffline(manager)

  console.log(`\n${((performance.now() - started) / 1000).toFixed(0)} s`)
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1
}

/** One line a check, and what went wrong. */
function check(name, body) {
  const started = performance.now()
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`.padStart(7)
  try {
    body()
    counts.passed += 1
    console.log(`  ok    ${seconds()}  ${name}`)
    return true
  } catch (error) {
    counts.failed += 1
    console.log(`  FAIL  ${seconds()}  ${name}\n${error.message.trimEnd().replace(/^/gm, '        ')}`)
    return false
  }
}

function equal(found, expected) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)]
  if (left !== right) throw new Error(`got  ${left}\nwant ${right}`)
}

/** The output of a program that must succeed. */
function output(command, args, settings) {
  const { status, stdout, stderr, error } = spawn(command, args, { stdio: 'pipe', ...settings })
  if (status !== 0) {
    throw new Error(
      `${[command, ...args].join(' ')}\nended with ${error?.message ?? status}\n${stdout ?? ''}${stderr ?? ''}`,
    )
  }
  return stdout.trim()
}

// --- What is in the packages

function checkPackages({ home, manifest, platforms }, work) {
  check('memmap holds what is needed and nothing else', () =>
    equal(packed(home), [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'binding.js',
      'index.d.ts',
      'index.js',
      'package.json',
    ]),
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
      equal(packed(folder), ['LICENSE', 'README.md', libraryName(platform), 'package.json'])
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

function packed(folder) {
  const [{ files }] = JSON.parse(output('npm', ['pack', '--dry-run', '--json'], { cwd: folder }))
  return files.map(({ path }) => path)
}

// --- The registry

async function startRegistry(work) {
  const port = await freePort()
  const config = join(work, 'verdaccio.json')
  writeFileSync(
    config,
    JSON.stringify({
      storage: join(work, 'registry'),
      auth: { htpasswd: { file: join(work, 'htpasswd') } },
      max_body_size: '200mb',
      // No uplinks: what was not published here is not there.
      uplinks: {},
      packages: { '**': { access: '$all', publish: '$anonymous' } },
      log: { type: 'file', path: join(work, 'verdaccio.log'), level: 'http' },
    }),
  )
  const server = fork(tool('verdaccio/bin/verdaccio'), ['--config', config, '--listen', `127.0.0.1:${port}`], {
    env: cleanEnvironment(work),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--no-warnings'],
  })
  const [message] = await Promise.race([once(server, 'message'), once(server, 'exit')])
  if (!message?.verdaccio_started) throw new Error('Verdaccio did not start')
  // Also when something ends this process halfway.
  process.once('exit', () => server.kill())
  const stop = async () => {
    server.kill()
    await once(server, 'exit')
  }
  return { url: `http://127.0.0.1:${port}/`, stop }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

function publishEverything(home, url, work) {
  const env = { ...cleanEnvironment(work), npm_config_registry: url }
  // npm wants one, and Verdaccio takes any.
  writeFileSync(env.npm_config_userconfig, `${url.replace('http:', '')}:_authToken=anonymous`)
  console.log('\nPublishing')
  publish(home, env)
  // For the programs in TypeScript. These are the versions that the repository has.
  for (const name of ['typescript', '@types/node', 'undici-types']) {
    output('npm', ['publish', '--ignore-scripts', '--access', 'public'], { cwd: join(root, 'node_modules', name), env })
  }
}

// --- The projects

function hostPlatform() {
  const library = readdirSync(root).find((name) => /^memmap\..*\.node$/.test(name))
  return library?.split('.')[1] ?? ''
}

function makeProject(folder, dependencies, files) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true, ...dependencies }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
}

function execute([command, ...args], cwd, env) {
  return output(command, args, { cwd, env })
}

// --- What is checked with each

const USE = `const mm = mmap(-1, PAGESIZE)
mm.write('hello')
console.log(mm.slice(0, 5).toString(), new Mmap(-1, 3).length)`
const USED = 'hello 3'

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
const COMPILER_OPTIONS = {
  strict: true,
  target: 'es2022',
  lib: ['es2023', 'es2024.sharedmemory', 'esnext.disposable'],
  types: ['node'],
}

function checkManager(manager, staged, work) {
  const { manifest, platforms } = staged
  const { name, project, env, node } = manager
  const run = (...args) => execute([...node, ...args], project, env)
  const { version: typescript } = readJson(join(root, 'node_modules/typescript/package.json'))
  const { version: nodeTypes } = readJson(join(root, 'node_modules/@types/node/package.json'))
  const dependencies = {
    dependencies: { memmap: manifest.version },
    devDependencies: { typescript, '@types/node': nodeTypes },
  }
  console.log(
    `\n${name} ${execute([...manager.install.slice(0, -1).filter((arg) => !/^(install|--)/.test(arg)), '--version'], work, env)}`,
  )

  makeProject(project, dependencies, { ...PROGRAMS, ...manager.files })
  if (!check('installs', () => execute(manager.install, project, env))) return
  check('installs the library for this system and no other', () =>
    equal(run('installed.cjs', ...platforms), fitting(host, platforms, manager).join(' ')),
  )
  check('require', () => equal(run('required.cjs'), USED))
  check('import', () => equal(run('imported.mjs'), USED))
  if (manager.alsoRunsOn) {
    check(`require, on ${name}`, () => equal(execute([...manager.alsoRunsOn, 'required.cjs'], project, env), USED))
    check(`import, on ${name}`, () => equal(execute([...manager.alsoRunsOn, 'imported.mjs'], project, env), USED))
  }
  checkTypes(manager, run)
  checkExamples(project, run)
  if (manager.withoutOptional) checkWithoutOptional(manager, dependencies.dependencies, work)
  if (manager.on) checkOtherSystems(manager, dependencies.dependencies, staged, work)
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
  cpSync(join(root, 'examples'), join(project, 'examples'), { recursive: true })
  const compilerOptions = {
    ...COMPILER_OPTIONS,
    ...RESOLUTIONS.nodenext,
    skipLibCheck: true,
    outDir: 'programs',
    rootDir: 'examples',
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['examples'] }))
  check('the examples compile', () => tsc(run, ['--project', '.']))
  for (const file of readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mts'))) {
    const name = file.replace(/\.mts$/, '')
    check(`examples/${name}`, () => run(`programs/${name}.mjs`, ...(name === 'find-and-replace' ? ['16'] : [])))
  }
}

function checkWithoutOptional(manager, dependencies, work) {
  const folder = join(work, `${manager.name}-without-optional`)
  makeProject(folder, { dependencies }, { ...PROGRAMS, ...manager.files })
  check(`${manager.withoutOptional.at(-1)} ends in an error that says so`, () => {
    execute(manager.withoutOptional, folder, manager.env)
    const message = execute([...manager.node, 'failing.cjs'], folder, manager.env)
    const start = `ERR_MMAP_BINDING memmap needs the package @memmap/binding-${host} `
    if (!message.startsWith(start) || !message.includes('--omit=optional')) throw new Error(message)
  })
}

function checkOtherSystems(manager, dependencies, { platforms, all }, work) {
  check('installs for other systems what there is for them', () => {
    for (const { platformArchABI: system, platform: os, arch: cpu, abi } of all) {
      const folder = join(work, `${manager.name}-${system}`)
      const libc = os === 'linux' ? (abi === 'gnu' ? 'glibc' : abi) : undefined
      const { args = [], files = {} } = manager.on({ os, cpu, libc })
      makeProject(folder, { dependencies }, { ...PROGRAMS, ...manager.files, ...files })
      execute([...manager.install, ...args], folder, manager.env)
      const installed = execute([...manager.node, 'installed.cjs', ...platforms], folder, manager.env)
      equal(`${system}: ${installed}`, `${system}: ${fitting(system, platforms, manager).join(' ')}`)
    }
  })
}

function checkOldNodes({ project, env }) {
  console.log('\nNode that is too old')
  for (const version of OLD_NODES) {
    const program = obtainNode(version)
    if (program === undefined) continue
    check(`Node ${version}`, () => {
      const text = execute([program, 'failing.cjs'], project, env)
      if (!/^ERR_MMAP_BINDING memmap needs Node 20 or newer, and this is v\d+\.\d+\.\d+$/.test(text))
        throw new Error(text)
    })
  }
}

function checkBundlers({ project, env }) {
  console.log('\nBundlers, with memmap left out of the bundle as docs/install.md says')
  writeFileSync(join(project, 'entry.mjs'), PROGRAMS['imported.mjs'].replace('memmap, {', '{').replace(/^if.*$/m, ''))
  check('esbuild', () => {
    execute(
      [
        process.execPath,
        tool('esbuild/bin/esbuild'),
        'entry.mjs',
        '--bundle',
        '--platform=node',
        '--external:memmap',
        '--outfile=esbuild.cjs',
      ],
      project,
      env,
    )
    equal(execute([process.execPath, 'esbuild.cjs'], project, env), USED)
  })
  check('webpack', () => {
    const configuration = {
      mode: 'production',
      target: 'node',
      context: project,
      entry: './entry.mjs',
      externals: { memmap: 'commonjs memmap' },
      output: { path: project, filename: 'webpack.cjs' },
    }
    const script = `require(${JSON.stringify(tool('webpack'))})(${JSON.stringify(configuration)}, (error, stats) => {
      if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString())
    })`
    execute([process.execPath, '-e', script], project, env)
    equal(execute([process.execPath, 'webpack.cjs'], project, env), USED)
  })
}

function checkOffline({ name, project, env, offline, offlineEnv, node }) {
  check(`${name} installs from the lock file and its cache`, () => {
    for (const made of ['node_modules', '.pnp.cjs', '.yarn'])
      rmSync(join(project, made), { recursive: true, force: true })
    execute(offline, project, { ...env, ...offlineEnv })
    equal(execute([...node, 'required.cjs'], project, env), USED)
  })
}

// --- The tools, and no network

function obtainTools() {
  const folder = join(FOLDER, 'tools')
  const manifest = JSON.stringify({ private: true, dependencies: TOOLS, overrides: OVERRIDES })
  const record = join(folder, 'installed.json')
  if (!existsSync(record) || readFileSync(record, 'utf8') !== manifest) {
    console.log(`Getting ${Object.keys(TOOLS).join(', ')} from the npm registry`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), manifest)
    output('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
    writeFileSync(record, manifest)
  }
  for (const version of OLD_NODES) obtainNode(version)
}

function obtainNode(version) {
  return obtain({ ...RUNTIMES[0], name: `node${version}`, version })?.program
}

function isCutOff() {
  return process.env.MEMMAP_CUT_OFF === '1'
}

/** Runs this script again where only the loopback device is. Returns its exit status, or undefined if that is not possible here. */
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

setUp()
obtainTools()
if (!isCutOff()) {
  const status = runCutOff()
  if (status !== undefined) process.exit(status)
}
await main()
