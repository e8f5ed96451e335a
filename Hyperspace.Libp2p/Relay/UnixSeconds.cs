namespace Hyperspace.Libp2p.Relay;

/// <summary>Points in time as the protocol writes them.</summary>
internal static class UnixSeconds
{
    private static readonly ulong Last = (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    /// <summary>False for a number that no date can hold.</summary>
    public static bool TryRead(ulong seconds, out DateTimeOffset time)
    {
        time = seconds <= Last ? DateTimeOffset.FromUnixTimeSeconds((long)seconds) : default;
        return seconds <= Last;
    }
}
