namespace Hyperspace.Libp2p.Yamux;

/// <summary>One stream's state inside a <see cref="YamuxSession"/>; only the session changes it.</summary>
internal sealed class YamuxStream(uint id, bool inbound)
{
    /// <summary>The stream's id: odd when the dialer opened it.</summary>
    public uint Id { get; } = id;

    /// <summary>True when the remote opened it.</summary>
    public bool Inbound { get; } = inbound;

    /// <summary>What the session's host attached.</summary>
    public object? Host { get; set; }

    /// <summary>Bytes that may be sent before the remote opens its window again.</summary>
    public uint SendWindow { get; internal set; } = YamuxOptions.InitialWindow;

    /// <summary>Bytes that the remote may send.</summary>
    public uint ReceiveWindow { get; internal set; } = YamuxOptions.InitialWindow;

    /// <summary>The size that this side keeps its receive window at; grows by auto-tuning.</summary>
    public uint TargetWindow { get; internal set; } = YamuxOptions.InitialWindow;

    /// <summary>Bytes that the host consumed and the remote was not yet told of.</summary>
    public uint Credit { get; internal set; }

    /// <summary>Bytes that came and the host did not consume.</summary>
    public uint Unread { get; internal set; }

    /// <summary>When the window was last opened.</summary>
    public TimeSpan EpochStart { get; internal set; }

    /// <summary>True once either side acknowledged the other's SYN.</summary>
    public bool Acknowledged { get; internal set; }

    /// <summary>True after this side's FIN or RST.</summary>
    public bool WriteClosed { get; internal set; }

    /// <summary>True after the remote's FIN or RST.</summary>
    public bool ReadClosed { get; internal set; }

    /// <summary>True when the host reads no more; what arrives is dropped and the window stays shut.</summary>
    public bool Discarding { get; internal set; }

    /// <summary>When a discarding stream whose remote never sends FIN is reset.</summary>
    public TimeSpan DiscardUntil { get; internal set; }

    /// <summary>True when the session forgot it.</summary>
    public bool Gone { get; internal set; }
}
