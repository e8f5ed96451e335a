import { WebSocket } from 'ws'
import '../polyfill.mjs'

// @libp2p/websockets 10 dials with the platform's WebSocket, which node has from 22 on.
globalThis.WebSocket ??= WebSocket

const [{ run }, { createLibp2p }, { tcp }, { webSockets }, { noise }, { yamux }, { identify, identifyPush }, { ping }, { gossipsub }, { kadDHT, passthroughMapper }, { multiaddr }, { peerIdFromString }, { CID }, Digest, { circuitRelayTransport, circuitRelayServer }, { autoNAT }, { mdns }] = await Promise.all([
  import('../peer-common.mjs'),
  import('libp2p'),
  import('@libp2p/tcp'),
  import('@libp2p/websockets'),
  import('@libp2p/noise'),
  import('@libp2p/yamux'),
  import('@libp2p/identify'),
  import('@libp2p/ping'),
  import('@libp2p/gossipsub'),
  import('@libp2p/kad-dht'),
  import('@multiformats/multiaddr'),
  import('@libp2p/peer-id'),
  import('multiformats/cid'),
  import('multiformats/hashes/digest'),
  import('@libp2p/circuit-relay-v2'),
  import('@libp2p/autonat'),
  import('@libp2p/mdns')
])

// js-libp2p 3: streams are event targets with send(), onDrain() and async iteration; close() closes the writable end first.
const duplex = stream => ({
  source: (async function * () {
    for await (const chunk of stream) {
      yield chunk.subarray()
    }
  })(),
  write: async chunk => {
    if (!stream.send(chunk)) {
      await stream.onDrain()
    }
  },
  closeWrite: () => stream.close()
})

await run({
  createLibp2p, tcp, webSockets, noise, yamux, identify, identifyPush, ping, gossipsub, kadDHT, passthroughMapper, multiaddr, peerIdFromString, CID, Digest, circuitRelayTransport, circuitRelayServer, autoNAT, mdns,
  duplex,
  handler: serve => stream => serve(duplex(stream))
})
