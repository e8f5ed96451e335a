using Akka.Actor;
using Akka.Event;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Anti-entropy over <c>matrix.sync</c>: digests per author, then the keys of envelopes where they differ, then the envelopes. With each
/// peer that comes, and now and then with one of those that are there.
/// </summary>
internal sealed partial class MatrixActor
{
    /// <summary>Authors of one page.</summary>
    public const int PageAuthors = 512;

    /// <summary>Most keys of one reply, and most wanted by one request.</summary>
    public const int MaxKeys = 16384;

    private const int MaxReplyBytes = 384 * 1024;
    private const int MaxWaitingPeers = 16;

    // More envelopes than that of one peer can't be new.
    private const int MaxRounds = 1024;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Eager = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    private readonly Queue<PeerId> _toSync = new();
    private readonly CancellationTokenSource _stopping = new();
    private bool _syncing;
    private bool _news;

    private void ReceivesOfSync()
    {
        Receive<SyncRequest>(asked =>
        {
            // Nobody is given what this process could still lose: others would hold it against what is learnt in its place.
            if (_state.Store.IsDirty)
            {
                Commit();
            }

            Sender.Tell(Serve(asked.Request));
        });
        Receive<Newcomer>(came => SyncWith(came.Peer));
        Receive<Pages>(asked => Sender.Tell(PagesOf()));
        Receive<Unknown>(asked => Sender.Tell(asked with { Keys = [.. asked.Keys.Where(k => !_state.Proofs.Contains(k) && !_state.Useless.Contains(k))] }));
        Receive<Fetched>(fetched =>
        {
            foreach (var (envelope, delta) in fetched.Deltas)
            {
                _news |= Take(envelope, delta);
            }
        });
        Receive<Synced>(synced =>
        {
            _syncing = false;
            if (synced.Failure is not null)
            {
                _log.Info("{0} gave nothing of its matrix: {1}", synced.Peer, synced.Failure);
            }

            if (_toSync.TryDequeue(out var next))
            {
                SyncWith(next);
            }
        });
    }

    private IDisposable? _observation;

    private void StartSync()
    {
        _observation = _services.Network.Observe(new Newcomers(Self));
        foreach (var peer in _services.Network.ConnectedPeers)
        {
            SyncWith(peer);
        }

        Timers.StartSingleTimer(Tick.Sync, Tick.Sync, Eager);
    }

    private void StopSync()
    {
        _observation?.Dispose();
        _stopping.Cancel();
        _stopping.Dispose();
    }

    // Often while there is something new to hear, seldom when all is known.
    private void SyncWithSomebody()
    {
        var peers = _services.Network.ConnectedPeers.ToList();
        Timers.StartSingleTimer(Tick.Sync, Tick.Sync, _news || peers.Count == 0 ? Eager : Settled);
        _news = false;
        if (peers.Count > 0)
        {
            SyncWith(peers[_services.Random.Next(peers.Count)]);
        }
    }

    private void SyncWith(PeerId peer)
    {
        if (!_syncing)
        {
            _syncing = true;
            SyncAsync(peer, Self, _stopping.Token).PipeTo(Self, success: () => new Synced(peer, null), failure: e => new Synced(peer, e.Message));
        }
        else if (_toSync.Count < MaxWaitingPeers && !_toSync.Contains(peer))
        {
            _toSync.Enqueue(peer);
        }
    }

    private async Task SyncAsync(PeerId peer, IActorRef self, CancellationToken cancellationToken)
    {
        foreach (var page in (await self.Ask<Pages>(new Pages([]), Deadline, cancellationToken).ConfigureAwait(false)).Requests)
        {
            var offered = (await CallAsync(peer, page, cancellationToken).ConfigureAwait(false)).Keys;
            var unknown = (await self.Ask<Unknown>(new Unknown([.. offered.Take(MaxKeys)]), Deadline, cancellationToken).ConfigureAwait(false)).Keys.ToHashSet();
            for (var round = 0; unknown.Count > 0 && round < MaxRounds; round++)
            {
                var reply = await CallAsync(peer, new MatrixSyncRequest { After = "~", Wanted = { unknown } }, cancellationToken).ConfigureAwait(false);
                var now = _services.Time.GetUtcNow();
                var opened = reply.Envelopes.Select(e => SignedEnvelope.Open(e.Memory, now, out _)).OfType<SignedEnvelope>().Where(e => unknown.Remove(MatrixProofs.KeyOf(e))).ToList();
                if (opened.Count == 0)
                {
                    break;
                }

                self.Tell(new Fetched([.. opened.Select(e => (e, MatrixGossip.ReadDelta(e)!)).Where(d => d.Item2 is not null)]));
            }
        }
    }

    private async Task<MatrixSyncReply> CallAsync(PeerId peer, MatrixSyncRequest request, CancellationToken cancellationToken)
    {
        var bytes = await _services.Rpc.CallUnaryAsync(peer, RpcMethods.MatrixSync, request.ToByteArray(), Deadline, cancellationToken).ConfigureAwait(false);
        return MatrixSyncReply.Parser.ParseFrom(bytes.Span);
    }

    private Pages PagesOf()
    {
        var chunks = _state.Proofs.Digests.Chunk(PageAuthors).ToList();
        List<MatrixSyncRequest> pages = [.. chunks.Select((chunk, i) => new MatrixSyncRequest
        {
            After = i == 0 ? "" : chunks[i - 1][^1].Author,
            To = i == chunks.Count - 1 ? "" : chunk[^1].Author,
            Authors = { chunk.Select(a => new MatrixAuthorDigest { Author = a.Author, Digest = a.Digest }) },
        })];
        return new Pages(pages.Count > 0 ? pages : [new MatrixSyncRequest()]);
    }

    private MatrixSyncReply Serve(MatrixSyncRequest request)
    {
        var reply = new MatrixSyncReply();
        reply.Envelopes.AddRange(_state.EnvelopesOf(request.Wanted.Take(MaxKeys), MaxReplyBytes).Select(e => UnsafeByteOperations.UnsafeWrap(e)));
        if (request.Wanted.Count == 0)
        {
            var theirs = request.Authors.Take(PageAuthors).GroupBy(a => a.Author, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.First().Digest, StringComparer.Ordinal);
            var differing = _state.Proofs.Digests.Where(a =>
                string.CompareOrdinal(a.Author, request.After) > 0 && (request.To.Length == 0 || string.CompareOrdinal(a.Author, request.To) <= 0)
                && theirs.GetValueOrDefault(a.Author) != a.Digest);
            reply.Keys.AddRange(SharedKeys.Of([.. differing.Select(a => _state.Proofs.KeysOf(a.Author))], MaxKeys, _services.Random));
        }

        return reply;
    }

    /// <summary>Another peer's request, for <see cref="MatrixSyncReply"/>.</summary>
    internal sealed record SyncRequest(MatrixSyncRequest Request);

    private sealed record Newcomer(PeerId Peer);

    private sealed record Pages(IReadOnlyList<MatrixSyncRequest> Requests);

    private sealed record Unknown(IReadOnlyList<ulong> Keys);

    private sealed record Fetched(IReadOnlyList<(SignedEnvelope Envelope, IReadOnlyList<(string Capability, OutcomeSums Sums)> Delta)> Deltas);

    private sealed record Synced(PeerId Peer, string? Failure);

    private sealed class Newcomers(IActorRef matrix) : ISwitchObserver
    {
        public void PeerIdentified(PeerRecord peer) => matrix.Tell(new Newcomer(peer.Peer));

        public void PeerDisconnected(PeerId peer)
        {
        }
    }
}
