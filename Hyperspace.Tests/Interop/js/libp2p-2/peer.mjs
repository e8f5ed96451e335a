import '../polyfill.mjs'

const [{ run }, { createLibp2p }, { tcp }, { webSockets }, { noise }, { yamux }, { identify, identifyPush }, { ping }, { gossipsub }, { kadDHT, passthroughMapper }, { multiaddr }, { peerIdFromString }, { CID }, Digest, { circuitRelayTransport, circuitRelayServer }, { autoNAT }, { mdns }] = await Promise.all([
  import('../peer-common.mjs'),
  import('libp2p'),
  import('@libp2p/tcp'),
  import('@libp2p/websockets'),
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
const duplex = stream => {
  let taken = null
  let given = null
  const next = () => new Promise(resolve => {
    taken = resolve
    given?.()
  })
  // One chunk at a time: whoever writes waits until the sink asks for the next one.
  const offer = async value => {
    if (taken == null) {
      await new Promise(resolve => { given = resolve })
    }
    const take = taken
    taken = null
    take(value)
  }
  const sunk = stream.sink((async function * () {
    for (let chunk = await next(); chunk != null; chunk = await next()) {
      yield chunk
    }
  })())
  const failed = sunk.then(() => new Promise(() => {}))
  // Told to whoever writes or closes; a stream that only reads may be reset without that being anybody's fault.
  failed.catch(() => {})
  sunk.catch(() => {})
  return {
    source: (async function * () {
      for await (const chunk of stream.source) {
        yield chunk.subarray()
      }
    })(),
    write: chunk => Promise.race([offer(chunk), failed]),
    closeWrite: async () => {
      await offer(null)
      await sunk
    }
  }
}

await run({
  createLibp2p, tcp, webSockets, noise, yamux, identify, identifyPush, ping, gossipsub, kadDHT, passthroughMapper, multiaddr, peerIdFromString, CID, Digest, circuitRelayTransport, circuitRelayServer, autoNAT, mdns,
  duplex,
  handler: serve => ({ stream }) => serve(duplex(stream))
})
