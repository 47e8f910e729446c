// What is checked one after the other: a line each, and how many went well.

export const counts = { passed: 0, failed: 0 }

/** One line a check, and what went wrong. */
export function check(name, body) {
  const started = performance.now()
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`.padStart(7)
  try {
    body()
    counts.passed += 1
    console.log(`  ok    ${seconds()}  ${name}`)
    return true
  } catch (error) {
    counts.failed += 1
    console.log(`  FAIL  ${seconds()}  ${name}\n${error.message.trimEnd().replace(/^/gm, '        ')}`)
    return false
  }
}

export function equal(found, expected) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)]
  if (left !== right) throw new Error(`got  ${left}\nwant ${right}`)
}

/** What is said by something that must fail. */
export function failure(body) {
  try {
    body()
  } catch ({ message }) {
    return message
  }
  throw new Error('It did not fail')
}

export function includes(text, part) {
  if (!text.includes(part)) throw new Error(`"${part}" is not in\n${text}`)
}
