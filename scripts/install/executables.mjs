// memmap in programs of one file: Node's single executable applications, and what Bun and Deno
// compile.

import { copyFileSync, cpSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SUFFIX } from '../matrix/obtain.mjs'
import { check, equal, failure, includes } from './checks.mjs'
import { argumentsOf, snippet } from './page.mjs'
import { DENO_SETTINGS, execute, installPacked, makeProject, PROGRAM, USE, USED, writeFiles } from './projects.mjs'
import { FOLDER, tool } from './tools.mjs'

/** What Node's documentation gives, by which a program is told that it has a script in it. */
const SEA_FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
/** The first Node that we have with --build-sea. */
const BUILD_SEA = 26

export function checkSea({ packed, env, work, runtimes }) {
  console.log("\nNode's single executable applications")
  if (process.platform === 'darwin') {
    console.log('  Not run: on macOS such a program must be signed anew')
    return
  }
  const project = join(work, 'sea')
  makeProject(project, {})
  if (!check('installs', () => installPacked(project, packed, env))) return
  // One for each way to make them, since that takes ten seconds each time.
  const nodes = runtimes.filter(({ kind, version }) => kind === 'node' && [20, BUILD_SEA].includes(version))
  for (const runtime of nodes) checkSeaOf(runtime, project, join(work, `sea-${runtime.name}`), env)
}

function checkSeaOf(runtime, project, folder, env) {
  const program = join(folder, `program${SUFFIX}`)
  const run = (settings) => execute([program], folder, { ...env, ...settings })
  const how = runtime.version < BUILD_SEA ? 'postject' : '--build-sea'
  const name = (what) => `Node ${runtime.exact}, ${how}, ${what}`
  const libraries = () => readdirSync(folder).filter((file) => file.endsWith('.node'))
  const make = (entry, assets) => {
    writeFiles(folder, {})
    const esbuild = [process.execPath, tool('esbuild/bin/esbuild'), ...argumentsOf('--asset-names=[name]')]
    makeProject(project, {}, { 'app.js': entry })
    execute([...esbuild, '--log-level=warning'], project, env)
    for (const file of readdirSync(project).filter((name) => /^bundle\.cjs$|\.node$/.test(name))) {
      renameSync(join(project, file), join(folder, file))
    }
    const bundle = join(folder, 'bundle.cjs')
    makeExecutable(runtime, { main: bundle, assets, disableExperimentalSEAWarning: true }, program, env)
  }

  const isMade = check(name('with the library beside it'), () => {
    make(PROGRAM)
    equal(libraries().length, 1)
    equal(run({}), USED)
  })
  if (!isMade) return
  const [library] = libraries()
  const elsewhere = join(dirname(folder), library)
  check(name('with the library where the environment says'), () => {
    renameSync(join(folder, library), elsewhere)
    equal(run({ NAPI_RS_NATIVE_LIBRARY_PATH: elsewhere }), USED)
  })
  check(name('with the package of the library beside it'), () => {
    const packages = join(folder, 'node_modules')
    cpSync(join(project, 'node_modules/@memmap'), join(packages, '@memmap'), { recursive: true })
    equal(run({}), USED)
    rmSync(packages, { recursive: true })
  })
  check(name('without a library, an error that says so'), () =>
    includes(
      failure(() => run({})),
      'ERR_MMAP_BINDING',
    ),
  )
  if (runtime.version >= BUILD_SEA) {
    check(name('with the library in it'), () => {
      make(`${snippet('node:sea')}\n${USE}\n`, { 'memmap.node': elsewhere })
      for (const file of libraries()) rmSync(join(folder, file))
      equal(run({}), USED)
    })
  }
  // Each is 100 MB.
  rmSync(folder, { recursive: true, force: true })
}

function makeExecutable({ program: node, version }, configuration, output, env) {
  const folder = dirname(output)
  const [path, blob] = [join(folder, 'sea.json'), join(folder, 'program.blob')]
  const oneStep = version >= BUILD_SEA
  writeFiles(folder, { 'sea.json': JSON.stringify({ ...configuration, output: oneStep ? output : blob }) })
  rmSync(output, { force: true })
  if (oneStep) {
    execute([node, '--build-sea', path], folder, env)
    return
  }
  execute([node, '--experimental-sea-config', path], folder, env)
  copyFileSync(node, output)
  const postject = [process.execPath, tool('postject/dist/cli.js'), output, 'NODE_SEA_BLOB', blob]
  execute([...postject, '--sentinel-fuse', SEA_FUSE], folder, env)
}

/** The library is in the program, and is taken out of it when it starts. */
export function checkBunCompile({ packed, env, work, runtimes }) {
  console.log('\nbun build --compile')
  const bun = runtimes.find(({ kind }) => kind === 'bun')
  if (bun === undefined) {
    console.log('  Not run: there is no Bun')
    return
  }
  const project = join(work, 'bun-compile')
  makeProject(project, {}, { 'app.js': PROGRAM })
  if (!check('installs', () => installPacked(project, packed, env))) return
  check('a program that needs nothing beside it', () => {
    execute([bun.program, ...argumentsOf('bun build --compile')], project, env)
    equal(runAlone(project, join(work, 'bun-alone'), env), USED)
  })
}

/** Where Deno keeps what it downloads, the runtime of its executables among it. */
const DENO_FOLDER = join(FOLDER, 'deno')
/** Whether Deno has that runtime, which comes from dl.deno.land, not from the npm registry. */
export function obtainDenoCompile(deno) {
  if (deno === undefined) return false
  const folder = join(DENO_FOLDER, 'empty')
  writeFiles(folder, { 'app.js': '' })
  const settings = { ...process.env, DENO_DIR: DENO_FOLDER, DENO_NO_UPDATE_CHECK: '1' }
  try {
    execute([deno.program, ...argumentsOf('deno compile')], folder, settings)
    return true
  } catch {
    // What is not there is said by the check itself.
    return false
  }
}

export function checkDenoCompile({ packed, env, work, runtimes }) {
  console.log('\ndeno compile')
  const deno = runtimes.find(({ kind }) => kind === 'deno')
  if (!obtainDenoCompile(deno)) {
    console.log('  Not run: there is no Deno, or its runtime for executables (denort, of dl.deno.land) cannot be had')
    return
  }
  const project = join(work, 'deno-compile')
  makeProject(project, { type: 'module' }, { 'app.js': PROGRAM, ...DENO_SETTINGS })
  if (!check('installs', () => installPacked(project, packed, env))) return
  check('a program that needs nothing beside it', () => {
    execute([deno.program, ...argumentsOf('deno compile')], project, { ...env, DENO_DIR: DENO_FOLDER })
    equal(runAlone(project, join(work, 'deno-alone'), env), USED)
  })
}

/** The output of what was made in a project, where nothing lies beside it. */
function runAlone(project, folder, env) {
  const name = `app${SUFFIX}`
  writeFiles(folder, {})
  renameSync(join(project, name), join(folder, name))
  return execute([join(folder, name)], folder, env)
}
