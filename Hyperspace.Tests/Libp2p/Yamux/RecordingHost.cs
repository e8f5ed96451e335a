using Hyperspace.Libp2p.Yamux;

namespace Hyperspace.Tests.Libp2p.Yamux;

/// <summary>Takes a session's effects: frames into a buffer, the rest into lists.</summary>
internal sealed class RecordingHost : IYamuxHost
{
    public MemoryStream Sent { get; } = new();

    public List<YamuxHeader> Frames { get; } = [];

    public List<YamuxStream> Opened { get; } = [];

    public List<YamuxStream> Acknowledged { get; } = [];

    public Dictionary<uint, MemoryStream> Received { get; } = [];

    public List<uint> Closed { get; } = [];

    public List<uint> ResetStreams { get; } = [];

    public List<uint> WindowsOpened { get; } = [];

    public List<uint> GoAways { get; } = [];

    public void Send(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        Frames.Add(YamuxHeader.Read(header));
        Sent.Write(header);
        Sent.Write(payload);
    }

    public void StreamOpened(YamuxStream stream) => Opened.Add(stream);

    public void StreamAcknowledged(YamuxStream stream) => Acknowledged.Add(stream);

    public void DataReceived(YamuxStream stream, ReadOnlySpan<byte> data)
    {
        if (!Received.TryGetValue(stream.Id, out var all))
        {
            Received.Add(stream.Id, all = new MemoryStream());
        }

        all.Write(data);
    }

    public void RemoteClosed(YamuxStream stream) => Closed.Add(stream.Id);

    public void StreamReset(YamuxStream stream) => ResetStreams.Add(stream.Id);

    public void WindowOpened(YamuxStream stream) => WindowsOpened.Add(stream.Id);

    public void RemoteGoingAway(uint reason) => GoAways.Add(reason);

    /// <summary>What was sent since the last call.</summary>
    public byte[] Take()
    {
        var bytes = Sent.ToArray();
        Sent.SetLength(0);
        return bytes;
    }
}
