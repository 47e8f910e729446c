// Programs that are bundled or packed, in the ways that docs/install.md gives.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ELECTRON } from '../matrix/obtain.mjs'
import { libraryName } from '../release/stage.mjs'
import { packageJson } from '../setup.mjs'
import { check, equal } from './checks.mjs'
import { argumentsOf, snippet } from './page.mjs'
import { execute, makeProject, PROGRAM, USED } from './projects.mjs'
import { tool } from './tools.mjs'

/** In a project that has memmap in its node_modules. */
export function checkBundlers({ project, env }, work) {
  console.log('\nBundlers')
  writeFileSync(join(project, 'entry.mjs'), PROGRAM)
  const node = (...args) => execute([process.execPath, ...args], project, env)
  const esbuild = (...args) =>
    node(tool('esbuild/bin/esbuild'), 'entry.mjs', '--bundle', '--platform=node', '--log-level=warning', ...args)
  const vite = (build, ...args) => {
    writeConfiguration(join(project, 'vite.config.mjs'), { build })
    node(tool('vite/bin/vite.js'), 'build', '--logLevel', 'warn', ...args)
  }

  check('esbuild', () => {
    writeFileSync(join(project, 'app.js'), PROGRAM)
    node(tool('esbuild/bin/esbuild'), ...argumentsOf('--external:memmap'), '--log-level=warning')
    equal(node('bundle.cjs'), USED)
  })
  check('esbuild, with the library beside the bundle and no node_modules', () => {
    const folder = join(work, 'bundle')
    esbuild('--loader:.node=copy', `--outfile=${join(folder, 'bundle.cjs')}`)
    equal(readdirSync(folder).length, 2)
    equal(execute([process.execPath, 'bundle.cjs'], folder, env), USED)
  })
  check('webpack', () => {
    writeFileSync(join(project, 'webpack.config.cjs'), snippet('webpack.config.js'))
    const configuration = {
      mode: 'production',
      context: project,
      entry: './entry.mjs',
      output: { path: project, filename: 'webpack.cjs' },
    }
    const script = `const configuration = { ...require('./webpack.config.cjs'), ...${JSON.stringify(configuration)} }
    require(${JSON.stringify(tool('webpack'))})(configuration, (error, stats) => {
      if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString())
    })`
    node('-e', script)
    equal(node('webpack.cjs'), USED)
  })
  check('Rollup', () => {
    const output = [
      { file: 'rollup.cjs', format: 'cjs' },
      { file: 'rollup.mjs', format: 'es' },
    ]
    writeConfiguration(join(project, 'rollup.config.mjs'), { input: 'entry.mjs', external: ['memmap'], output })
    // Also where it could not find an import, which is a warning.
    node(tool('rollup/dist/bin/rollup'), '--config', 'rollup.config.mjs', '--failAfterWarnings', '--silent')
    for (const { file } of output) equal(node(file), USED)
  })
  check('Vite, a library', () => {
    const lib = { entry: 'entry.mjs', formats: ['cjs', 'es'], fileName: 'vite' }
    vite({ lib, rollupOptions: { external: ['memmap'] }, outDir: 'vite-library' })
    for (const name of ['vite.js', 'vite.mjs']) equal(node(join('vite-library', name)), USED)
  })
  check('Vite, for a server', () => {
    vite({ outDir: 'vite-server' }, '--ssr', 'entry.mjs')
    equal(node('vite-server/entry.mjs'), USED)
  })
}

function writeConfiguration(path, configuration) {
  writeFileSync(path, `export default ${JSON.stringify(configuration)}\n`)
}

/**
 * What electron-builder makes of an app; for Linux on every system, as its rules for archives are
 * the same for all. Of Electron there is only a file by its name: the app is packed, not run in it.
 */
export function checkElectronBuilder(env, work, platform) {
  console.log('\nelectron-builder')
  const asar = createRequire(import.meta.url)(tool('@electron/asar'))
  const electron = join(work, 'electron')
  mkdirSync(electron)
  writeFileSync(join(electron, 'electron'), '')
  const advice = JSON.parse(snippet('asarUnpack')).build
  const library = join('node_modules/@memmap', `binding-${platform}`, libraryName(platform))
  const archives = 'out/linux-unpacked/resources'

  /** Packs an app, and says where its library is. */
  const pack = (name, build) => {
    const folder = join(work, `electron-${name}`)
    const app = {
      version: '1.0.0',
      author: 'nobody',
      description: 'says hello',
      main: 'main.mjs',
      dependencies: { memmap: packageJson().version },
      build: { electronVersion: ELECTRON, electronDist: electron, directories: { output: 'out' }, ...build },
    }
    makeProject(folder, app, { 'main.mjs': PROGRAM })
    execute(['npm', 'install'], folder, env)
    const builder = [process.execPath, tool('electron-builder/cli.js')]
    execute([...builder, '--linux', '--dir', '--x64', '--publish', 'never'], folder, env)
    const archive = join(folder, archives, 'app.asar')
    // Whether nothing is missing: Electron's Node reads the archive and what lies beside it as one
    // folder.
    asar.extractAll(archive, join(folder, 'extracted'))
    equal(execute([process.execPath, 'extracted/main.mjs'], folder, env), USED)
    const beside = existsSync(join(`${archive}.unpacked`, library))
    equal(asar.statFile(archive, library).unpacked === true, beside)
    return beside
  }
  check('it unpacks the library', () => equal(pack('default', {}), true))
  // Or the next one would show nothing.
  check('it does not without smartUnpack', () => equal(pack('without', { asar: { smartUnpack: false } }), false))
  check('it does without smartUnpack where it is told to', () =>
    equal(pack('told', { asar: { smartUnpack: false }, ...advice }), true),
  )
}
