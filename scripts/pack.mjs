// npm run pack: the packages of this machine as files that a project can install, in
// target/packages. They are what will be published.

import { mkdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { stage } from './release/stage.mjs'
import { packageJson, root, setUp, spawn, stop } from './setup.mjs'

const FOLDER = join(root, 'target/packages')

setUp()
rmSync(FOLDER, { recursive: true, force: true })
mkdirSync(FOLDER, { recursive: true })
const { home, platforms } = await stage(join(root, 'target/staged'), root, { partial: true })
const folders = [home, ...platforms.map((name) => join(home, 'npm', name))]
const { status, stdout, stderr } = spawn('npm', ['pack', '--silent', '--pack-destination', FOLDER, ...folders])
if (status !== 0) stop(`npm pack failed: ${stderr}`)
console.log(`\nmemmap ${packageJson().version} and its library, to be installed together:`)
for (const name of stdout.trim().split('\n')) console.log(relative('', join(FOLDER, name)))
