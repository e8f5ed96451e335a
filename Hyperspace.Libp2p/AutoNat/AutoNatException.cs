namespace Hyperspace.Libp2p.AutoNat;

/// <summary>An AutoNAT message cannot be read.</summary>
public sealed class AutoNatException(string message, Exception? inner = null) : ProtocolViolationException(message, inner);
