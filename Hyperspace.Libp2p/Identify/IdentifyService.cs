using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Identify;

/// <summary>Identify and Identify push: asks each new connection who it is, answers the same, and tells the connected when this peer changes.</summary>
/// <param name="keys">This peer's key.</param>
/// <param name="agentVersion">What this peer runs.</param>
/// <param name="time">Gives the signed record its sequence number.</param>
/// <param name="listenAddresses">Where this peer listens now.</param>
/// <param name="protocols">What it speaks now.</param>
/// <param name="learnt">Takes what a connection's peer told.</param>
/// <param name="logger">The log.</param>
internal sealed class IdentifyService(
    KeyPair keys,
    string agentVersion,
    TimeProvider time,
    Func<IReadOnlyList<Multiaddr>> listenAddresses,
    Func<IReadOnlyList<string>> protocols,
    Action<PeerConnection, IdentifyMessage> learnt,
    ILogger logger)
{
    /// <summary>The protocol that asks.</summary>
    public const string Protocol = "/ipfs/id/1.0.0";

    /// <summary>The protocol that tells unasked.</summary>
    public const string PushProtocol = "/ipfs/id/push/1.0.0";

    /// <summary>Streams of either protocol that one peer may have open.</summary>
    public const int MaxInboundPerPeer = 4;

    private static readonly string[] Ask = [Protocol];
    private static readonly string[] Push = [PushProtocol];
    private ulong _sequence;

    /// <summary>Asks a connection's peer who it is; false when it does not tell.</summary>
    public async Task<bool> IdentifyAsync(PeerConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await connection.OpenAsync(Ask, cancellationToken).ConfigureAwait(false);
            await stream.CloseWriteAsync(cancellationToken).ConfigureAwait(false);
            await LearnAsync(stream, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            logger.LogDebug("{Peer} did not identify itself: {Reason}", connection.RemotePeer, e.Message);
            return false;
        }
    }

    /// <summary>Answers who this peer is.</summary>
    public async Task ServeAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        await stream.WriteMessageAsync(Message(((PeerStream)stream).Connection), cancellationToken).ConfigureAwait(false);
        await stream.CloseWriteAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes a push.</summary>
    public Task ServePushAsync(IPeerStream stream, CancellationToken cancellationToken) => LearnAsync((PeerStream)stream, cancellationToken);

    /// <summary>Tells a connection's peer how this peer is now.</summary>
    public async Task PushAsync(PeerConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await connection.OpenAsync(Push, cancellationToken).ConfigureAwait(false);
            await stream.WriteMessageAsync(Message(connection), cancellationToken).ConfigureAwait(false);
            await stream.CloseWriteAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            logger.LogDebug("{Peer} did not take the push: {Reason}", connection.RemotePeer, e.Message);
        }
    }

    private byte[] Message(PeerConnection connection)
    {
        // Increases over restarts too, because it starts from the clock.
        var sequence = Math.Max((ulong)time.GetUtcNow().ToUnixTimeMilliseconds(), Volatile.Read(ref _sequence) + 1);
        Volatile.Write(ref _sequence, sequence);
        return new IdentifyMessage(listenAddresses(), protocols(), connection.RemoteAddress, agentVersion, sequence).Encode(keys);
    }

    private async Task LearnAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        var bytes = await stream.ReadMessageAsync(IdentifyMessage.MaxLength, cancellationToken).ConfigureAwait(false)
            ?? throw new IdentifyException("The remote closed the Identify stream without a message.");
        learnt(stream.Connection, IdentifyMessage.Decode(bytes, stream.RemotePeer));
    }
}
