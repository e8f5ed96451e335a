// The commands of `hyperspace net` that measure, with the same arguments and answers (docs/net.md), so that one driver runs both.
import { randomBytes } from 'node:crypto'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'

const perfProtocol = '/perf/1.0.0'
const echoProtocol = '/hyperspace/echo/1.0.0'
const chunkLength = 65536
const zeros = new Uint8Array(chunkLength)
const mark = Buffer.from('hs-stamp')
const stampLength = 16

// A duplex of one stream: `source` yields chunks, `write(chunk)` waits for room, `closeWrite()` half-closes.
async function sendZeros (duplex, bytes) {
  for (let left = bytes; left > 0; left -= chunkLength) {
    await duplex.write(left < chunkLength ? zeros.subarray(0, left) : zeros)
  }
}

export async function serveEcho (duplex) {
  for await (const chunk of duplex.source) {
    await duplex.write(chunk)
  }
  await duplex.closeWrite()
}

export async function servePerf (duplex) {
  const head = Buffer.alloc(8)
  let read = 0
  for await (const chunk of duplex.source) {
    if (read < 8) {
      head.set(chunk.subarray(0, 8 - read), read)
    }
    read += chunk.length
  }
  await sendZeros(duplex, Number(head.readBigUInt64BE()))
  await duplex.closeWrite()
}

export function serve (node, handler) {
  const limits = { maxInboundStreams: 1000, maxOutboundStreams: 1000, runOnLimitedConnection: true }
  return Promise.all([
    node.handle(echoProtocol, handler(serveEcho), limits),
    node.handle(perfProtocol, handler(servePerf), limits)
  ])
}

// Buckets that are each 1% wider than the one before, from 1 µs, in milliseconds.
class Latencies {
  counts = new Float64Array(2100)
  total = 0
  max = 0

  add (ms) {
    this.max = Math.max(this.max, ms)
    this.counts[Math.min(this.counts.length - 1, Math.round(Math.log(Math.max(ms * 1000, 1)) / Math.log(1.01)))]++
    this.total++
  }

  percentile (share) {
    let before = Math.floor(this.total * share)
    for (let i = 0; this.total > 0; i++) {
      before -= this.counts[i]
      if (before < 0) {
        return Math.exp(i * Math.log(1.01)) / 1000
      }
    }
    return null
  }
}

class Meter {
  reset () {
    Object.assign(this, { count: 0, bytes: 0, latencies: new Latencies() })
    return this
  }

  add (data) {
    this.count++
    this.bytes += data.length
    if (data.length >= stampLength && mark.equals(data.subarray(0, 8))) {
      this.latencies.add(Number(process.hrtime.bigint() - Buffer.from(data.buffer, data.byteOffset, data.length).readBigUInt64BE(8)) / 1e6)
    }
  }

  read () {
    return { count: this.count, bytes: this.bytes, p50Ms: this.latencies.percentile(0.5), p99Ms: this.latencies.percentile(0.99), maxMs: this.latencies.max }
  }
}

const percentile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]

// `open(peer, protocol, signal)` gives a duplex; `quiet` holds the meters of topics whose messages are counted, not printed.
export function benchCommands ({ node, pubsub, dht, open, multiaddr, peerIdFromString, signal, quiet }) {
  const text = value => new TextEncoder().encode(value)

  return {
    ping: async r => {
      const rttsMs = []
      while (rttsMs.length < (r.count ?? 1)) {
        rttsMs.push(await node.services.ping.ping(r.ma ? multiaddr(r.ma) : peerIdFromString(r.peer), { signal: signal(r) }))
      }
      return { rttsMs, p50Ms: percentile(rttsMs, 0.5), p99Ms: percentile(rttsMs, 0.99) }
    },
    echoRounds: async r => {
      const start = performance.now()
      const duplex = await open(r.peer, echoProtocol, signal(r))
      const sent = randomBytes(r.bytes)
      const chunks = duplex.source[Symbol.asyncIterator]()
      const rounds = []
      const readBack = async () => {
        for (let read = 0; read < sent.length;) {
          const { done, value } = await chunks.next()
          if (done || Buffer.compare(value, sent.subarray(read, read + value.length)) !== 0) {
            throw new Error(done ? `only ${read} bytes came back` : 'other bytes came back')
          }
          read += value.length
        }
      }
      while (rounds.length < (r.count ?? 1)) {
        const begun = performance.now()
        const coming = readBack()
        for (let offset = 0; offset < sent.length; offset += chunkLength) {
          await duplex.write(sent.subarray(offset, offset + chunkLength))
        }
        if (rounds.length + 1 === (r.count ?? 1)) {
          await duplex.closeWrite()
        }
        await coming
        rounds.push(performance.now() - begun)
      }
      if (!(await chunks.next()).done) {
        throw new Error('more came back than was sent')
      }
      return { bytes: sent.length, count: rounds.length, ms: performance.now() - start, p50Ms: percentile(rounds, 0.5), p99Ms: percentile(rounds, 0.99) }
    },
    perf: async r => {
      const duplex = await open(r.peer, perfProtocol, signal(r))
      const start = performance.now()
      let uploaded = null
      let received = 0
      const download = (async () => {
        for await (const chunk of duplex.source) {
          uploaded ??= performance.now()
          received += chunk.length
        }
      })()
      const head = Buffer.alloc(8)
      head.writeBigUInt64BE(BigInt(r.download ?? 0))
      await duplex.write(head)
      await sendZeros(duplex, r.upload ?? 0)
      await duplex.closeWrite()
      await download
      const end = performance.now()
      uploaded ??= end
      if (received !== (r.download ?? 0)) {
        throw new Error(`${received} bytes came where ${r.download} were asked for`)
      }
      return { upload: r.upload ?? 0, download: received, uploadMs: uploaded - start, downloadMs: end - uploaded }
    },
    received: async r => {
      const answer = quiet.get(r.topic).read()
      if (r.reset) {
        quiet.get(r.topic).reset()
      }
      return answer
    },
    publishMany: async r => {
      const begun = performance.now()
      for (let sent = 0; sent < (r.count ?? 1); sent++) {
        while (r.rate && (performance.now() - begun) / 1000 * r.rate < sent) {
          await delay(1)
        }
        const data = randomBytes(r.size)
        if (r.size >= stampLength) {
          data.set(mark)
          data.writeBigUInt64BE(process.hrtime.bigint(), 8)
        }
        await pubsub.publish(r.topic, data)
        if (sent % 16 === 15) {
          // Else a publisher that is behind would never read.
          await turn()
        }
      }
      return { count: r.count ?? 1, ms: performance.now() - begun, subscribers: pubsub.getSubscribers(r.topic).length }
    },
    topic: async r => ({ mesh: pubsub.getMeshPeers(r.topic).map(String), subscribers: pubsub.getSubscribers(r.topic).map(String) }),
    close: async r => { await node.hangUp(peerIdFromString(r.peer)) },
    stats: async () => {
      const memory = process.memoryUsage()
      return { rssBytes: memory.rss, heapBytes: memory.heapUsed, connections: node.getConnections().length, streams: node.getConnections().reduce((sum, c) => sum + c.streams.length, 0), dhtPeers: dht.routingTable.size, cpu: process.cpuUsage() }
    },
    'dht.put': async r => {
      const start = performance.now()
      let stored = 0
      for await (const event of dht.put(text(r.key), text(r.value), { signal: signal(r) })) {
        stored += event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE' ? 1 : 0
      }
      return { stored, ms: performance.now() - start }
    },
    // To the end of the query, as ours: the first value may be an old one.
    'dht.get': async r => {
      const start = performance.now()
      let value = null
      for await (const event of dht.get(text(r.key), { signal: signal(r) })) {
        value = event.name === 'VALUE' ? new TextDecoder().decode(event.value) : value
      }
      return { found: value != null, value, ms: performance.now() - start }
    }
  }
}

export const meter = () => new Meter().reset()
