// npm run test:snippets: runs the programs of README.md and docs/ on several runtimes, with the
// packages that some of the programs use. It obtains both from the npm registry. Without options
// the runtimes are the oldest and the newest Node, Bun and Deno.
//   --runtime node24     runs them on this runtime; can be repeated

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, runTool, setUp, stop } from '../setup.mjs'
import { install, obtain, RUNTIMES } from './obtain.mjs'

/** The programs run in this folder, and so find the packages. */
const FOLDER = join(root, 'target/snippets')
const LIBRARIES = {
  'apache-arrow': '21.2.0',
  hyparquet: '1.33.0',
  'hyparquet-writer': '0.17.0',
  'mmdb-lib': '3.0.3',
  pmtiles: '4.5.0',
}

const { values: options } = parseArgs({
  options: { runtime: { type: 'string', multiple: true, default: ['node20', 'node26', 'bun', 'deno'] } },
})

setUp()
if (!Object.entries(LIBRARIES).every(([name, version]) => isInstalled(name, version))) {
  const problem = install(
    FOLDER,
    Object.entries(LIBRARIES).map(([name, version]) => `${name}@${version}`),
    ['--ignore-scripts'],
  )
  if (problem !== undefined) console.log(`The packages could not be installed: ${problem}`)
}
const runtimes = RUNTIMES.filter(({ name }) => options.runtime.includes(name))
const obtained = runtimes.map(obtain).filter((runtime) => runtime !== undefined)
if (obtained.length === 0) stop('There is no runtime to run the programs on')
runTool('ava', ['__test__/package/snippets.test.mts'], {
  env: { ...process.env, SNIPPET_RUNTIMES: JSON.stringify(obtained) },
})

function isInstalled(name, version) {
  const manifest = join(FOLDER, 'node_modules', name, 'package.json')
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === version
}
