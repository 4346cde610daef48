// SPDX-License-Identifier: MIT
// check: count what holds and what does not; the same last line as every other test.
let passed = 0
let failed = 0

export function check(what, got, expected) {
  const a = JSON.stringify(got)
  const b = JSON.stringify(expected)
  if (a === b) {
    passed++
  } else {
    failed++
    console.log(`FAILED ${what}: got ${a}, expected ${b}`)
  }
}

// What `action` throws, as text; undefined when it does not.
export async function thrown(action) {
  try {
    await action()
  } catch (error) {
    return error.message
  }
}

export function finish() {
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0)
}

// A client that hangs is a failure, not a wait.
setTimeout(() => {
  console.log(`FAILED: no end after 60 seconds\n${passed} passed, ${failed + 1} failed`)
  process.exit(1)
}, 60000).unref()
