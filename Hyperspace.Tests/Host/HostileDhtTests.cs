using System.Buffers;
using System.Security.Cryptography;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Kademlia.Wire;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using static Hyperspace.Libp2p.Kademlia.Wire.Message.Types;

namespace Hyperspace.Tests.Host;

/// <summary>What nobody should ask a member of the DHT for.</summary>
[Collection(HostileTests.Name)]
public class HostileDhtTests(TargetPeer target)
{
    private const string Protocol = "/hyperspace/kad/1.0.0";

    [Fact]
    public async Task A_peers_own_record_is_taken_so_that_the_refusals_below_mean_something()
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        var record = Record(neighbour.Keys);
        var reply = await AskAsync(neighbour, KademliaMessages.PutValue(CapabilityRecords.KeyOf(neighbour.Keys.PeerId), record, DateTimeOffset.UtcNow));
        Assert.Equal(record, reply!.Record.Value.ToByteArray());
    }

    [Theory]
    [InlineData("mis-signed")]
    [InlineData("empty")]
    [InlineData("another peer's key")]
    [InlineData("a run under the key")]
    [InlineData("unknown namespace")]
    [InlineData("no namespace")]
    [InlineData("key and record differ")]
    [InlineData("no record")]
    [InlineData("long key")]
    public async Task A_bad_record_resets_the_stream_and_is_not_held(string what)
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        var own = CapabilityRecords.KeyOf(neighbour.Keys.PeerId);
        var record = Record(neighbour.Keys);
        var put = what switch
        {
            "mis-signed" => Put(own, [.. record.AsSpan(0, record.Length - 1), (byte)(record[^1] ^ 1)]),
            "empty" => Put(own, []),
            "another peer's key" => Put(CapabilityRecords.KeyOf(target.PeerId), record),
            "a run under the key" => Put(own, SignedEnvelope.Seal(neighbour.Keys, EnvelopeTypes.Trajectory, new Trajectory().ToByteArray(), Now).Bytes.ToArray()),
            "unknown namespace" => Put([.. "/pk/x"u8], record),
            "no namespace" => Put([1, 2, 3], record),
            "no record" => new Message { Type = MessageType.PutValue, Key = ByteString.CopyFrom(own) },
            "long key" => Put([.. "/hyperspace/"u8, .. new byte[600]], record),
            _ => new Message { Type = MessageType.PutValue, Key = ByteString.CopyFrom(own), Record = KademliaMessages.RecordOf(CapabilityRecords.KeyOf(target.PeerId), record, DateTimeOffset.UtcNow) },
        };
        Assert.Null(await AskAsync(neighbour, put));
        foreach (var key in new[] { own, CapabilityRecords.KeyOf(target.PeerId) })
        {
            var held = await AskAsync(neighbour, KademliaMessages.GetValue(key));
            Assert.False(held!.Record is { } found && found.Value == put.Record?.Value);
        }

        await target.AssertWellAsync();
    }

    [Theory]
    [InlineData("ADD_PROVIDER of 33 bytes")]
    [InlineData("ADD_PROVIDER of another hash")]
    [InlineData("FIND_NODE without key")]
    [InlineData("FIND_NODE of 600 bytes")]
    [InlineData("unknown type")]
    [InlineData("no protobuf")]
    [InlineData("no varint")]
    [InlineData("2^40 bytes")]
    [InlineData("cut")]
    public async Task A_bad_request_resets_the_stream(string what)
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        byte[] bytes = what switch
        {
            "ADD_PROVIDER of 33 bytes" => new Message { Type = MessageType.AddProvider, Key = ByteString.CopyFrom(new byte[33]) }.ToLengthPrefixed(),
            "ADD_PROVIDER of another hash" => new Message { Type = MessageType.AddProvider, Key = ByteString.CopyFrom([0x11, 0x20, .. new byte[32]]) }.ToLengthPrefixed(),
            "FIND_NODE without key" => KademliaMessages.FindNode([]).ToLengthPrefixed(),
            "FIND_NODE of 600 bytes" => KademliaMessages.FindNode(new byte[600]).ToLengthPrefixed(),
            "unknown type" => new Message { Type = (MessageType)77, Key = ByteString.CopyFrom(1) }.ToLengthPrefixed(),
            "no protobuf" => [16, .. Enumerable.Repeat((byte)0xff, 16)],
            "no varint" => [.. Enumerable.Repeat((byte)0xff, 64)],
            "2^40 bytes" => [0x80, 0x80, 0x80, 0x80, 0x80, 0x20],
            _ => KademliaMessages.FindNode(new byte[34]).ToLengthPrefixed()[..^3],
        };
        await using var stream = await neighbour.OpenAsync(Protocol);
        Assert.Null(await HostileNeighbour.ExchangeAsync(stream, bytes, closeWrite: what == "cut", _ => false));
        await target.AssertWellAsync();
    }

    [Fact]
    public async Task Nobody_is_a_provider_because_somebody_else_says_so_and_a_garbage_point_finds_only_peers()
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        using var victim = KeyPair.Generate();
        byte[] key = [0x12, 0x20, .. RandomNumberGenerator.GetBytes(32)];
        var announcement = KademliaMessages.AddProvider(key, new(victim.PeerId, [Multiaddr.Parse("/ip4/127.0.0.1/tcp/9")]));
        byte[] both = [.. announcement.ToLengthPrefixed(), .. KademliaMessages.GetProviders(key).ToLengthPrefixed()];
        await using var stream = await neighbour.OpenAsync(Protocol);
        Assert.Empty(First(await HostileNeighbour.ExchangeAsync(stream, both, false, all => First(all) is not null))!.ProviderPeers);
        Assert.Empty((await AskAsync(neighbour, KademliaMessages.FindNode([0xff])))!.ProviderPeers);
        await target.AssertWellAsync();
    }

    private static HybridTime Now => new((ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), 0);

    private static byte[] Record(KeyPair keys) =>
        SignedEnvelope.Seal(keys, EnvelopeTypes.Capabilities, new CapabilityRecord { Sequence = 1 }.ToByteArray(), Now, TimeSpan.FromMinutes(1)).Bytes.ToArray();

    private static Message Put(byte[] key, byte[] value) => KademliaMessages.PutValue(key, value, DateTimeOffset.UtcNow);

    private static async Task<Message?> AskAsync(HostileNeighbour neighbour, Message message)
    {
        await using var stream = await neighbour.OpenAsync(Protocol);
        return First(await HostileNeighbour.ExchangeAsync(stream, message.ToLengthPrefixed(), false, all => First(all) is not null));
    }

    private static Message? First(byte[]? received) =>
        received is not null && Varint.TryRead(received, out var length, out var prefix) == OperationStatus.Done && received.Length >= prefix + (int)length
            ? Message.Parser.ParseFrom(received, prefix, (int)length)
            : null;
}
