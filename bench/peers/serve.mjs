// A server of ranges, and its clients in the same process. The time includes both.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { perTime, randomRecord, timedAsync } from './answer.mjs'

const REQUESTS = 2000
const CLIENTS = 8
const RANGE = 64 * 1024

/** `respond` ends the response with the bytes from `start` to `stop`. */
export async function serve(length, respond) {
  const server = createServer((request, response) => {
    const [start, end] = request.headers.range.slice('bytes='.length).split('-').map(Number)
    response.writeHead(206, {
      'content-range': `bytes ${start}-${end}/${length}`,
      'content-length': end + 1 - start,
    })
    respond(response, start, end + 1)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  try {
    const all = await timedAsync(async () => {
      const sums = await Promise.all(
        Array.from({ length: CLIENTS }, (_, index) => client(port, length, index, REQUESTS / CLIENTS)),
      )
      return sums.reduce((sum, one) => sum + one, 0)
    })
    return perTime(all, REQUESTS)
  } finally {
    server.close()
  }
}

/** Asks for one range after the other. The result is the sum of the first byte of each. */
async function client(port, length, seed, times) {
  const socket = connect(port, '127.0.0.1')
  const chunks = socket[Symbol.asyncIterator]()
  let [state, sum] = [seed, 0]
  for (let i = 0; i < times; i += 1) {
    state = randomRecord(state)
    const start = state % (length - RANGE)
    socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nRange: bytes=${start}-${start + RANGE - 1}\r\n\r\n`)
    sum += await firstByte(chunks)
  }
  socket.destroy()
  return sum
}

/** Reads a response to its end. */
async function firstByte(chunks) {
  let received = Buffer.alloc(0)
  let body = -1
  while (body === -1) {
    received = Buffer.concat([received, await next(chunks)])
    body = received.indexOf('\r\n\r\n')
  }
  body += 4
  while (received.length === body) received = Buffer.concat([received, await next(chunks)])
  const first = received[body]
  for (let rest = RANGE - (received.length - body); rest > 0; ) rest -= (await next(chunks)).length
  return first
}

async function next(chunks) {
  const { value, done } = await chunks.next()
  if (done) throw new Error('the server closed the connection')
  return value
}
