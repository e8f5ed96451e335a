import '../polyfill.mjs'

const [{ run }, { createLibp2p }, { tcp }, { noise }, { yamux }, { identify, identifyPush }, { ping }, { gossipsub }, { kadDHT, passthroughMapper }, { multiaddr }, { peerIdFromString }, { CID }, Digest, { circuitRelayTransport, circuitRelayServer }, { autoNAT }, { mdns }] = await Promise.all([
  import('../peer-common.mjs'),
  import('libp2p'),
  import('@libp2p/tcp'),
  import('@chainsafe/libp2p-noise'),
  import('@chainsafe/libp2p-yamux'),
  import('@libp2p/identify'),
  import('@libp2p/ping'),
  import('@chainsafe/libp2p-gossipsub'),
  import('@libp2p/kad-dht'),
  import('@multiformats/multiaddr'),
  import('@libp2p/peer-id'),
  import('multiformats/cid'),
  import('multiformats/hashes/digest'),
  import('@libp2p/circuit-relay-v2'),
  import('@libp2p/autonat'),
  import('@libp2p/mdns')
])

// js-libp2p 2: streams have a source and a sink; the sink closes the writable end when its input ends.
async function * chunked (data) {
  for (let offset = 0; offset < data.length; offset += 65536) {
    yield data.subarray(offset, offset + 65536)
  }
}

await run({
  createLibp2p, tcp, noise, yamux, identify, identifyPush, ping, gossipsub, kadDHT, passthroughMapper, multiaddr, peerIdFromString, CID, Digest, circuitRelayTransport, circuitRelayServer, autoNAT, mdns,
  serveEcho: () => async ({ stream }) => {
    await stream.sink(stream.source)
  },
  echo: async (stream, data) => {
    const received = (async () => {
      const chunks = []
      for await (const chunk of stream.source) {
        chunks.push(chunk.subarray())
      }
      return Buffer.concat(chunks)
    })()
    await stream.sink(chunked(data))
    return received
  }
})
