// A plugin of TypeDoc. Class Mmap inherits its methods from classes that are not exported, one for
// each kind of use. A reader of docs/api.md needs to know of one class only.

import { Converter } from 'typedoc'

/** After TypeDoc's own plugins, which record what is inherited. */
const LAST = -10_000

/** Makes inherited members of Mmap appear as its own. @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => makeOwn(project.getChildByName('Mmap')), LAST)
}

/** @param {import('typedoc').Reflection | undefined} reflection */
function makeOwn(reflection) {
  if (reflection === undefined) throw new Error('There is no class Mmap to document')
  for (const key of ['extendedTypes', 'typeHierarchy', 'inheritedFrom', 'overwrites']) {
    Reflect.deleteProperty(reflection, key)
  }
  reflection.traverse((child) => makeOwn(child))
}
