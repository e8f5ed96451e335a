using System.Security.Cryptography;
using System.Text;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>
/// Outcomes of calls that were served, by caller and request id, so that a caller whose stream broke gets the same one
/// again. Bounded by count and bytes, oldest first out; safe for concurrent use.
/// </summary>
internal sealed class OutcomeCache(int capacity = 4096, long maxBytes = 32 * 1024 * 1024)
{
    private const int LargestOutcome = 256 * 1024;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();
    private long _bytes;

    private sealed record Entry(string Fingerprint, ToolOutcome Outcome, int Bytes);

    /// <summary>What identifies a call's content: the same request id with another is a conflict.</summary>
    public static string FingerprintOf(string tool, string parameters) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{tool}\n{parameters}")));

    /// <summary>The kept outcome, and whether the request id was used for something else.</summary>
    public (ToolOutcome? Outcome, bool IsConflict) Find(string caller, string requestId, string fingerprint)
    {
        lock (_gate)
        {
            return _entries.TryGetValue($"{caller}/{requestId}", out var entry)
                ? entry.Fingerprint == fingerprint ? (entry.Outcome, false) : (null, true)
                : (null, false);
        }
    }

    /// <summary>Keeps an outcome unless it is large.</summary>
    public void Keep(string caller, string requestId, string fingerprint, ToolOutcome outcome)
    {
        var bytes = outcome.CalculateSize();
        var key = $"{caller}/{requestId}";
        lock (_gate)
        {
            if (bytes > LargestOutcome || !_entries.TryAdd(key, new Entry(fingerprint, outcome, bytes)))
            {
                return;
            }

            _order.Enqueue(key);
            _bytes += bytes;
            while (_order.Count > capacity || _bytes > maxBytes)
            {
                _entries.Remove(_order.Dequeue(), out var oldest);
                _bytes -= oldest!.Bytes;
            }
        }
    }
}
