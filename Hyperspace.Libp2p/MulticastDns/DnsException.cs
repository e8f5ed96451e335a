namespace Hyperspace.Libp2p.MulticastDns;

/// <summary>The bytes are no DNS message.</summary>
public sealed class DnsException(string message) : ProtocolViolationException(message);
