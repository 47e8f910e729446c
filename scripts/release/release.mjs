// npm run release: stages what is published, in target/release, and says what it is. Nothing leaves this machine without --publish.
//   --artifacts DIR    the libraries of all platforms: memmap.*.node
//   --tag v1.2.3       the tag that is released: its version must be that of package.json, and CHANGELOG.md must say what is new in it
//   --publish          uploads to npm, and makes a GitHub release of the tag with gh; what is there already is passed over
//   --partial          a rehearsal with fewer platforms

import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { checkNode, installDependencies, packageJson, root, run, spawn, stop } from '../setup.mjs'
import { isPrerelease, publish, publishArguments, stage } from '../stage.mjs'

const { values: options } = parseArgs({
  options: {
    artifacts: { type: 'string', default: root },
    tag: { type: 'string' },
    publish: { type: 'boolean', default: false },
    partial: { type: 'boolean', default: false },
  },
})
if (options.publish && (options.tag === undefined || options.partial)) {
  stop('What is published has a tag, and libraries for all platforms')
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
    console.log(`There is a GitHub release ${options.tag} already`)
  } else {
    writeFileSync(join(folder, 'notes.md'), notes)
    const args = ['--verify-tag', '--title', options.tag, '--notes-file', join(folder, 'notes.md')]
    if (isPrerelease(manifest.version)) args.push('--prerelease')
    run('gh', ['release', 'create', options.tag, ...args])
  }
} else {
  run('npm', [...publishArguments(manifest.version), '--dry-run'], { cwd: home })
}

/** What CHANGELOG.md says of the version that is tagged. */
function news(tag) {
  const { version } = packageJson()
  if (tag !== `v${version}`) stop(`The tag is ${tag}, and package.json has version ${version}`)
  const sections = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').split(/^## /m)
  const section = sections.find((text) => text.split(/[\s\]]/, 1)[0].replace('[', '') === version)
  if (section === undefined) stop(`CHANGELOG.md has no section "## ${version}"`)
  const text = section.slice(section.indexOf('\n')).trim()
  // A release is shown where paths in the repository lead nowhere.
  const { GITHUB_REPOSITORY: repository } = process.env
  if (!repository) return text
  return text.replaceAll(/\]\((?![a-z]+:|#)/g, `](https://github.com/${repository}/blob/${tag}/`)
}
