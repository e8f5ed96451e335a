// Commands about GossipSub alone: a look inside the router, and a swarm of further nodes in this process.
export function gossipCommands ({ createLibp2p, tcp, noise, yamux, identify, gossipsub, multiaddr }, pubsub) {
  const swarm = []

  const member = async (ma, topic) => {
    const node = await createLibp2p({
      addresses: { listen: [] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: {
        identify: identify(),
        pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 } })
      }
    })
    const received = new Set()
    node.services.pubsub.addEventListener('message', ({ detail }) => received.add(detail.from.toString()))
    node.services.pubsub.subscribe(topic)
    await node.dial(multiaddr(ma))
    swarm.push({ node, received })
  }

  return {
    // How many messages a peer has told this node that it does not want, and still remembers.
    idontwants: async r => ({ count: pubsub.idontwants.get(r.peer)?.size ?? 0 }),
    swarmJoin: async r => {
      for (let i = 0; i < r.count; i++) {
        await member(r.ma, r.topic)
      }
      return { peers: swarm.map(({ node }) => node.peerId.toString()) }
    },
    swarmPublish: async r => {
      await Promise.all(swarm.map(({ node }) => node.services.pubsub.publish(r.topic, node.peerId.toMultihash().bytes)))
    },
    swarmReceived: async () => ({ counts: swarm.map(({ received }) => received.size) }),
    swarmScores: async r => ({ scores: swarm.map(({ node }) => node.services.pubsub.score.score(r.peer)) })
  }
}
