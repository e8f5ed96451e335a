namespace Hyperspace.Libp2p.Relay;

/// <summary>What a relay allows a circuit.</summary>
/// <param name="Duration">How long it may last, to the second; zero: as long as it likes.</param>
/// <param name="Bytes">How many bytes may pass in each direction; 0: any number.</param>
public readonly record struct RelayLimit(TimeSpan Duration, ulong Bytes)
{
    /// <summary>True when the circuit is limited: then it is no ordinary connection, and only protocols that say so run over it.</summary>
    public bool IsLimited => Duration > TimeSpan.Zero || Bytes > 0;

    internal static RelayLimit FromWire(Wire.Limit? limit) =>
        limit is null ? default : new RelayLimit(TimeSpan.FromSeconds(limit.Duration), limit.Data);

    /// <summary>The wire's form; null without limits.</summary>
    internal Wire.Limit? ToWire() =>
        IsLimited ? new Wire.Limit { Duration = (uint)Math.Min(uint.MaxValue, Math.Ceiling(Duration.TotalSeconds)), Data = Bytes } : null;
}
