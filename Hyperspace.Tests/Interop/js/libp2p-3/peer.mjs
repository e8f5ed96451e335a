import '../polyfill.mjs'

const [{ run }, { createLibp2p }, { tcp }, { noise }, { yamux }, { identify, identifyPush }, { ping }, { gossipsub }, { kadDHT, passthroughMapper }, { multiaddr }, { peerIdFromString }, { CID }, Digest, { circuitRelayTransport, circuitRelayServer }, { autoNAT }, { mdns }] = await Promise.all([
  import('../peer-common.mjs'),
  import('libp2p'),
  import('@libp2p/tcp'),
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

// js-libp2p 3: streams are event targets with send(), onDrain() and async iteration.
async function sendAll (stream, data) {
  for (let offset = 0; offset < data.length; offset += 65536) {
    if (!stream.send(data.subarray(offset, offset + 65536))) {
      await stream.onDrain()
    }
  }
}

await run({
  createLibp2p, tcp, noise, yamux, identify, identifyPush, ping, gossipsub, kadDHT, passthroughMapper, multiaddr, peerIdFromString, CID, Digest, circuitRelayTransport, circuitRelayServer, autoNAT, mdns,
  serveEcho: () => async stream => {
    for await (const chunk of stream) {
      await sendAll(stream, chunk.subarray())
    }
    await stream.close()
  },
  echo: async (stream, data) => {
    const received = (async () => {
      const chunks = []
      for await (const chunk of stream) {
        chunks.push(chunk.subarray())
      }
      return Buffer.concat(chunks)
    })()
    await sendAll(stream, data)
    await stream.close()
    return received
  }
})
