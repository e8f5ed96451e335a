namespace Hyperspace.Libp2p;

/// <summary>The remote broke a protocol's rules; whoever catches it gives up the stream or connection. An <see cref="IOException"/>, as the seams promise.</summary>
public abstract class ProtocolViolationException(string message, Exception? inner = null) : IOException(message, inner);
