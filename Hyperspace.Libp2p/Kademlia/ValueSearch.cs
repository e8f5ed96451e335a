using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia.Wire;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>
/// One search for the best value under a key: takes valid values until a quorum has answered with one or the closest are
/// asked, and gives the best to those who hold a worse one (libp2p/specs kad-dht, entry correction).
/// </summary>
internal sealed class ValueSearch
{
    private readonly ReadOnlyMemory<byte> _key;
    private readonly IRecordValidator _validator;
    private readonly KademliaNode _node;
    private readonly KademliaMaintenance _maintenance;
    private readonly KademliaOptions _options;
    private readonly TimeProvider _time;
    private readonly List<(PeerId Peer, ReadOnlyMemory<byte> Value)> _held = [];
    private (PeerId? From, ReadOnlyMemory<byte> Value)? _best;

    private ValueSearch(ReadOnlyMemory<byte> key, IRecordValidator validator, KademliaNode node, KademliaMaintenance maintenance, KademliaOptions options, TimeProvider time) =>
        (_key, _validator, _node, _maintenance, _options, _time) = (key, validator, node, maintenance, options, time);

    /// <summary>A search that did not begin; null when no record can be under that key.</summary>
    public static ValueSearch? For(ReadOnlyMemory<byte> key, KademliaNode node, KademliaMaintenance maintenance, KademliaOptions options, TimeProvider time) =>
        key.Length <= options.MaxKeyBytes && node.Locked(s => s.ValidatorOf(key.Span)) is { } validator
            ? new ValueSearch(key, validator, node, maintenance, options, time)
            : null;

    /// <summary>Searches once and returns the best value, if any.</summary>
    /// <param name="better">Sees each value that is better than those before.</param>
    /// <param name="cancellationToken">Abandons the search.</param>
    public async Task<ReadOnlyMemory<byte>?> RunAsync(Action<ReadOnlyMemory<byte>>? better, CancellationToken cancellationToken)
    {
        var own = _node.Locked(s => s.Held(_key.Span, _time.GetUtcNow()))?.Value;
        if (own is { } value)
        {
            Consider(null, value, better);
        }

        await _node.LookupAsync(_key, KademliaMessages.GetValue(_key.Span), IsGood, Collect, cancellationToken).ConfigureAwait(false);
        Correct(own);
        return _best?.Value;

        void Collect(LookupReply reply, KademliaLookup lookup)
        {
            if (reply.Message.Record is not { } record)
            {
                return;
            }

            _held.Add((reply.Peer, record.Value.Memory));
            Consider(reply.Peer, record.Value.Memory, better);
            if (_held.Count >= _options.Quorum)
            {
                lookup.Stop();
            }

            lookup.StopAfter(_options.Patience);
        }
    }

    private bool IsGood(Message reply) =>
        reply.Record is not { } record
        || (record.Key.Span.SequenceEqual(_key.Span) && record.Value.Length <= _options.MaxRecordBytes && _validator.IsValid(_key.Span, record.Value.Span));

    private void Consider(PeerId? from, ReadOnlyMemory<byte> value, Action<ReadOnlyMemory<byte>>? better)
    {
        if (_best is not { } best || (!best.Value.Span.SequenceEqual(value.Span) && _validator.Select(_key.Span, [best.Value, value]) == 1))
        {
            _best = (from, value);
            better?.Invoke(value);
        }
    }

    // Holders of something worse get the best, so that the next one to ask finds it sooner.
    private void Correct(ReadOnlyMemory<byte>? own)
    {
        if (_best is not { } best)
        {
            return;
        }

        if (own is not null && best.From is not null)
        {
            _node.Locked(s => s.Put(_key, best.Value, best.From, _time.GetUtcNow()));
        }

        _maintenance.Correct(_key, best.Value, [.. _held.Where(h => !h.Value.Span.SequenceEqual(best.Value.Span)).Select(h => h.Peer)]);
    }
}
