namespace Hyperspace.Libp2p.Switch;

/// <content>Trimming: which connections are closed when there are too many.</content>
public sealed partial class Libp2pSwitch
{
    private readonly PeerTags _tags = new();
    private readonly ITimer _trimming;

    /// <inheritdoc/>
    public void Tag(PeerId peer, string tag, int value) => _tags.Set(peer, tag, value);

    /// <inheritdoc/>
    public void Protect(PeerId peer, string tag, bool needed) => _tags.Protect(peer, tag, needed);

    private void Trim()
    {
        var connections = _connections.All;
        if (connections.Count <= _options.HighWater)
        {
            return;
        }

        var candidates = connections.Select(c =>
        {
            var (value, needed) = _tags.Of(c.RemotePeer);
            return new TrimCandidate<PeerConnection>(
                c, value, needed, c.Limited, c.StreamCount, _options.TimeProvider.GetElapsedTime(c.StartedAt), _options.TimeProvider.GetElapsedTime(c.UsedAt));
        }).ToArray();
        foreach (var connection in ConnectionTrimmer.Choose(candidates, _options.HighWater, _options.LowWater, _options.ConnectionGrace))
        {
            _tasks.Run(() => connection.CloseAsync());
        }
    }
}
