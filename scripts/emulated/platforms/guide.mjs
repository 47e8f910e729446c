// Runs the example programs on runtimes of other platforms, with the package as users get it. The
// runtime's own package manager installs it from a registry on this machine, and also runs on that
// platform.

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { addExamples, argumentsFor, dependencies, EXAMPLES, takesTypeScript } from '../../install/examples.mjs'
import { DENO_SETTINGS, makeProject, output, registryEnvironment, writeFiles } from '../../install/projects.mjs'
import { startRegistry } from '../../install/registry.mjs'
import { obtainTools, tool } from '../../install/tools.mjs'
import { stage } from '../../release/stage.mjs'
import { natively, run } from './run.mjs'

const NPM = tool('npm/bin/npm-cli.js')

/**
 * Publishes the package with these libraries. Returns the registry, and a folder that exists until
 * this process ends.
 */
export async function publish(libraries) {
  obtainTools()
  const work = realpathSync(mkdtempSync(join(tmpdir(), 'memmap-guide-')))
  process.once('exit', () => rmSync(work, { recursive: true, force: true }))
  const artifacts = join(work, 'artifacts')
  mkdirSync(artifacts)
  for (const library of libraries) copyFileSync(library, join(artifacts, basename(library)))
  const staged = await stage(join(work, 'staged'), artifacts, { partial: true })
  return { ...(await startRegistry(work, staged.home)), work, platforms: staged.platforms }
}

/** Installs the package for a runtime and runs the programs there. Returns text for the report. */
export async function runGuide(runtime, platform, { url, work }, log) {
  const { way, program } = runtime
  const project = mkdtempSync(join(work, `${platform}-`))
  makeProject(project, dependencies(), DENO_SETTINGS)
  const env = {
    ...registryEnvironment(work, url),
    BUN_INSTALL_CACHE_DIR: join(project, 'bun-cache'),
    DENO_DIR: join(project, 'deno-cache'),
  }
  const finish = async (where, command, part) => {
    const settings = { cwd: project, seconds: 300, log: `${log}.${part}` }
    const end = await run({ ...where, env: { ...env, ...where.env } }, command, settings)
    if (!end.ok) throw new Error(`${part} ${end.how}: ${/^.*[Ee]rror.*$/m.exec(end.stderr)?.[0] ?? ''}`)
    return end.stdout
  }

  const installer = installerFor(runtime, platform)
  await finish(installer.way ?? way, installer.command, 'install')
  const installed = readdirSync(join(project, 'node_modules/@memmap')).join(' ')
  if (installed !== `binding-${platform}`) throw new Error(`the package manager has installed ${installed}`)
  addExamples(project)
  if (!takesTypeScript(runtime)) output(process.execPath, ['node_modules/typescript/lib/tsc.js'], { cwd: project, env })
  const options = optionsFor(runtime, project)
  for (const example of EXAMPLES) {
    example.verify(await finish(way, [program, ...options, ...argumentsFor(example, runtime)], example.name))
  }
  return `${EXAMPLES.map(({ name }) => name).join(', ')}; installed with ${installer.name}`
}

// Wine 8 lacks some functions, so runtimes must be kept from using them. Node sets keep-alive for
// npm, and cannot connect then.
const WITHOUT_KEEP_ALIVE =
  'data:text/javascript,import net from "node:net"; net.Socket.prototype.setKeepAlive = function () { return this }'
// The programs remove a folder at their end. The call that Bun makes for it fails under Wine.
const REMOVED_ONE_BY_ONE = `const fs = require('node:fs')
fs.rmSync = (folder) => {
  for (const name of fs.readdirSync(folder)) fs.unlinkSync(folder + '/' + name)
  fs.rmdirSync(folder)
}
`

function isOnWine({ how }) {
  return how.startsWith('Wine')
}

/** The options of a runtime that come before the program. */
function optionsFor(runtime, project) {
  if (runtime.kind !== 'bun' || !isOnWine(runtime)) return []
  writeFiles(project, { 'on-wine.cjs': REMOVED_ONE_BY_ONE })
  return ['--preload', './on-wine.cjs']
}

function installerFor(runtime, platform) {
  const { program, kind } = runtime
  const onWine = isOnWine(runtime)
  if (kind === 'node') {
    const options = onWine ? ['--import', WITHOUT_KEEP_ALIVE] : []
    return { command: [program, ...options, NPM, 'install'], name: 'npm on it' }
  }
  if (kind === 'deno') {
    // By default Deno makes junctions, which Wine does not support.
    const options = onWine ? ['--node-modules-linker=hoisted'] : []
    return { command: [program, 'install', ...options], name: 'itself' }
  }
  if (!onWine) return { command: [program, 'install'], name: 'itself' }
  // Under Wine, Bun's installer finds no folder for temporary files.
  const [os, cpu] = platform.split('-')
  return {
    way: natively(),
    command: [process.execPath, NPM, 'install', `--os=${os}`, `--cpu=${cpu}`],
    name: `npm on this machine for ${os} ${cpu}`,
  }
}
