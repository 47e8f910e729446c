// What Linux says of this process: see runtimes/process-state.cjs.

import { createRequire } from 'node:module'

interface ProcessState {
  allMaps(): number
  descriptorsOf(path: string): number
  mapsOf(path: string): number
  openDescriptors(): string[]
}

const state: ProcessState = createRequire(import.meta.url)('./runtimes/process-state.cjs')

export const { allMaps, descriptorsOf, mapsOf, openDescriptors } = state
