using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Tests.Micropayments.Channels;

/// <summary>Calls between the peers of one test, without sockets: who is not <see cref="Reachable"/> is unavailable, as over a real network.</summary>
internal sealed class LoopbackNetwork
{
    private readonly ConcurrentDictionary<PeerId, LoopbackRpc> _peers = new();
    private int _calls;

    /// <summary>Whether calls arrive.</summary>
    public bool Reachable { get; set; } = true;

    /// <summary>Calls that were tried.</summary>
    public int Calls => _calls;

    public IRpc Join(PeerId peer) => _peers[peer] = new LoopbackRpc(this, peer);

    private LoopbackRpc Find(PeerId peer)
    {
        Interlocked.Increment(ref _calls);
        return Reachable && _peers.TryGetValue(peer, out var found) ? found : throw new RpcException(RpcStatus.Unavailable, "The peer cannot be reached.");
    }

    private sealed class LoopbackRpc(LoopbackNetwork network, PeerId self) : IRpc
    {
        private readonly ConcurrentDictionary<string, RpcHandler> _handlers = new();

        public void Handle(string method, RpcHandler handler) => _handlers[method] = handler;

        public async IAsyncEnumerable<ReadOnlyMemory<byte>> CallAsync(
            PeerId peer, string method, ReadOnlyMemory<byte> payload, TimeSpan deadline, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            var remote = network.Find(peer);
            var handler = remote._handlers.TryGetValue(method, out var found) ? found : throw new RpcException(RpcStatus.Unimplemented, method);
            await foreach (var frame in handler(new RpcCall(self, method, payload.ToArray(), DateTimeOffset.UtcNow + deadline), cancellationToken))
            {
                yield return frame;
            }
        }
    }
}
