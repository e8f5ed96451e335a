namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// The RPCs that have come on one stream since it was last looked at: taken together, they cost one turn at the router's
/// lock, and their signatures can be checked side by side. Order is kept.
/// </summary>
internal sealed class InboundBatch(GossipSubOptions options)
{
    private const int MaxRpcs = 64;
    private const int MaxMessages = 128;
    private const int MaxBytes = 256 << 10;
    private readonly TopicTable _topics = new();
    private readonly List<GossipMessage> _unchecked = [];
    private readonly List<(GossipRpc Rpc, int Index)> _places = [];

    public List<GossipRpc> Rpcs { get; } = [];

    /// <summary>Bytes of the RPCs.</summary>
    public int Bytes { get; private set; }

    /// <summary>What comes after these RPCs is broken.</summary>
    public InvalidDataException? Failure { get; private set; }

    /// <summary>Waits for an RPC and takes what else has come with it; false at the end of the stream.</summary>
    /// <exception cref="InvalidDataException">The first RPC is broken already, or is cut off.</exception>
    public async ValueTask<bool> FillAsync(RpcFrameReader reader, CancellationToken cancellationToken)
    {
        Rpcs.Clear();
        Bytes = 0;
        if (await reader.ReadAsync(cancellationToken).ConfigureAwait(false) is not { } frame)
        {
            return false;
        }

        Add(frame);
        try
        {
            var messages = 0;
            while ((messages += Rpcs[^1].Messages?.Count ?? 0) < MaxMessages && Rpcs.Count < MaxRpcs && Bytes < MaxBytes && reader.TryRead(out frame))
            {
                Add(frame);
            }
        }
        catch (InvalidDataException e)
        {
            // What came before it counts.
            Failure = e;
        }

        return true;
    }

    /// <summary>Notes the messages whose signatures have to be checked.</summary>
    public void SelectUnchecked(Func<GossipMessage, bool> wanted)
    {
        _unchecked.Clear();
        _places.Clear();
        foreach (var rpc in Rpcs)
        {
            for (var i = 0; i < rpc.Messages?.Count; i++)
            {
                if (wanted(rpc.Messages[i]))
                {
                    _unchecked.Add(rpc.Messages[i]);
                    _places.Add((rpc, i));
                }
            }
        }
    }

    /// <summary>Has them checked.</summary>
    public void Check(SignatureChecks signatures)
    {
        signatures.Check(_unchecked);
        for (var i = 0; i < _places.Count; i++)
        {
            _places[i].Rpc.Messages![_places[i].Index] = _unchecked[i];
        }
    }

    private void Add(ReadOnlyMemory<byte> frame)
    {
        Bytes += frame.Length;
        Rpcs.Add(GossipRpcCodec.Decode(frame.Span, _topics, options.Parameters) ?? throw new InvalidDataException("An RPC is not a protobuf message."));
    }
}
