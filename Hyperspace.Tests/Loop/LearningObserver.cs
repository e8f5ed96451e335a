using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Actors.SelfImproving.Curation;
using Hyperspace.Contracts;
using Hyperspace.Host;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Libp2p.Switch;

namespace Hyperspace.Tests.Loop;

/// <summary>A neighbour that takes what a peer gives by <c>trajectories.sync</c> and remembers the latest that each author has said.</summary>
internal sealed class LearningObserver : IAsyncDisposable
{
    private readonly KeyPair _keys = KeyPair.Generate();
    private readonly Libp2pSwitch _switch;
    private readonly RpcService _rpc;
    private readonly NeighbourTrajectories _trajectories;

    public LearningObserver()
    {
        _switch = new Libp2pSwitch(new SwitchOptions { KeyPair = _keys });
        _rpc = new RpcService(_switch);
        _trajectories = new NeighbourTrajectories(_rpc, _switch);
    }

    /// <summary>What a peer itself says now: its counters of bullets and of exemplars. Asks again while the peer is still starting.</summary>
    public async Task<(Dictionary<string, BulletEvidence> Bullets, Dictionary<string, ulong> Exemplars)> PullAsync(ChildPeer peer, string taskType)
    {
        var address = Multiaddr.Parse(peer.Listen);
        await _switch.DialAsync(address);
        var (bullets, exemplars) = (new Dictionary<string, BulletEvidence>(StringComparer.Ordinal), new Dictionary<string, ulong>(StringComparer.Ordinal));
        await Eventually.TrueAsync(async () => await _trajectories.PullAsync(address.PeerId!, taskType, IdSet.Of([]), (envelopes, _) => Task.FromResult(Take(envelopes)), CancellationToken.None) is null);
        return (bullets, exemplars);

        bool Take(IReadOnlyList<ReadOnlyMemory<byte>> envelopes)
        {
            foreach (var envelope in envelopes.Select(bytes => SignedEnvelope.Open(bytes, DateTimeOffset.UtcNow, out _)!).Where(envelope => envelope.Author.ToString() == peer.PeerId))
            {
                switch (envelope.Type)
                {
                    case EnvelopeTypes.PlaybookDelta:
                        foreach (var record in PlaybookRecords.Read(envelope, taskType, out _)!.Insights)
                        {
                            bullets[record.BulletId] = bullets.GetValueOrDefault(record.BulletId).Max(record.Evidence);
                        }

                        break;
                    case EnvelopeTypes.ExemplarCredits:
                        foreach (var record in CreditRecord.Read(envelope, taskType, out _)!)
                        {
                            exemplars[record.TrajectoryId] = Math.Max(exemplars.GetValueOrDefault(record.TrajectoryId), record.Retrieved);
                        }

                        break;
                }
            }

            return true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _rpc.DisposeAsync();
        await _switch.DisposeAsync();
        _keys.Dispose();
    }
}
