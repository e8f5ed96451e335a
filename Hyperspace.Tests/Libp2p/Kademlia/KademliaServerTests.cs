using System.Text;
using Google.Protobuf;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Kademlia.Wire;
using Hyperspace.Libp2p.Multiformats;
using static Hyperspace.Libp2p.Kademlia.Wire.Message.Types;

namespace Hyperspace.Tests.Libp2p.Kademlia;

public class KademliaServerTests
{
    private static readonly PeerId Self = Peers.Number(0);
    private static readonly PeerId Sender = Peers.Number(1);
    private static readonly DateTimeOffset Now = Peers.Start;
    private readonly KademliaServer _server = new(
        Self,
        new KademliaOptions { Validators = new Dictionary<string, IRecordValidator> { ["t"] = new PlusValidator() }, MaxRecordBytes = 100, RequestsPerMinuteAndPeer = 20_000, WritesPerMinuteAndPeer = 20_000 },
        Peers.AddressOf);

    public KademliaServerTests()
    {
        for (var i = 1; i < 60; i++)
        {
            _server.Table = _server.Table.Seen(Peers.Number(i), null, Now).Table;
        }
    }

    [Fact]
    public void The_closest_are_named_with_addresses_and_without_the_sender_and_itself()
    {
        var reply = _server.Handle(KademliaMessages.FindNode([1, 2, 3]), Sender, Now).Reply!;
        var named = KademliaMessages.FromWire(reply.CloserPeers, 100, 8);
        Assert.Equal(20, named.Count);
        Assert.Equal(_server.Table.Closest(DhtKey.Of([1, 2, 3]), 21).Where(p => p != Sender).Take(20), named.Select(p => p.Peer));
        Assert.All(named, p => Assert.Equal(Peers.AddressOf(p.Peer), p.Addresses));
    }

    [Fact]
    public void A_peer_names_itself_and_a_client_that_it_knows_when_they_are_sought()
    {
        var reply = _server.Handle(KademliaMessages.FindNode(Self.Bytes.Span), Sender, Now).Reply!;
        Assert.Equal(Self.Bytes.ToArray(), reply.CloserPeers[0].Id.ToByteArray());
        var client = Peers.Number(500);
        reply = _server.Handle(KademliaMessages.FindNode(client.Bytes.Span), Sender, Now).Reply!;
        Assert.Equal(client.Bytes.ToArray(), reply.CloserPeers[0].Id.ToByteArray());
    }

    [Fact]
    public void A_put_record_is_echoed_and_got_back()
    {
        var put = KademliaMessages.PutValue("/t/a"u8, "+1"u8, Now);
        Assert.Equal(put, _server.Handle(put, Sender, Now).Reply);
        var got = _server.Handle(KademliaMessages.GetValue("/t/a"u8), Sender, Now.AddSeconds(1)).Reply!;
        Assert.Equal(("/t/a", "+1", "2026-01-01T00:00:00.000000000Z"), (got.Record.Key.ToStringUtf8(), got.Record.Value.ToStringUtf8(), got.Record.TimeReceived));
        Assert.Equal(20, got.CloserPeers.Count);
        Assert.Null(_server.Handle(KademliaMessages.GetValue("/t/a"u8), Sender, Now.AddHours(48)).Reply!.Record);
    }

    [Fact]
    public void A_worse_record_does_not_replace_a_better_one_and_is_told_so()
    {
        _server.Handle(KademliaMessages.PutValue("/t/a"u8, "+2"u8, Now), Sender, Now);
        var reply = _server.Handle(KademliaMessages.PutValue("/t/a"u8, "+1"u8, Now), Sender, Now).Reply!;
        Assert.Equal("+2", reply.Record.Value.ToStringUtf8());
        reply = _server.Handle(KademliaMessages.PutValue("/t/a"u8, "+3"u8, Now), Sender, Now).Reply!;
        Assert.Equal("+3", reply.Record.Value.ToStringUtf8());
    }

    [Theory]
    [InlineData("/t/a", "no plus")]
    [InlineData("/other/a", "+1")]
    [InlineData("t/a", "+1")]
    [InlineData("//a", "+1")]
    [InlineData("/t", "+1")]
    [InlineData("/t/a", "+0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000")]
    public void Records_without_validator_or_refused_by_it_are_refused(string key, string value)
    {
        var put = KademliaMessages.PutValue(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), Now);
        Assert.NotNull(_server.Handle(put, Sender, Now).Refusal);
        Assert.Equal(0, _server.Records.Count);
    }

    [Fact]
    public void A_record_under_another_key_than_the_messages_is_refused()
    {
        var put = KademliaMessages.PutValue("/t/a"u8, "+1"u8, Now);
        put.Key = ByteString.CopyFromUtf8("/t/b");
        Assert.NotNull(_server.Handle(put, Sender, Now).Refusal);
        put.Record = null;
        Assert.NotNull(_server.Handle(put, Sender, Now).Refusal);
    }

    [Fact]
    public void Only_the_sender_can_be_announced_and_only_with_an_address()
    {
        var key = Peers.Multihash("x");
        Announce(Peers.Number(2), 1);
        Announce(Sender, 0);
        Assert.Empty(_server.ProvidersOf(key, Now));
        Announce(Sender, 1);
        var reply = _server.Handle(KademliaMessages.GetProviders(key), Peers.Number(3), Now).Reply!;
        Assert.Equal(Sender.Bytes.ToArray(), Assert.Single(reply.ProviderPeers).Id.ToByteArray());
        _server.SetProvided(key, true);
        Assert.Equal([Self, Sender], _server.ProvidersOf(key, Now).Select(p => p.Peer));
        Assert.NotNull(_server.Handle(KademliaMessages.AddProvider("short"u8, new(Sender, Peers.AddressOf(Sender))), Sender, Now).Refusal);

        void Announce(PeerId provider, int addresses)
        {
            var message = KademliaMessages.AddProvider(key, new(provider, [.. Peers.AddressOf(provider).Take(addresses)]));
            Assert.Equal(ServerReply.None, _server.Handle(message, Sender, Now));
        }
    }

    [Theory]
    [InlineData("9999-12-31T23:59:59.000000000Z")]
    [InlineData("0001-01-01T00:00:00.000000000Z")]
    [InlineData("yesterday")]
    [InlineData("")]
    public void Record_time_skew_what_a_putter_says_of_the_time_counts_for_nothing(string time)
    {
        var put = KademliaMessages.PutValue("/t/a"u8, "+1"u8, Now);
        put.Record.TimeReceived = time;
        Assert.NotNull(_server.Handle(put, Sender, Now).Reply);
        Assert.Equal("2026-01-01T00:00:00.000000000Z", _server.Handle(KademliaMessages.GetValue("/t/a"u8), Sender, Now.AddHours(47)).Reply!.Record.TimeReceived);
        Assert.Null(_server.Handle(KademliaMessages.GetValue("/t/a"u8), Sender, Now.AddHours(48)).Reply!.Record);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(512, true)]
    [InlineData(513, false)]
    public void Key_sizes_beyond_the_bounds_are_refused_for_every_request(int size, bool taken)
    {
        foreach (var type in (MessageType[])[MessageType.FindNode, MessageType.GetValue, MessageType.GetProviders])
        {
            Assert.Equal(taken, _server.Handle(new Message { Type = type, Key = ByteString.CopyFrom(new byte[size]) }, Sender, Now).Refusal is null);
        }
    }

    [Fact]
    public void Value_flood_a_peer_that_asks_too_often_is_refused_and_others_are_served()
    {
        var server = new KademliaServer(
            Self,
            new KademliaOptions { Validators = new Dictionary<string, IRecordValidator> { ["t"] = new PlusValidator() }, RequestsPerMinuteAndPeer = 100, WritesPerMinuteAndPeer = 10 },
            Peers.AddressOf);
        var taken = Enumerable.Range(0, 50).Count(i => server.Handle(KademliaMessages.PutValue(Encoding.UTF8.GetBytes($"/t/{i}"), "+1"u8, Now), Sender, Now).Refusal is null);
        Assert.Equal(10, taken);
        Assert.Equal(10, server.Records.Count);
        Assert.Equal(50, Enumerable.Range(0, 100).Count(_ => server.Handle(KademliaMessages.Ping(), Sender, Now).Refusal is null));
        Assert.Null(server.Handle(KademliaMessages.Ping(), Peers.Number(2), Now).Refusal);
        Assert.Null(server.Handle(KademliaMessages.PutValue("/t/later"u8, "+1"u8, Now), Sender, Now.AddMinutes(1)).Refusal);
    }

    [Fact]
    public void A_record_that_its_validator_takes_no_longer_is_not_given_out()
    {
        var fickle = new FickleValidator();
        var server = new KademliaServer(Self, new KademliaOptions { Validators = new Dictionary<string, IRecordValidator> { ["t"] = fickle } }, Peers.AddressOf);
        Assert.NotNull(server.Handle(KademliaMessages.PutValue("/t/a"u8, "v"u8, Now), Sender, Now).Reply);
        fickle.Takes = false;
        Assert.Null(server.Handle(KademliaMessages.GetValue("/t/a"u8), Sender, Now).Reply!.Record);
        Assert.Equal(0, server.Records.Count);
    }

    [Fact]
    public void Providers_with_long_addresses_make_no_answer_that_nobody_would_read()
    {
        var key = Peers.Multihash("x");
        var options = new KademliaOptions();
        for (var i = 100; i < 164; i++)
        {
            var provider = Peers.Number(i);
            var addresses = Enumerable.Range(0, 8).Select(n => Multiaddr.Parse($"/dns4/{n}{new string('a', 1000)}/tcp/1"));
            Assert.Null(_server.Handle(KademliaMessages.AddProvider(key, new(provider, [.. addresses])), provider, Now).Refusal);
        }

        var reply = _server.Handle(KademliaMessages.GetProviders(key), Sender, Now).Reply!;
        Assert.InRange(reply.CalculateSize(), 200_000, options.MaxMessageBytes);
        Assert.Equal(20, reply.CloserPeers.Count);
    }

    [Fact]
    public void A_snapshot_of_the_table_is_read_back_within_its_bounds_and_damage_reads_as_nobody()
    {
        var peers = Enumerable.Range(0, 400).Select(i => new PeerAddresses(Peers.Number(i), [.. Enumerable.Repeat(Peers.AddressOf(Peers.Number(i))[0], 20)])).ToList();
        var bytes = RoutingTableSnapshot.Encode(peers);
        var read = RoutingTableSnapshot.Decode(bytes);
        Assert.Equal(peers.Take(RoutingTableSnapshot.MaxPeers).Select(p => p.Peer), read.Select(p => p.Peer));
        Assert.All(read, p => Assert.Equal(8, p.Addresses.Count));
        Assert.Empty(RoutingTableSnapshot.Decode(new byte[RoutingTableSnapshot.MaxBytes + 1]));
        Assert.Empty(RoutingTableSnapshot.Decode("no protobuf"u8.ToArray()));
        Assert.Empty(RoutingTableSnapshot.Decode(new SavedPeers { Version = 2, Peers = { KademliaMessages.ToWire(peers[0]) } }.ToByteArray()));
        var large = Enumerable.Range(0, 256).Select(i => new PeerAddresses(Peers.Number(i), [.. Enumerable.Range(0, 8).Select(n => Multiaddr.Parse($"/dns4/{n}{new string('a', 1000)}/tcp/1"))]));
        Assert.InRange(RoutingTableSnapshot.Encode(large).Length, RoutingTableSnapshot.MaxBytes / 2, RoutingTableSnapshot.MaxBytes);
    }

    [Fact]
    public void A_ping_is_echoed() => Assert.Equal(KademliaMessages.Ping(), _server.Handle(KademliaMessages.Ping(), Sender, Now).Reply);

    [Fact]
    public void Bad_peers_in_a_message_are_skipped_and_the_rest_is_read()
    {
        var message = new Message();
        message.CloserPeers.Add(new Peer { Id = ByteString.CopyFrom(1, 2, 3) });
        var good = KademliaMessages.ToWire(new(Peers.Number(7), [.. Peers.AddressOf(Peers.Number(7)), Peers.AddressOf(Peers.Number(7))[0].WithPeer(Peers.Number(8))]));
        good.Addrs.Insert(0, ByteString.CopyFrom(0xff, 0xff));
        message.CloserPeers.Add(good);
        message.CloserPeers.Add(good);
        var peer = Assert.Single(KademliaMessages.FromWire(message.CloserPeers, 20, 8));
        Assert.Equal(Peers.Number(7), peer.Peer);
        Assert.Equal(Peers.AddressOf(Peers.Number(7)), peer.Addresses);
    }

    [Fact]
    public void Damaged_messages_are_parse_errors_or_get_an_answer_or_a_refusal()
    {
        var random = new Random(11);
        var originals = new[]
        {
            KademliaMessages.PutValue("/t/a"u8, "+1"u8, Now), KademliaMessages.GetValue("/t/a"u8), KademliaMessages.FindNode(Self.Bytes.Span),
            KademliaMessages.GetProviders(Peers.Multihash("x")), KademliaMessages.AddProvider(Peers.Multihash("x"), new(Sender, Peers.AddressOf(Sender))), KademliaMessages.Ping(),
        };
        var (parsed, refused) = (0, 0);
        for (var i = 0; i < 10_000; i++)
        {
            var bytes = originals[random.Next(originals.Length)].ToByteArray();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            bytes = random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
            try
            {
                var reply = _server.Handle(Message.Parser.ParseFrom(bytes), Sender, Now);
                parsed++;
                refused += reply.Refusal is null ? 0 : 1;
                _ = reply.Reply is { } message ? KademliaMessages.FromWire(message.CloserPeers, 20, 8) : [];
            }
            catch (InvalidProtocolBufferException)
            {
                // The one error of the decoder; the stream is closed for it.
            }
        }

        Assert.True(parsed > 500 && refused > 50);
    }

    private sealed class FickleValidator : IRecordValidator
    {
        public bool Takes { get; set; } = true;

        public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Takes;

        public int Select(ReadOnlySpan<byte> key, IReadOnlyList<ReadOnlyMemory<byte>> values) => 0;
    }
}
