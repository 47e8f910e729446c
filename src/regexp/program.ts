// A tree as the program that Rust reads: operations in prefix notation, as numbers.
//
// | operation | what follows |
// | --- | --- |
// | 0 nothing | |
// | 1 literal | the number of bytes, and the bytes |
// | 2 a byte, 3 a code point | the number of ranges, and the first and the last of each |
// | 4 sequence, 5 choice | the number of parts, and the parts |
// | 6 group | its number from 1 on, and the part |
// | 7 repetition | the least, the most (2 ** 32 - 1: any number), 1 if greedy, and the part |
// | 8 look | see `Look` |

import { LARGEST, type Node } from './tree.js'

/** How deep operations may be nested, because Rust reads them recursively. */
const DEEPEST = 250

/** The program, or why there is none. */
export function programOf(tree: Node): Uint32Array | string {
  if (tree.size > LARGEST) return 'it is too large: write it shorter, or search for parts of it'
  const program: number[] = []
  return emit(tree, program, 0) ? Uint32Array.from(program) : 'its groups and repetitions are nested too deeply'
}

function emit(node: Node, program: number[], depth: number): boolean {
  if (depth > DEEPEST) return false
  switch (node.kind) {
    case 'empty':
      program.push(0)
      return true
    case 'literal':
      program.push(1, node.bytes.length)
      for (const byte of node.bytes) program.push(byte)
      return true
    case 'bytes':
    case 'characters':
      program.push(node.kind === 'bytes' ? 2 : 3, node.ranges.length)
      for (const [first, last] of node.ranges) program.push(first, last)
      return true
    case 'sequence':
    case 'choice':
      program.push(node.kind === 'sequence' ? 4 : 5, node.parts.length)
      return node.parts.every((part) => emit(part, program, depth + 1))
    case 'group':
      program.push(6, node.index)
      return emit(node.part, program, depth + 1)
    case 'repetition':
      program.push(7, node.times.least, node.times.most, node.times.greedy ? 1 : 0)
      return emit(node.part, program, depth + 1)
    case 'look':
      program.push(8, node.look)
      return true
  }
}
