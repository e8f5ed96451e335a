using Akka.Actor;
using Akka.Event;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// The DHT for actors, behind <see cref="DhtGuardian"/>: every command is a query that runs beside the others, with a deadline. What is
/// provided and stored is the library's to keep and announce, whether this actor runs or not.
/// </summary>
internal sealed class DhtActor : ReceiveActor
{
    /// <summary>Queries that run at once.</summary>
    public const int MaxQueries = 32;

    /// <summary>Queries that wait.</summary>
    public const int MaxWaitingQueries = 256;

    private const int MultihashLength = 34;
    private const int MaxKeyBytes = 512;
    private const int MaxValueBytes = 128 * 1024;
    private const int MaxProviders = 256;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly IContentRouting _routing;
    private readonly Assignments _queries = new(Context.Self, Context.GetLogger(), MaxQueries, MaxWaitingQueries);

    public DhtActor(IContentRouting routing)
    {
        _routing = routing;
        Receive<DhtCommands.FindPeer>(FindPeer);
        Receive<DhtCommands.FindProviders>(m => Query(
            m.Multihash.Length == MultihashLength && m.Limit is > 0 and <= MaxProviders,
            $"A key that can be provided is a SHA-256 multihash of {MultihashLength} bytes, and a limit is 1 to {MaxProviders}.",
            stop => FindProvidersAsync(m, stop)));
        Receive<DhtCommands.Provide>(m => Query(
            m.Multihash.Length == MultihashLength,
            $"A key that can be provided is a SHA-256 multihash of {MultihashLength} bytes.",
            async stop => new DhtProvided(await _routing.ProvideAsync(m.Multihash, stop).ConfigureAwait(false))));
        Receive<DhtCommands.Unprovide>(m => _routing.Unprovide(m.Multihash));
        Receive<DhtCommands.Put>(m => Query(
            m.Key.Length is > 0 and <= MaxKeyBytes && m.Value.Length <= MaxValueBytes,
            $"A record has a key of 1 to {MaxKeyBytes} and a value of at most {MaxValueBytes} bytes.",
            async stop => new DhtStored(await _routing.PutValueAsync(m.Key, m.Value, stop).ConfigureAwait(false))));
        Receive<DhtCommands.Get>(m => Query(
            m.Key.Length is > 0 and <= MaxKeyBytes,
            $"A record has a key of 1 to {MaxKeyBytes} bytes.",
            async stop => new DhtValue((await _routing.GetValueAsync(m.Key, stop).ConfigureAwait(false))?.ToArray())));
        Receive<Assignments.Ended>(_queries.Finish);
    }

    protected override void PostRestart(Exception reason)
    {
        base.PostRestart(reason);
        Context.Parent.Tell(Guardian.Restarted.Instance);
    }

    protected override void PostStop() => _queries.Abandon();

    private void FindPeer(DhtCommands.FindPeer command)
    {
        var known = PeerId.TryParse(command.PeerId, out var peer);
        Query(
            known,
            "That is not a peer id; expected the form 12D3KooW….",
            async stop => await _routing.FindPeerAsync(peer!, stop).ConfigureAwait(false) is { } found ? Describe(found) : new DhtPeer(command.PeerId, []));
    }

    private async Task<object> FindProvidersAsync(DhtCommands.FindProviders command, CancellationToken stop)
    {
        var found = new List<DhtPeer>();
        await foreach (var provider in _routing.FindProvidersAsync(command.Multihash, command.Limit, stop).ConfigureAwait(false))
        {
            found.Add(Describe(provider));
        }

        return new DhtProviders(found);
    }

    private void Query(bool acceptable, string rule, Func<CancellationToken, Task<object>> query)
    {
        if (acceptable)
        {
            _queries.Take(Sender, Deadline, query);
        }
        else
        {
            Sender.Tell(new Refusal(ErrorCodes.InvalidParams, rule));
        }
    }

    private static DhtPeer Describe(PeerAddresses peer) => new(peer.Peer.ToString(), [.. peer.Addresses.Select(a => a.ToString())]);
}
