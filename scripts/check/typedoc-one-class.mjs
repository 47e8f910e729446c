// A plugin of TypeDoc. Class Mmap inherits its methods from classes that are not exported, one for
// each kind of use. A reader of docs/api.md needs to know of one class only. What the package
// exports beside it is put into categories, and each method must have one and an example.

import { Comment, CommentTag, Converter, ReflectionKind } from 'typedoc'

/** After TypeDoc's own plugins, which record what is inherited. */
const LAST = -10_000

/** Makes inherited members of Mmap appear as its own. @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const { parent, children } = classOf(project)
    for (const child of parent.children) addCategory(child)
    for (const child of children) requireExample(child, app.logger)
  })
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => makeOwn(classOf(project)), LAST)
}

/** Class Mmap: in the project, or in its module where the project has pages too. */
function classOf(project) {
  const found = project.getReflectionsByKind(ReflectionKind.Class).find(({ name }) => name === 'Mmap')
  if (found === undefined) throw new Error('There is no class Mmap to document')
  return found
}

/** @param {import('typedoc').Reflection} reflection */
function makeOwn(reflection) {
  for (const key of ['extendedTypes', 'typeHierarchy', 'inheritedFrom', 'overwrites']) {
    Reflect.deleteProperty(reflection, key)
  }
  reflection.traverse((child) => makeOwn(child))
}

const KINDS = [
  [/^ACCESS_/, 'Constants of access'],
  [/^PROT_|^MAP_/, 'Constants of flags and prot'],
  [/^MADV_/, 'Constants of madvise()'],
  [/^MS_/, 'Constants of flush()'],
  [/^[A-Z_]+$/, 'Sizes'],
]

function addCategory(child) {
  const category =
    child.name === 'Mmap'
      ? 'The class'
      : child.kindOf(ReflectionKind.Function)
        ? 'Functions'
        : (KINDS.find(([pattern]) => pattern.test(child.name))?.[1] ?? 'Types')
  for (const documented of child.signatures ?? [child]) {
    documented.comment ??= new Comment()
    documented.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: category }]))
  }
}

/** Members whose names are symbols are called by the language, so they need no example. */
function requireExample(child, logger) {
  if (child.name.startsWith('[') || child.kindOf(ReflectionKind.Constructor)) return
  const comments = [
    child.comment,
    child.getSignature?.comment,
    ...(child.signatures ?? []).map(({ comment }) => comment),
  ]
  for (const tag of ['@category', '@example']) {
    if (!comments.some((comment) => comment?.getTag(tag) !== undefined)) {
      logger.warn(`The comment of Mmap#${child.name} has no ${tag}`)
    }
  }
}
