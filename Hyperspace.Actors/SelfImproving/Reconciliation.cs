using Google.Protobuf;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>
/// One comparison with a neighbour (rpc <c>trajectories.sync</c>), without I/O: gives requests and takes replies until
/// everything that the neighbour has and this peer lacks was asked for, or a bound is reached. Parts whose fingerprints are
/// equal are left out, the others are gone into byte by byte.
/// </summary>
internal sealed class Reconciliation(string taskType, IdSet own, int maxWanted = Reconciliation.MaxWanted)
{
    /// <summary>Most prefixes of a request.</summary>
    public const int MaxPrefixes = 256;

    /// <summary>Most ids of a request.</summary>
    public const int MaxWant = 1_024;

    /// <summary>Most bytes of ranges and envelopes of a reply, besides the first of each.</summary>
    public const int MaxReplyBytes = 512 * 1024;

    /// <summary>Most envelopes that one comparison brings, about 16 MB of ids; the next one goes on.</summary>
    public const int MaxWanted = 65_536;

    // A neighbour that answers, but never to the end, is left.
    private const int MaxRequests = 4_096;

    private const int MaxQueuedPrefixes = 262_144;

    private readonly Queue<byte[]> _prefixes = new([[]]);
    private readonly Queue<byte[]> _want = new();
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private TrajectorySyncRequest? _pending;
    private int _requests;

    /// <summary>Why it ended before the end; null: it did not.</summary>
    public string? Failure { get; private set; }

    /// <summary>What to ask next; null when it is over.</summary>
    public TrajectorySyncRequest? Next()
    {
        if (Failure is not null || (_prefixes.Count == 0 && _want.Count == 0))
        {
            return null;
        }

        if (++_requests > MaxRequests)
        {
            Failure = $"it was not done after {MaxRequests} requests";
            return null;
        }

        _pending = new TrajectorySyncRequest { TaskType = taskType };
        if (_want.Count >= MaxWant || _prefixes.Count == 0)
        {
            _pending.Want.AddRange(_want.Take(MaxWant).Select(UnsafeWrap));
        }
        else
        {
            _pending.Prefixes.AddRange(_prefixes.Take(MaxPrefixes).Select(UnsafeWrap));
        }

        return _pending;
    }

    /// <summary>Takes the reply to the last request. Its envelopes are for the caller, who takes only those that <see cref="WasWanted"/>.</summary>
    public void Take(TrajectorySyncReply reply)
    {
        var pending = _pending ?? throw new InvalidOperationException("Nothing was asked.");
        _pending = null;
        if (reply.LookedFor > pending.Want.Count || reply.Ranges.Count > pending.Prefixes.Count || reply.Envelopes.Count > reply.LookedFor
            || (reply.LookedFor == 0 && reply.Ranges.Count == 0))
        {
            Failure = "its reply does not fit the request";
            return;
        }

        for (var i = 0; i < reply.LookedFor; i++)
        {
            _want.Dequeue();
        }

        foreach (var range in reply.Ranges)
        {
            Take(_prefixes.Dequeue(), range);
        }

        Failure ??= _prefixes.Count > MaxQueuedPrefixes ? "its ids are in too many parts" : null;
    }

    /// <summary>Whether this comparison asked for an envelope of that id.</summary>
    public bool WasWanted(string id) => _asked.Contains(id);

    /// <summary>The ranges that a peer with these ids answers with.</summary>
    public static void Describe(IdSet ids, TrajectorySyncRequest request, TrajectorySyncReply reply)
    {
        var bytes = 0;
        foreach (var prefix in request.Prefixes)
        {
            var range = ids.Describe(prefix.Span);
            bytes += range.CalculateSize();
            if (bytes > MaxReplyBytes && reply.Ranges.Count > 0)
            {
                break;
            }

            reply.Ranges.Add(range);
        }
    }

    /// <summary>Whether a request keeps the rules.</summary>
    public static bool IsValid(TrajectorySyncRequest request) =>
        TrajectoryRules.IsTaskType(request.TaskType)
        && request.Prefixes.Count <= MaxPrefixes && request.Want.Count <= MaxWant && request.Prefixes.Count + request.Want.Count > 0
        && request.Prefixes.Distinct().Count() == request.Prefixes.Count && request.Prefixes.All(prefix => prefix.Length <= IdSet.IdBytes) && request.Want.All(id => id.Length == IdSet.IdBytes);

    private static ByteString UnsafeWrap(byte[] bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    private void Take(byte[] prefix, IdRange range)
    {
        if (own.HasSame(prefix, range.Count, range.Fingerprint))
        {
            return;
        }

        foreach (var id in range.Ids)
        {
            if (id.Length == IdSet.IdBytes && id.Span.StartsWith(prefix) && !own.Contains(id.Span) && _asked.Count < maxWanted && _asked.Add(Convert.ToHexStringLower(id.Span)))
            {
                _want.Enqueue(id.ToByteArray());
            }
        }

        if (prefix.Length >= IdSet.IdBytes)
        {
            return;
        }

        var last = -1;
        foreach (var bucket in range.Buckets)
        {
            if (bucket.Byte > byte.MaxValue || bucket.Byte <= last)
            {
                Failure = "its buckets are not in order";
                return;
            }

            last = (int)bucket.Byte;
            byte[] part = [.. prefix, (byte)bucket.Byte];
            if (bucket.Count > 0 && _asked.Count < maxWanted && !own.HasSame(part, bucket.Count, bucket.Fingerprint))
            {
                _prefixes.Enqueue(part);
            }
        }
    }
}
