// npm run release: stages the packages in target/release and lists their content. It uploads
// nothing without --publish.
//   --artifacts DIR    the folder with the libraries of all platforms, memmap.*.node
//   --tag v1.2.3       the tag to release: package.json must have its version, and CHANGELOG.md a
//                      section for it
//   --publish          uploads to npm, and makes a GitHub release of the tag with gh; it skips what
//                      exists already
//   --partial          a rehearsal, without the libraries of some platforms and with placeholders
//                      for the addresses in package.json

import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { checkNode, installDependencies, packageJson, root, run, spawn, stop } from '../setup.mjs'
import { isPrerelease, publish, publishArguments, stage } from './stage.mjs'

const { values: options } = parseArgs({
  options: {
    artifacts: { type: 'string', default: root },
    tag: { type: 'string' },
    publish: { type: 'boolean', default: false },
    partial: { type: 'boolean', default: false },
  },
})
if (options.publish && (options.tag === undefined || options.partial)) {
  stop('--publish needs a --tag and the libraries of all platforms')
}

checkNode()
installDependencies()
const notes = options.tag === undefined ? undefined : news(options.tag)
const folder = join(root, 'target/release')
const { home, manifest, platforms } = await stage(folder, resolve(options.artifacts), options)
console.log(`\nmemmap ${manifest.version} for ${platforms.join(', ')} is in ${home}`)
if (notes !== undefined) console.log(`\n${notes}`)

if (options.publish) {
  publish(home)
  if (spawn('gh', ['release', 'view', options.tag]).status === 0) {
    console.log(`The GitHub release ${options.tag} exists already`)
  } else {
    writeFileSync(join(folder, 'notes.md'), notes)
    const args = ['--verify-tag', '--title', options.tag, '--notes-file', join(folder, 'notes.md')]
    if (isPrerelease(manifest.version)) args.push('--prerelease')
    run('gh', ['release', 'create', options.tag, ...args])
  }
} else {
  run('npm', [...publishArguments(manifest.version), '--dry-run'], { cwd: home })
}

/** The section of CHANGELOG.md for the version of the tag. */
function news(tag) {
  const { version } = packageJson()
  if (tag !== `v${version}`) stop(`The tag is ${tag}, but package.json has version ${version}`)
  const sections = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').split(/^## /m)
  const section = sections.find((text) => text.split(/[\s\]]/, 1)[0].replace('[', '') === version)
  if (section === undefined) stop(`CHANGELOG.md has no section "## ${version}"`)
  const text = section.slice(section.indexOf('\n')).trim()
  // Relative links do not work on the page of a release.
  const { GITHUB_REPOSITORY: repository } = process.env
  if (!repository) return text
  return text.replaceAll(/\]\((?![a-z]+:|#)/g, `](https://github.com/${repository}/blob/${tag}/`)
}
