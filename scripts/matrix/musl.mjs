// npm run test:musl: runs npm test in a container of Alpine Linux, with the library for musl that
// is in the repository.
//   --node 24    the version of Node in the image

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { libraryName } from '../release/stage.mjs'
import { root, run, stop } from '../setup.mjs'

const { values: options } = parseArgs({ options: { node: { type: 'string', default: '24' } } })
const library = libraryName(`linux-${process.arch}-musl`)
if (process.platform !== 'linux') stop(`The tests on musl need Linux, but this is ${process.platform}`)
if (!existsSync(join(root, library)))
  stop(`There is no ${library} in the repository: "npm run build:release" builds it in target/artifacts`)

// prettier-ignore
run('docker', [
  'run',
  '--rm',
  // A container's root cannot mount file systems, so the tests for root would fail. Installed
  // packages would also belong to root.
  '--user',
  `${process.getuid()}:${process.getgid()}`,
  // This user has no home directory in the image.
  '--env',
  'HOME=/tmp',
  '--env',
  'MEMMAP_PREBUILT=1',
  '--volume',
  `${root}:/memmap`,
  '--workdir',
  '/memmap',
  `node:${options.node}-alpine`,
  'npm',
  'test',
])
