using System.Threading.Channels;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// What waits for one peer: control first, messages after it, both bounded in bytes. When a part is full, IHAVE and IWANT
/// are given up before GRAFT, PRUNE and subscriptions, and messages before any of them; drops are counted.
/// </summary>
internal sealed class OutboundQueue(long maxMessageBytes, long maxControlBytes)
{
    private const int MaxUnwanted = 4096;
    private readonly Lock _gate = new();
    private readonly Queue<byte[]> _control = [];
    private readonly Queue<GossipMessage> _messages = [];
    private readonly Channel<bool> _filled = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly HashSet<MessageKey> _unwanted = [];
    private TaskCompletionSource? _room;
    private long _messageBytes;
    private long _controlBytes;
    private long _dropped;

    /// <summary>Frames that were given up.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>More than half full of messages: a publisher should wait for <see cref="RoomAsync"/>.</summary>
    public bool Congested => Volatile.Read(ref _messageBytes) > maxMessageBytes / 2;

    public bool Enqueue(GossipMessage message)
    {
        lock (_gate)
        {
            if (_messageBytes > 0 && _messageBytes + message.Encoded.Length > maxMessageBytes)
            {
                _dropped++;
                return false;
            }

            _messages.Enqueue(message);
            _messageBytes += message.Encoded.Length;
        }

        _filled.Writer.TryWrite(true);
        return true;
    }

    /// <summary>Queues a whole control frame; <paramref name="gossip"/> says that it is IHAVE or IWANT only.</summary>
    public bool Enqueue(byte[] frame, bool gossip)
    {
        lock (_gate)
        {
            if (_controlBytes + frame.Length > (gossip ? maxControlBytes / 2 : maxControlBytes))
            {
                _dropped++;
                return false;
            }

            _control.Enqueue(frame);
            _controlBytes += frame.Length;
        }

        _filled.Writer.TryWrite(true);
        return true;
    }

    /// <summary>The peer has these messages already (IDONTWANT): those that wait are not sent. They do not count as dropped.</summary>
    public void Withdraw(IReadOnlyList<ReadOnlyMemory<byte>> ids)
    {
        lock (_gate)
        {
            for (var i = 0; i < ids.Count && _messages.Count > 0 && _unwanted.Count < MaxUnwanted; i++)
            {
                _unwanted.Add(MessageKey.Of(ids[i].Span));
            }
        }
    }

    /// <summary>Completes when there may be something to take.</summary>
    public ValueTask<bool> FilledAsync(CancellationToken cancellationToken) => _filled.Reader.ReadAsync(cancellationToken);

    /// <summary>Takes the next item, either a control frame or a message; false when there is none.</summary>
    public bool TryTake(out byte[]? frame, out GossipMessage? message)
    {
        lock (_gate)
        {
            message = null;
            if (_control.TryDequeue(out frame))
            {
                _controlBytes -= frame.Length;
                return true;
            }

            while (_messages.TryDequeue(out message))
            {
                _messageBytes -= message.Encoded.Length;
                if (_unwanted.Count == 0 || !_unwanted.Remove(message.Key))
                {
                    break;
                }
            }

            if (message is null)
            {
                _unwanted.Clear();
            }

            if (_room is { } room && !Congested)
            {
                _room = null;
                room.SetResult();
            }

            return message is not null;
        }
    }

    /// <summary>Completes when the queue is no longer <see cref="Congested"/>.</summary>
    public Task RoomAsync()
    {
        lock (_gate)
        {
            return Congested ? (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }
    }
}
