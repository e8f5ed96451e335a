// A js-libp2p node that a test drives by JSON lines: {id, cmd, …} on stdin, {id, ok, …} and {event, …} on stdout.
// The modules come from the caller, so that one file serves every version line of js-libp2p.
import { createInterface } from 'node:readline'
import { gossipCommands } from './gossip-commands.mjs'
import { benchCommands, meter, serve, serveEcho } from './bench-commands.mjs'

const echoProtocol = '/hyperspace/echo/1.0.0'

const b64 = bytes => Buffer.from(bytes).toString('base64')
const unb64 = text => new Uint8Array(Buffer.from(text ?? '', 'base64'))
const print = line => process.stdout.write(JSON.stringify(line) + '\n')

// `duplex(stream)` and `handler(serve)` hide how the version line shapes its streams and handlers.
export async function run (modules) {
  const { createLibp2p, tcp, webSockets, noise, yamux, identify, identifyPush, ping, gossipsub, kadDHT, passthroughMapper, multiaddr, peerIdFromString, CID, Digest, circuitRelayTransport, circuitRelayServer, autoNAT, mdns, duplex, handler } = modules
  const options = { listen: ['/ip4/127.0.0.1/tcp/0'], kadProtocol: '/hyperspace/kad/1.0.0', earlyMuxer: true, gossip: {}, ...JSON.parse(process.argv[2] ?? '{}') }

  const relayLimits = limits => limits.defaultDataLimit == null ? limits : { ...limits, defaultDataLimit: BigInt(limits.defaultDataLimit) }

  const encrypter = components => {
    const inner = noise()(components)
    if (options.earlyMuxer) {
      return inner
    }

    const skip = { skipStreamMuxerNegotiation: true }
    const inbound = inner.secureInbound.bind(inner)
    const outbound = inner.secureOutbound.bind(inner)
    inner.secureInbound = (connection, o) => inbound(connection, { ...o, ...skip })
    inner.secureOutbound = (connection, o) => outbound(connection, { ...o, ...skip })
    return inner
  }

  const node = await createLibp2p({
    start: false,
    addresses: { listen: options.listen, appendAnnounce: options.announce ?? [] },
    transports: [tcp(), webSockets(), ...(options.relays ? [circuitRelayTransport()] : [])],
    connectionEncrypters: [encrypter],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: Infinity, maxConnections: 1000, maxIncomingPendingConnections: 1000 },
    peerDiscovery: options.mdns ? [mdns(options.mdns)] : [],
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping(),
      pubsub: gossipsub({
        allowPublishToZeroTopicPeers: true,
        scoreParams: { IPColocationFactorWeight: 0 },
        ...options.gossip
      }),
      dht: kadDHT({
        protocol: options.kadProtocol,
        clientMode: false,
        peerInfoMapper: passthroughMapper,
        allowQueryWithZeroPeers: true,
        initialQuerySelfInterval: 1000,
        // `records: 'plus'`: values that start with '+' are valid, the greatest is the best.
        validators: { hyperspace: async (key, value) => { if (options.records === 'plus' && value[0] !== 0x2b) throw new Error('no plus') } },
        selectors: { hyperspace: (key, values) => options.records === 'plus' ? values.reduce((best, v, i) => Buffer.compare(v, values[best]) > 0 ? i : best, 0) : 0 }
      }),
      ...(options.relayServer ? { relay: circuitRelayServer({ reservations: relayLimits(options.relayServer) }) } : {}),
      ...(options.autoNat ? { autoNat: autoNAT() } : {})
    }
  })

  const dht = node.services.dht
  const pubsub = node.services.pubsub
  const signal = request => AbortSignal.timeout(request.timeoutMs ?? 20_000)

  const quiet = new Map()
  const open = async (peer, protocol, signal) => {
    const options = { signal, runOnLimitedConnection: true }
    // dialProtocol looks for addresses even when a limited connection is there, which a peer behind a relay may not have told.
    const limited = node.getConnections(peerIdFromString(peer)).find(c => c.limits != null)
    return duplex(await (limited?.newStream(protocol, options) ?? node.dialProtocol(peerIdFromString(peer), protocol, options)))
  }
  const bench = benchCommands({ node, pubsub, dht, open, multiaddr, peerIdFromString, signal, quiet })

  const commands = {
    ...bench,
    dial: async r => {
      const start = performance.now()
      return { peer: (await node.dial(multiaddr(r.ma), { signal: signal(r) })).remotePeer.toString(), ms: performance.now() - start }
    },
    hangUp: async r => { await node.hangUp(peerIdFromString(r.peer)) },
    peers: async () => ({ peers: node.getPeers().map(String) }),
    connections: async () => ({ connections: node.getConnections().map(c => ({ peer: c.remotePeer.toString(), direction: c.direction, remoteAddr: c.remoteAddr.toString(), multiplexer: c.multiplexer, limited: c.limits != null })) }),
    addrs: async () => ({ addrs: node.getMultiaddrs().map(String) }),
    discovered: async () => ({ peers: [...discovered] }),
    protocols: async r => {
      const peer = await node.peerStore.get(peerIdFromString(r.peer))
      const agent = peer.metadata.get('AgentVersion')
      return { protocols: peer.protocols, addrs: peer.addresses.map(a => a.multiaddr.toString()), agent: agent ? Buffer.from(agent).toString() : null, signed: peer.peerRecordEnvelope != null }
    },
    handle: async r => { await node.handle(r.protocol, handler(serveEcho), { force: true }) },
    unhandle: async r => { await node.unhandle(r.protocol) },
    echo: async r => r.data == null ? bench.echoRounds(r) : { data: b64(await echo(await open(r.peer, r.protocol ?? echoProtocol, signal(r)), unb64(r.data))) },
    subscribe: async r => {
      if (r.quiet) {
        quiet.set(r.topic, meter())
      }
      pubsub.subscribe(r.topic)
    },
    unsubscribe: async r => { pubsub.unsubscribe(r.topic) },
    subscribers: async r => ({ peers: pubsub.getSubscribers(r.topic).map(String) }),
    mesh: async r => ({ peers: pubsub.getMeshPeers(r.topic).map(String) }),
    ...gossipCommands(modules, pubsub),
    score: async r => ({ score: pubsub.score.score(r.peer) }),
    publish: async r => r.size == null ? { recipients: (await pubsub.publish(r.topic, unb64(r.data))).recipients.map(String) } : bench.publishMany(r),
    dhtRoutingTable: async () => ({ size: dht.routingTable.size }),
    dhtProvide: async r => ({ stored: await count(dht.provide(cidOf(r.key), { signal: signal(r) })) }),
    dhtFindProviders: async r => {
      const found = new Map()
      for await (const event of dht.findProviders(cidOf(r.key), { signal: signal(r) })) {
        for (const p of event.name === 'PROVIDER' || event.name === 'PEER_RESPONSE' ? event.providers ?? [] : []) {
          found.set(p.id.toString(), p.multiaddrs.map(String))
        }
      }
      return { providers: [...found].map(([peer, addrs]) => ({ peer, addrs })) }
    },
    dhtFindPeer: async r => {
      for await (const event of dht.findPeer(peerIdFromString(r.peer), { signal: signal(r) })) {
        if (event.name === 'FINAL_PEER') {
          return { peer: event.peer.id.toString(), addrs: event.peer.multiaddrs.map(String) }
        }
      }
      return { peer: null }
    },
    dhtPut: async r => ({ stored: await count(dht.put(unb64(r.key), unb64(r.value), { signal: signal(r) })) }),
    dhtGet: async r => {
      for await (const event of dht.get(unb64(r.key), { signal: signal(r) })) {
        if (event.name === 'VALUE') {
          return { value: b64(event.value) }
        }
      }
      return { value: null }
    },
    quit: async () => { await node.stop() }
  }

  async function echo (duplex, data) {
    const received = (async () => {
      const chunks = []
      for await (const chunk of duplex.source) {
        chunks.push(chunk)
      }
      return Buffer.concat(chunks)
    })()
    for (let offset = 0; offset < data.length; offset += 65536) {
      await duplex.write(data.subarray(offset, offset + 65536))
    }
    await duplex.closeWrite()
    return received
  }

  // DHT keys cross as the base64 of a multihash; js wants a CID (raw codec) around it.
  function cidOf (key) {
    return CID.createV1(0x55, Digest.decode(unb64(key)))
  }

  async function count (events) {
    let responses = 0
    for await (const event of events) {
      responses += event.name === 'PEER_RESPONSE' && (event.messageName ?? '').match(/PUT_VALUE|ADD_PROVIDER/) ? 1 : 0
    }
    return responses
  }

  const discovered = new Set()
  node.addEventListener('peer:discovery', ({ detail }) => {
    discovered.add(detail.id.toString())
  })

  pubsub.addEventListener('message', ({ detail }) => {
    if (quiet.has(detail.topic)) {
      quiet.get(detail.topic).add(detail.data)
      return
    }
    print({ event: 'message', topic: detail.topic, from: detail.from?.toString() ?? null, data: b64(detail.data) })
  })

  await serve(node, handler)
  await node.start()
  print({ event: 'listening', peerId: node.peerId.toString(), addrs: node.getMultiaddrs().map(String) })

  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })
  lines.on('line', async line => {
    const request = JSON.parse(line)
    try {
      const command = commands[request.cmd]
      if (command == null) {
        throw new Error(`unknown command ${request.cmd}`)
      }
      print({ id: request.id, ok: true, ...await command(request) })
    } catch (error) {
      print({ id: request.id, ok: false, error: `${error.name}: ${error.message}` })
    }
    if (request.cmd === 'quit') {
      process.exit(0)
    }
  })
  // The test that started this node is gone.
  lines.on('close', () => process.exit(0))
}
