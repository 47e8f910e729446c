// What is published: the package as npm packs it, with a package for each platform in npm/ beside it, which it names as optional
// dependencies. They exist only here: in the repository `npm install` could not find a version that is not published yet.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageJson, root, run, spawn, stop } from './setup.mjs'

const SYSTEMS = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' }
const LIBRARIES = { gnu: ' with glibc', musl: ' with musl' }

/**
 * Stages it in `folder`, with the libraries that are in `artifacts`. Returns where, the manifest, the platforms that have one, and all
 * there could be.
 * @param partial whether platforms may be left out, with a library that was not built
 */
export async function stage(folder, artifacts, { partial = false } = {}) {
  // Not at the top: it may just have been installed.
  const { parseTriple } = await import('@napi-rs/cli')
  const all = packageJson().napi.targets.map((triple) => ({ ...parseTriple(triple), triple }))
  const platforms = all.filter(({ platformArchABI: name }) => existsSync(join(artifacts, libraryName(name))))
  const missing = all.filter((platform) => !platforms.includes(platform)).map(({ platformArchABI }) => platformArchABI)
  if (platforms.length === 0) stop(`There is no memmap.*.node in ${artifacts}`)
  if (missing.length > 0 && !partial) stop(`There is no library in ${artifacts} for ${missing.join(', ')}`)

  const home = unpackPackage(folder)
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  manifest.napi.targets = platforms.map(({ triple }) => triple)
  // npm signs where a package was built only if the package says the same.
  const { GITHUB_REPOSITORY: repository } = process.env
  if (repository) manifest.repository ??= { type: 'git', url: `git+https://github.com/${repository}.git` }
  writeFileSync(join(home, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)

  napi(home, 'create-npm-dirs')
  for (const platform of platforms) fillPackage(home, artifacts, platform)
  napi(home, 'pre-publish', '--tag-style', 'npm', '--no-gh-release', '--skip-optional-publish')
  return { home, manifest, platforms: platforms.map(({ platformArchABI }) => platformArchABI), all }
}

/**
 * Uploads what was staged, the platforms first, because the package is of no use without them. What is in the registry already is
 * passed over, so that a release that failed halfway can be run again.
 */
export function publish(home, env = process.env) {
  const platforms = readdirSync(join(home, 'npm')).map((name) => join(home, 'npm', name))
  for (const cwd of [...platforms, home]) {
    const { name, version } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'))
    if (spawn('npm', ['view', `${name}@${version}`, 'version'], { cwd, env }).stdout.trim() === version) {
      console.log(`${name} ${version} is published already`)
    } else {
      run('npm', publishArguments(version), { cwd, env })
    }
  }
}

/** For npm, to which a version that nobody is to get without asking for it must be said by another tag. */
export function publishArguments(version) {
  return ['publish', '--ignore-scripts', '--access', 'public', ...(isPrerelease(version) ? ['--tag', 'next'] : [])]
}

export const isPrerelease = (version) => version.includes('-')

export const libraryName = (platform) => `memmap.${platform}.node`

function unpackPackage(folder) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const { status, stdout, stderr } = spawn('npm', ['pack', '--json', '--pack-destination', folder])
  if (status !== 0) stop(`npm pack failed: ${stderr}`)
  run('tar', ['-xzf', JSON.parse(stdout)[0].filename], { cwd: folder })
  return join(folder, 'package')
}

/** Completes what `napi create-npm-dirs` has made. */
function fillPackage(home, artifacts, { platformArchABI: name, platform, arch, abi, triple }) {
  const folder = join(home, 'npm', name)
  copyFileSync(join(artifacts, libraryName(name)), join(folder, libraryName(name)))
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  const system = `${SYSTEMS[platform]} on ${arch}${LIBRARIES[abi] ?? ''}`
  writeFileSync(
    join(folder, 'README.md'),
    `# @memmap/binding-${name}\n\n` +
      `The native library of [memmap](https://www.npmjs.com/package/memmap) for ${system} (${triple}). Install \`memmap\`, which brings it along.\n`,
  )
}

function napi(home, ...args) {
  run(process.execPath, [join(root, 'node_modules/@napi-rs/cli/dist/cli.js'), ...args], { cwd: home })
}
