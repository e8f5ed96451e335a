using System.Security.Cryptography;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Host;

/// <summary>What nobody should gossip. Each case has a neighbour of its own, since one that misbehaves is soon not listened to.</summary>
[Collection(HostileTests.Name)]
public class HostileGossipTests(TargetPeer target)
{
    private const string Runs = Topics.TrajectoriesPrefix + TargetPeer.TaskType;

    [Theory]
    [InlineData("no varint", true)]
    [InlineData("a frame of 2^40 bytes", true)]
    [InlineData("a frame over 4 MiB", true)]
    [InlineData("a cut frame", true)]
    [InlineData("no protobuf", true)]
    [InlineData("a message that is no protobuf", true)]
    [InlineData("a message over 1 MiB", false)]
    [InlineData("a payload changed after signing", false)]
    [InlineData("no signature", false)]
    [InlineData("somebody else's signature", false)]
    public async Task A_frame_or_signature_that_is_wrong_is_counted_and_a_broken_stream_reset(string what, bool isReset)
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        using var stranger = KeyPair.Generate();
        var known = await target.KnownAsync();
        var rejected = await target.GossipCounterAsync("rejected");
        var message = neighbour.Sign(Runs, SignedRun(stranger, Now)).Encoded.ToArray();
        byte[] bytes = what switch
        {
            "no varint" => [.. Enumerable.Repeat((byte)0xff, 64)],
            "a frame of 2^40 bytes" => [0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1],
            "a frame over 4 MiB" => [0x81, 0x80, 0x80, 2, .. new byte[1 << 16]],
            "a cut frame" => HostileNeighbour.Frame(message)[..^7],
            "no protobuf" => [16, .. Enumerable.Repeat((byte)0xff, 16)],
            "a message that is no protobuf" => HostileNeighbour.Frame([.. Enumerable.Repeat((byte)0xff, 16)]),
            "a message over 1 MiB" => HostileNeighbour.Frame(neighbour.Sign(Runs, new byte[(1 << 20) + 1]).Encoded.Span),
            "a payload changed after signing" => HostileNeighbour.Frame(Changed(message)),
            "no signature" => HostileNeighbour.Frame(message.AsSpan(0, message.Length - 66)),
            _ => HostileNeighbour.Frame([.. message.AsSpan(0, message.Length - 64), .. stranger.Sign(message)]),
        };
        await using (var stream = await neighbour.OpenAsync(HostileNeighbour.MeshSub))
        {
            if (isReset)
            {
                Assert.Null(await HostileNeighbour.ExchangeAsync(stream, bytes, closeWrite: what == "a cut frame", _ => false));
            }
            else
            {
                await stream.WriteAsync(bytes);
            }

            await RejectedReachesAsync(rejected + 1);
        }

        Assert.Equal(known, await target.KnownAsync());
        await target.AssertWellAsync();
    }

    [Theory]
    [InlineData("empty", Topics.Capabilities)]
    [InlineData("random", Topics.Capabilities)]
    [InlineData("mis-signed", Topics.Capabilities)]
    [InlineData("version 2", Topics.Capabilities)]
    [InlineData("expired", Topics.Capabilities)]
    [InlineData("from the future", Topics.Capabilities)]
    [InlineData("a run", Topics.Capabilities)]
    [InlineData("unknown type", Topics.Capabilities)]
    [InlineData("garbage inside", Topics.Capabilities)]
    [InlineData("over 512 KiB", Topics.Capabilities)]
    [InlineData("empty", Runs)]
    [InlineData("random", Runs)]
    [InlineData("mis-signed", Runs)]
    [InlineData("version 2", Runs)]
    [InlineData("expired", Runs)]
    [InlineData("from the future", Runs)]
    [InlineData("a capability record", Runs)]
    [InlineData("unknown type", Runs)]
    [InlineData("garbage inside", Runs)]
    [InlineData("over 512 KiB", Runs)]
    [InlineData("another task type", Runs)]
    [InlineData("a reward that is no number", Runs)]
    [InlineData("a delta of another task type", Runs)]
    [InlineData("mis-signed", Topics.MatrixFeedback)]
    [InlineData("garbage inside", Topics.MatrixFeedback)]
    [InlineData("a run", Topics.MatrixFeedback)]
    [InlineData("a vote on an own capability", Topics.MatrixFeedback)]
    [InlineData("mis-signed", Topics.MatrixModel)]
    [InlineData("garbage inside", Topics.MatrixModel)]
    [InlineData("a run", Topics.MatrixModel)]
    [InlineData("sums of an own capability", Topics.MatrixModel)]
    public async Task A_well_signed_message_with_a_bad_envelope_is_rejected_and_nothing_is_stored(string what, string topic)
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        var known = await target.KnownAsync();
        var rejected = await target.GossipCounterAsync("rejected");
        await using var stream = await neighbour.OpenAsync(HostileNeighbour.MeshSub);
        await stream.WriteAsync(HostileNeighbour.Frame(neighbour.Sign(topic, Payload(what, topic, neighbour.Keys)).Encoded.Span));
        await RejectedReachesAsync(rejected + 1);
        Assert.Equal(known, await target.KnownAsync());
        await target.AssertWellAsync();
    }

    [Fact]
    public async Task A_replayed_envelope_is_stored_once_whoever_sends_it()
    {
        using var author = KeyPair.Generate();
        var run = SignedRun(author, Now);
        await using var first = await HostileNeighbour.ConnectAsync(target);
        await using var stream = await first.OpenAsync(HostileNeighbour.MeshSub);
        await stream.WriteAsync(HostileNeighbour.Frame(first.Sign(Runs, run).Encoded.Span));
        await Eventually.TrueAsync(async () => (await target.KnownAsync()).Contains(author.PeerId.ToString(), StringComparison.Ordinal));
        var known = await target.KnownAsync();
        var delivered = await target.GossipCounterAsync("delivered");

        await using var second = await HostileNeighbour.ConnectAsync(target);
        await using var again = await second.OpenAsync(HostileNeighbour.MeshSub);
        for (var i = 0; i < 50; i++)
        {
            await stream.WriteAsync(HostileNeighbour.Frame(first.Sign(Runs, run).Encoded.Span));
            await again.WriteAsync(HostileNeighbour.Frame(second.Sign(Runs, run).Encoded.Span));
        }

        await Eventually.TrueAsync(async () => await target.GossipCounterAsync("delivered") >= delivered + 100);
        Assert.Equal(known, await target.KnownAsync());
        await target.AssertWellAsync();
    }

    [Fact]
    public async Task The_same_message_again_and_one_in_the_peers_own_name_are_dropped()
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        await using var stream = await neighbour.OpenAsync(HostileNeighbour.MeshSub);
        var (known, duplicates, delivered) = (await target.KnownAsync(), await target.GossipCounterAsync("duplicates"), await target.GossipCounterAsync("delivered"));
        var forged = neighbour.Sign(Runs, SignedRun(neighbour.Keys, Now)).Encoded.ToArray();
        target.PeerId.Bytes.Span.CopyTo(forged.AsSpan(2));
        await stream.WriteAsync(HostileNeighbour.Frame(forged));
        var query = SignedEnvelope.Seal(neighbour.Keys, EnvelopeTypes.CapabilityQuery, new CapabilityQuery { Query = "q" }.ToByteArray(), Now, TimeSpan.FromMinutes(1));
        var message = HostileNeighbour.Frame(neighbour.Sign(Topics.Capabilities, query.Bytes.Span).Encoded.Span);
        for (var i = 0; i < 10; i++)
        {
            await stream.WriteAsync(message);
        }

        await Eventually.TrueAsync(async () => await target.GossipCounterAsync("duplicates") >= duplicates + 9 && await target.GossipCounterAsync("delivered") > delivered);
        Assert.Equal(delivered + 1, await target.GossipCounterAsync("delivered"));
        Assert.Equal(known, await target.KnownAsync());
    }

    [Fact]
    public async Task A_hundred_thousand_subscriptions_are_bounded()
    {
        var topics = (await target.InfoAsync())["topics"]!.ToJsonString();
        for (var round = 0; round < 4; round++)
        {
            await using var neighbour = await HostileNeighbour.ConnectAsync(target);
            await using var stream = await neighbour.OpenAsync(HostileNeighbour.MeshSub);
            var bytesIn = await target.GossipCounterAsync("bytesIn");
            var sent = 0L;

            // In one RPC, and as RPCs that each keep the limit of items.
            foreach (var names in Enumerable.Range(0, 100_000).Select(i => new TopicSubscription($"spam/{round}/{i}", true)).Chunk(round % 2 == 0 ? 100_000 : 5_000))
            {
                var frame = Assert.Single(GossipRpcCodec.EncodeControl(new GossipRpc { Subscriptions = [.. names] }, int.MaxValue));
                await stream.WriteAsync(frame);
                sent += frame.Length - 4;
            }

            await Eventually.TrueAsync(async () => await target.GossipCounterAsync("bytesIn") >= bytesIn + sent);
        }

        Assert.Equal(topics, (await target.InfoAsync())["topics"]!.ToJsonString());
        await target.AssertWellAsync();
    }

    [Fact]
    public async Task A_hundred_thousand_announced_ids_are_asked_for_in_part_only()
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        await using var stream = await neighbour.OpenAsync(HostileNeighbour.MeshSub);
        var bytesIn = await target.GossipCounterAsync("bytesIn");
        var sent = 0L;
        for (var i = 0; i < 20; i++)
        {
            ReadOnlyMemory<byte>[] ids = [.. Enumerable.Range(0, 5000).Select(_ => (ReadOnlyMemory<byte>)RandomNumberGenerator.GetBytes(44))];
            var frame = Assert.Single(GossipRpcCodec.EncodeControl(new GossipRpc { IHave = [new IHave(Runs, ids)], IWant = [.. ids], Graft = ["unknown"] }, int.MaxValue));
            await stream.WriteAsync(frame);
            sent += frame.Length - 4;
        }

        await Eventually.TrueAsync(async () => await target.GossipCounterAsync("bytesIn") >= bytesIn + sent);
        await target.AssertWellAsync();

        // 5,000 ids of 46 bytes per heartbeat; what was sent holds 4.6 MB of them.
        Assert.InRange(neighbour.GossipBytes, 0, sent / 3);
    }

    private static HybridTime Now => new((ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), 0);

    private static byte[] Payload(string what, string topic, KeyPair keys)
    {
        var (type, payload) = topic switch
        {
            Runs => (EnvelopeTypes.Trajectory, Run()),
            Topics.MatrixFeedback => (EnvelopeTypes.MatrixVotes, new MatrixVotes { Votes = { new MatrixVote { Capability = $"{keys.PeerId}/evil", Query = "q", Vote = 1, Ordinal = 1 } } }.ToByteArray()),
            Topics.MatrixModel => (EnvelopeTypes.MatrixDelta, new MatrixDelta { Sums = { new MatrixSums { Capability = $"{keys.PeerId}/evil", Outcomes = 1, Good = 1 } } }.ToByteArray()),
            _ => (EnvelopeTypes.Capabilities, new CapabilityRecord { Sequence = 1, Tools = { new ToolDescriptor { Name = "evil", Description = "d", InputSchema = "{}" } } }.ToByteArray()),
        };
        return what switch
        {
            "empty" => [],
            "random" => RandomNumberGenerator.GetBytes(300),
            "mis-signed" => Altered(keys, type, payload, e => e.Counter = 7),
            "version 2" => Altered(keys, type, payload, e => e.Version = 2),
            "expired" => Seal(keys, type, payload, At(TimeSpan.FromHours(-2)), TimeSpan.FromHours(1)),
            "from the future" => Seal(keys, type, payload, At(TimeSpan.FromHours(1)), null),
            "a run" => SignedRun(keys, Now),
            "a capability record" => Seal(keys, EnvelopeTypes.Capabilities, new CapabilityRecord { Sequence = 1 }.ToByteArray(), Now, null),
            "unknown type" => Seal(keys, "hyperspace.unknown", payload, Now, null),
            "garbage inside" => Seal(keys, type, [.. Enumerable.Repeat((byte)0xff, 16)], Now, null),
            "over 512 KiB" => [.. SignedRun(keys, Now), .. new byte[512 * 1024]],
            "a vote on an own capability" or "sums of an own capability" => Seal(keys, type, payload, Now, null),
            "another task type" => Seal(keys, type, Run(r => r.TaskType = "other"), Now, null),
            "a reward that is no number" => Seal(keys, type, Run(r => r.Reward = double.NaN), Now, null),
            _ => Seal(keys, EnvelopeTypes.PlaybookDelta, new PlaybookDelta { TaskType = "other", Bullets = { new BulletCount { Section = "s", Text = "t", Helpful = 1 } } }.ToByteArray(), Now, null),
        };
    }

    private static HybridTime At(TimeSpan fromNow) => new((ulong)(DateTimeOffset.UtcNow + fromNow).ToUnixTimeMilliseconds(), 0);

    private static byte[] Seal(KeyPair keys, string type, byte[] payload, HybridTime time, TimeSpan? lifetime) => SignedEnvelope.Seal(keys, type, payload, time, lifetime).Bytes.ToArray();

    private static byte[] Altered(KeyPair keys, string type, byte[] payload, Action<Envelope> alter)
    {
        var envelope = Envelope.Parser.ParseFrom(Seal(keys, type, payload, Now, null));
        alter(envelope);
        return envelope.ToByteArray();
    }

    private static byte[] SignedRun(KeyPair keys, HybridTime time) => Seal(keys, EnvelopeTypes.Trajectory, Run(), time, null);

    private static byte[] Run(Action<Trajectory>? change = null)
    {
        var run = new Trajectory { TaskType = TargetPeer.TaskType, Input = "i", Reward = 1, RecordedMs = Now.WallMs, Steps = { new TrajectoryStep { Kind = "tool", Name = "t", Ok = true } } };
        change?.Invoke(run);
        return run.ToByteArray();
    }

    private static byte[] Changed(byte[] message)
    {
        var changed = message.ToArray();
        changed[100] ^= 1;
        return changed;
    }

    private Task RejectedReachesAsync(long count) => Eventually.TrueAsync(async () => await target.GossipCounterAsync("rejected") >= count);
}
