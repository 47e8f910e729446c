// Projects that use memmap, and programs that are run in them, without the settings and caches of
// the user who runs this.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { spawn } from '../setup.mjs'

/** What a program does with what it has of memmap, and what it prints. */
export const USE = `const mm = mmap(-1, PAGESIZE)
mm.write('hello')
console.log(mm.slice(0, 5).toString(), new Mmap(-1, 3).length)`
export const USED = 'hello 3'
export const PROGRAM = `import { mmap, Mmap, PAGESIZE } from 'memmap'\n${USE}\n`

/** A folder with a package.json and with `files`. */
export function makeProject(folder, manifest, files = {}) {
  writeFiles(folder, { 'package.json': JSON.stringify({ name: 'project', private: true, ...manifest }), ...files })
}

export function writeFiles(folder, files) {
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

/** The output of a program that must succeed. */
export function output(command, args, settings) {
  const { status, stdout, stderr, error } = spawn(command, args, { stdio: 'pipe', ...settings })
  if (status !== 0) {
    throw new Error(
      `${[command, ...args].join(' ')}\nended with ${error?.message ?? status}\n${stdout ?? ''}${stderr ?? ''}`,
    )
  }
  return stdout.trim()
}

export function execute([command, ...args], cwd, env) {
  return output(command, args, { cwd, env })
}

/** Packs folders of packages, and returns the files. */
export function pack(folders, destination, env) {
  const names = execute(['npm', 'pack', '--silent', '--pack-destination', destination, ...folders], destination, env)
  return names.split('\n').map((name) => join(destination, name))
}

/** Installs packed packages into a project that has everything else. */
export function installPacked(project, packed, env) {
  return execute(['npm', 'install', '--offline', '--no-save', '--ignore-scripts', ...packed], project, env)
}

/** What package managers ask for packages is this registry. */
export function registryEnvironment(work, url) {
  // Deno wants it in capital letters.
  return { ...cleanEnvironment(work), npm_config_registry: url, NPM_CONFIG_REGISTRY: url }
}

/** For Deno, to which what has just been published is too new otherwise. */
export const DENO_SETTINGS = { 'deno.json': JSON.stringify({ minimumDependencyAge: 0 }) }

/**
 * Without settings and caches of the user who runs this, which may know other registries. What is
 * undefined is not to be there.
 */
export function cleanEnvironment(work) {
  const home = join(work, 'home')
  mkdirSync(home, { recursive: true })
  const environment = { ...process.env }
  for (const name of Object.keys(environment)) {
    if (/^(npm_|yarn_|pnpm_|bun_|deno_|node_|corepack_|https?_proxy|xdg_)/i.test(name)) environment[name] = undefined
  }
  return {
    ...environment,
    HOME: home,
    USERPROFILE: home,
    APPDATA: join(home, 'AppData'),
    LOCALAPPDATA: join(home, 'LocalAppData'),
    CI: '1',
    NO_COLOR: '1',
    npm_config_userconfig: join(home, 'npmrc'),
    npm_config_globalconfig: join(home, 'global-npmrc'),
    npm_config_cache: join(home, 'npm-cache'),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  }
}
