namespace Hyperspace.Libp2p.PubSub;

/// <summary>A message that arrived on a topic, its StrictSign signature checked.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Author">Who signed it.</param>
/// <param name="ReceivedFrom">The neighbour who brought it (this peer itself for its own).</param>
/// <param name="SequenceNumber">The author's sequence number.</param>
/// <param name="Data">The payload.</param>
/// <param name="Id">The message id.</param>
public sealed record PubSubMessage(string Topic, PeerId Author, PeerId ReceivedFrom, ulong SequenceNumber, ReadOnlyMemory<byte> Data, ReadOnlyMemory<byte> Id);

/// <summary>A validator's verdict (GossipSub v1.1 extended validators).</summary>
public enum Validation
{
    /// <summary>Deliver and forward.</summary>
    Accept,

    /// <summary>Drop without penalty.</summary>
    Ignore,

    /// <summary>Drop, and hold it against whoever forwarded it (P4).</summary>
    Reject,
}

/// <summary>Judges a message before it is delivered or forwarded; pure and quick.</summary>
public delegate Validation TopicValidator(PubSubMessage message);

/// <summary>
/// Judges a message with the help of something slow. Several run at once, so messages of the topic may be delivered in
/// another order than they came. One that takes too long is cancelled and counts as <see cref="Validation.Ignore"/>.
/// </summary>
public delegate ValueTask<Validation> AsyncTopicValidator(PubSubMessage message, CancellationToken cancellationToken);

/// <summary>Counters since start.</summary>
/// <param name="Published">Messages that this peer published.</param>
/// <param name="Delivered">Messages from others, delivered once each.</param>
/// <param name="Duplicates">Further copies of messages already seen.</param>
/// <param name="Rejected">Messages refused for their signature, size or validator.</param>
/// <param name="BytesIn">Bytes of GossipSub RPCs received.</param>
/// <param name="BytesOut">Bytes of GossipSub RPCs sent.</param>
/// <param name="Spared">Copies that were not sent, because their receivers said that they have the message (IDONTWANT).</param>
public sealed record PubSubCounters(long Published, long Delivered, long Duplicates, long Rejected, long BytesIn, long BytesOut, long Spared);

/// <summary>
/// A message that its own author's validator does not accept: other peers run the same validators, and would hold the
/// message against the peer that sent it.
/// </summary>
public sealed class UnfitMessageException(string message) : Exception(message);

/// <summary>Publish and subscribe over the mesh.</summary>
public interface IPubSub
{
    /// <summary>Topics that this peer subscribes to.</summary>
    IReadOnlyCollection<string> Topics { get; }

    /// <summary>Counters since start.</summary>
    PubSubCounters Counters { get; }

    /// <summary>Joins a topic (idempotent, counted: leaves when the last handle is disposed). The handler gets messages one at a time, own ones excepted.</summary>
    IDisposable Subscribe(string topic, Action<PubSubMessage> handler);

    /// <summary>Signs and publishes; returns the message id. Works for topics that this peer does not subscribe to (fanout).</summary>
    /// <exception cref="ArgumentException">The data is over the size limit or the topic name is empty or too long.</exception>
    /// <exception cref="UnfitMessageException">This peer's own validator of the topic does not accept the data; nothing was sent.</exception>
    Task<ReadOnlyMemory<byte>> PublishAsync(string topic, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default);

    /// <summary>Sets the validator for every topic that starts with <paramref name="topicPrefix"/> (longest prefix wins).</summary>
    void Validate(string topicPrefix, TopicValidator validator);

    /// <summary>As <see cref="Validate(string, TopicValidator)"/>, with a validator that may wait.</summary>
    void Validate(string topicPrefix, AsyncTopicValidator validator);

    /// <summary>Peers known to subscribe to a topic.</summary>
    IReadOnlyCollection<PeerId> SubscribersOf(string topic);

    /// <summary>Peers in this peer's mesh for a topic.</summary>
    IReadOnlyCollection<PeerId> MeshOf(string topic);
}
