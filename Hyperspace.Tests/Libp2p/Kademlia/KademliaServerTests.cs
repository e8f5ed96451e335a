using System.Text;
using Google.Protobuf;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Kademlia.Wire;
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
}
