// The programs that what is published is tried with: a registry, package managers, bundlers,
// packers and what a user's project has beside memmap. They come from the npm registry, in these
// versions, and stay in target/install.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../setup.mjs'
import { output } from './projects.mjs'

export const FOLDER = join(root, 'target/install')
const VITE = '8.3.8'
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
  vite: VITE,
  webpack: '5.112.2',
  yarn: '1.22.22',
}
/**
 * Verdaccio asks for this by a name that not every mirror of the registry knows: `node-fetch@cjs`.
 */
const OVERRIDES = { 'node-fetch': '2.7.0' }

/**
 * What finds memmap from where it lies itself, and so each has a project of its own, into which
 * memmap is installed.
 */
const PROJECTS = {
  jest29: { jest: '29.7.0', 'jest-environment-jsdom': '29.7.0' },
  jest30: { jest: '30.5.2', 'jest-environment-jsdom': '30.5.2' },
  vitest: { 'happy-dom': '21.0.4', jsdom: '31.0.1', vite: VITE, vitest: '5.1.2' },
  vue: { vue: '3.5.45' },
  next: { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' },
}

/** Where a file of theirs is. */
export const tool = (path) => join(FOLDER, 'tools/node_modules', path)

/** The folder of a tool's own project. */
export const projectOf = (name) => join(FOLDER, 'projects', name)

/** Installs what is not there in its version. */
export function obtainTools() {
  obtainPackages(join(FOLDER, 'tools'), { dependencies: TOOLS, overrides: OVERRIDES })
  for (const [name, dependencies] of Object.entries(PROJECTS)) obtainPackages(projectOf(name), { dependencies })
}

function obtainPackages(folder, { dependencies, overrides }) {
  const manifest = JSON.stringify({ private: true, dependencies, overrides })
  const record = join(folder, 'installed.json')
  if (existsSync(record) && readFileSync(record, 'utf8') === manifest) return
  console.log(`Getting ${Object.keys(dependencies).join(', ')} from the npm registry`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), manifest)
  output('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
  writeFileSync(record, manifest)
}
