using System.Collections.Immutable;
using System.Globalization;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>Which rounds were closed, and which of them the mesh does not have yet. Immutable and pure.</summary>
internal sealed record RoundState
{
    /// <summary>A round as text: the beginning of its period in UTC, as <c>20261123T075000Z</c>. Rounds of older periods sort first.</summary>
    public const string Format = "yyyyMMdd'T'HHmmss'Z'";

    /// <summary>The newest round's period; −1: there is none.</summary>
    public long LastStartMs { get; init; } = -1;

    /// <summary>The journal's ordering up to which rounds reach.</summary>
    public long Through { get; init; }

    /// <summary>Oldest first.</summary>
    public ImmutableList<LedgerEvents.RoundClosed> Unpublished { get; init; } = [];

    /// <summary>
    /// The round that money of the time <paramref name="first"/> belongs to, when that is the first that no round has: that of its
    /// period, or of the one after the newest round, for each period has one round at most.
    /// </summary>
    public long StartOf(DateTimeOffset first, TimeSpan period)
    {
        var periodMs = (long)period.TotalMilliseconds;
        var own = first.ToUnixTimeMilliseconds() / periodMs * periodMs;
        return own > LastStartMs ? own : ((LastStartMs / periodMs) + 1) * periodMs;
    }

    /// <summary>Whether the round may be closed at <paramref name="now"/>: its period is over, or it is the current one and somebody wants it closed.</summary>
    public static bool IsDue(long startMs, DateTimeOffset now, TimeSpan period, bool early)
    {
        var nowMs = now.ToUnixTimeMilliseconds();
        return early ? startMs <= nowMs : startMs + (long)period.TotalMilliseconds <= nowMs;
    }

    /// <summary>The round as text.</summary>
    public static string NameOf(long startMs) => DateTimeOffset.FromUnixTimeMilliseconds(startMs).ToString(Format, CultureInfo.InvariantCulture);

    /// <summary>The beginning of a round's period; null when the text is no round.</summary>
    public static long? Parse(string name) =>
        DateTimeOffset.TryParseExact(name, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var start) ? start.ToUnixTimeMilliseconds() : null;

    public RoundState Apply(object happened) => happened switch
    {
        LedgerEvents.RoundClosed e => this with { LastStartMs = e.StartMs, Through = e.Through, Unpublished = Unpublished.Add(e) },
        LedgerEvents.RoundPublished e => this with { Unpublished = Unpublished.RemoveAll(u => u.StartMs == e.StartMs) },
        _ => throw new ArgumentException($"{happened.GetType().Name} cannot happen to rounds.", nameof(happened)),
    };
}

/// <summary>Rounds as they are written into a snapshot.</summary>
internal sealed record RoundSnapshot(RoundState State);
