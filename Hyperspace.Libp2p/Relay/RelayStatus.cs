namespace Hyperspace.Libp2p.Relay;

/// <summary>How a relay or its target answers (libp2p/specs relay/circuit-v2); other numbers may come from the wire.</summary>
public enum RelayStatus
{
    /// <summary>The answer carries no status.</summary>
    None = 0,

    /// <summary>Done.</summary>
    Ok = 100,

    /// <summary>The relay takes no reservation, for instance because it has too many.</summary>
    ReservationRefused = 200,

    /// <summary>Too many circuits, of the initiator, of the target or in all.</summary>
    ResourceLimitExceeded = 201,

    /// <summary>This peer may not do that here.</summary>
    PermissionDenied = 202,

    /// <summary>The relay could not reach the target, or the target did not take the circuit.</summary>
    ConnectionFailed = 203,

    /// <summary>The target has no reservation at this relay.</summary>
    NoReservation = 204,

    /// <summary>The request could not be read.</summary>
    MalformedMessage = 400,

    /// <summary>The request is none that is expected here.</summary>
    UnexpectedMessage = 401,
}

/// <summary>A relay, or the target behind it, said no.</summary>
public sealed class RelayRefusedException(string message, RelayStatus status) : IOException(message)
{
    /// <summary>Why.</summary>
    public RelayStatus Status { get; } = status;
}

/// <summary>A relay's answer breaks the protocol: no status, or a voucher that does not fit.</summary>
public sealed class RelayProtocolException(string message, Exception? inner = null) : ProtocolViolationException(message, inner);
