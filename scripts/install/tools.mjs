// The programs that what is published is tried with: a registry, package managers, bundlers and packers. They come from the npm registry, in these
// versions, and stay in target/install.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../setup.mjs'
import { output } from './projects.mjs'

export const FOLDER = join(root, 'target/install')
const TOOLS = {
  '@arethetypeswrong/cli': '0.18.5',
  '@electron/asar': '3.4.1',
  '@yarnpkg/cli-dist': '4.18.1',
  bun: '1.4.5',
  'electron-builder': '26.17.0',
  esbuild: '0.28.2',
  npm: '11.19.1',
  pnpm: '12.21.0',
  postject: '1.0.0-alpha.6',
  publint: '0.3.25',
  rollup: '4.68.7',
  verdaccio: '6.8.0',
  vite: '8.3.8',
  webpack: '5.112.2',
  yarn: '1.22.22',
}
/** Verdaccio asks for this by a name that not every mirror of the registry knows: `node-fetch@cjs`. */
const OVERRIDES = { 'node-fetch': '2.7.0' }

/** Where a file of theirs is. */
export const tool = (path) => join(FOLDER, 'tools/node_modules', path)

/** Installs what is not there in its version. */
export function obtainTools() {
  const folder = join(FOLDER, 'tools')
  const manifest = JSON.stringify({ private: true, dependencies: TOOLS, overrides: OVERRIDES })
  const record = join(folder, 'installed.json')
  if (existsSync(record) && readFileSync(record, 'utf8') === manifest) return
  console.log(`Getting ${Object.keys(TOOLS).join(', ')} from the npm registry`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), manifest)
  output('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
  writeFileSync(record, manifest)
}
