namespace Hyperspace.Contracts.Transport;

/// <summary>Messages of the gossip actor.</summary>
public static class GossipCommands
{
    /// <summary>Publishes on a topic. Answered with <see cref="GossipPublished"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Publish(string Topic, byte[] Data);

    /// <summary>The sender gets every <see cref="GossipReceived"/> of the topic until it stops or unsubscribes. Answered with <see cref="GossipSubscribed"/>.</summary>
    public sealed record Subscribe(string Topic);

    /// <summary>The sender hears no more of the topic.</summary>
    public sealed record Unsubscribe(string Topic);
}

/// <summary>The message is on its way.</summary>
public sealed record GossipPublished(string Topic, byte[] MessageId);

/// <summary>The subscription stands.</summary>
public sealed record GossipSubscribed(string Topic);

/// <summary>A message of another peer.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="From">Its author's peer id.</param>
/// <param name="Data">The bytes.</param>
public sealed record GossipReceived(string Topic, string From, byte[] Data);
