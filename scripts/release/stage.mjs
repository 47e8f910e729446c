// Stages the packages of a release: memmap as npm packs it, and a package for each platform in npm/
// beside it. memmap names those as optional dependencies. Only the staged package.json names them,
// because in the repository `npm install` would not find versions that are not published yet.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageJson, root, run, spawn, stop } from '../setup.mjs'

const SYSTEMS = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' }
const LIBRARIES = { gnu: ' with glibc', musl: ' with musl' }

/**
 * Stages the packages in `folder`, with the libraries in `artifacts`. Returns the folder of memmap,
 * its manifest, the names of the platforms with a library, and all platforms.
 * @param partial whether platforms without a library are left out; otherwise one is an error
 */
export async function stage(folder, artifacts, { partial = false } = {}) {
  // Imported here, because setup.mjs may have to install it first.
  const { parseTriple } = await import('@napi-rs/cli')
  const all = packageJson().napi.targets.map((triple) => ({ ...parseTriple(triple), triple }))
  const platforms = all.filter(({ platformArchABI: name }) => existsSync(join(artifacts, libraryName(name))))
  const missing = all.filter((platform) => !platforms.includes(platform)).map(({ platformArchABI }) => platformArchABI)
  if (platforms.length === 0) stop(`${artifacts} contains no memmap.*.node`)
  if (missing.length > 0 && !partial) stop(`${artifacts} contains no library for ${missing.join(', ')}`)

  const home = unpackPackage(folder)
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  manifest.napi.targets = platforms.map(({ triple }) => triple)
  if (!partial) refusePlaces(manifest)
  writeFileSync(join(home, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)

  napi(home, 'create-npm-dirs')
  for (const platform of platforms) fillPackage(home, artifacts, platform)
  napi(home, 'pre-publish', '--tag-style', 'npm', '--no-gh-release', '--skip-optional-publish')
  return { home, manifest, platforms: platforms.map(({ platformArchABI }) => platformArchABI), all }
}

/**
 * Uploads the staged packages, those of the platforms first, because memmap does not work without
 * them. Versions that the registry already has are skipped, so that a release that failed halfway
 * can be repeated.
 */
export function publish(home, env = process.env) {
  const platforms = readdirSync(join(home, 'npm')).map((name) => join(home, 'npm', name))
  for (const cwd of [...platforms, home]) {
    const { name, version } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'))
    if (spawn('npm', ['view', `${name}@${version}`, 'version'], { cwd, env }).stdout.trim() === version) {
      console.log(`${name} ${version} is already published`)
    } else {
      run('npm', publishArguments(version), { cwd, env })
    }
  }
}

/** npm's arguments. A prerelease gets another tag, so that nobody installs it by default. */
export function publishArguments(version) {
  return ['publish', '--ignore-scripts', '--access', 'public', ...(isPrerelease(version) ? ['--tag', 'next'] : [])]
}

/** Refuses a package whose addresses are placeholders, or those of another repository. */
function refusePlaces({ repository, homepage, bugs }) {
  const places = { repository: repository?.url, homepage, bugs }
  // npm signs the place of the build only if the package names the same repository.
  const { GITHUB_REPOSITORY: here } = process.env
  const wrong = Object.entries(places).filter(([, url]) => {
    return !url || url.includes('/OWNER/') || (here && !url.includes(`github.com/${here}`))
  })
  const list = wrong.map(([name, url]) => `${name} is ${url}`).join(', ')
  if (list !== '') stop(`package.json must name ${here ? `github.com/${here}` : 'the real repository'}: ${list}`)
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

/** Completes a folder that `napi create-npm-dirs` has made. */
function fillPackage(home, artifacts, { platformArchABI: name, platform, arch, abi, triple }) {
  const folder = join(home, 'npm', name)
  copyFileSync(join(artifacts, libraryName(name)), join(folder, libraryName(name)))
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  const system = `${SYSTEMS[platform]} on ${arch}${LIBRARIES[abi] ?? ''}`
  writeFileSync(
    join(folder, 'README.md'),
    `# @memmap/binding-${name}\n\n` +
      `The native library of [memmap](https://www.npmjs.com/package/memmap) for ${system} (${triple}). Install \`memmap\`, which depends on it.\n`,
  )
}

function napi(home, ...args) {
  run(process.execPath, [join(root, 'node_modules/@napi-rs/cli/dist/cli.js'), ...args], { cwd: home })
}
