using Google.Protobuf;
using Hyperspace.Libp2p.Identify;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Wire = Hyperspace.Libp2p.Identify.Wire;

namespace Hyperspace.Tests.Libp2p.Identify;

public class IdentifyMessageTests : IDisposable
{
    private static readonly Multiaddr Here = Multiaddr.Parse("/ip4/127.0.0.1/tcp/4001");
    private static readonly Multiaddr There = Multiaddr.Parse("/ip6/::1/tcp/4002");
    private readonly KeyPair _keys = KeyPair.Generate();

    public void Dispose()
    {
        _keys.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void What_is_encoded_is_decoded_again()
    {
        var sent = new IdentifyMessage([Here, There], ["/a/1", "/b/1"], There, "agent/1", 7);
        var received = IdentifyMessage.Decode(sent.Encode(_keys), _keys.PeerId);
        Assert.Equal(sent.ListenAddresses, received.ListenAddresses);
        Assert.Equal(sent.Protocols, received.Protocols);
        Assert.Equal((There, "agent/1", 7ul), (received.ObservedAddress, received.AgentVersion, received.RecordSequence));
    }

    [Fact]
    public void A_signed_record_outranks_the_unsigned_addresses_and_a_forged_one_counts_as_none()
    {
        var message = Wire.Identify.Parser.ParseFrom(new IdentifyMessage([Here], [], null, null, 9).Encode(_keys));
        message.ListenAddrs.Clear();
        message.ListenAddrs.Add(ByteString.CopyFrom(There.Bytes.Span));
        Assert.Equal([Here], IdentifyMessage.Decode(message.ToByteArray(), _keys.PeerId).ListenAddresses);

        var envelope = Hyperspace.Libp2p.Records.Wire.Envelope.Parser.ParseFrom(message.SignedPeerRecord);
        var record = Wire.SignedRecord.Parser.ParseFrom(envelope.Payload);
        record.Seq++;
        envelope.Payload = record.ToByteString();
        message.SignedPeerRecord = envelope.ToByteString();
        var received = IdentifyMessage.Decode(message.ToByteArray(), _keys.PeerId);
        Assert.Equal([There], received.ListenAddresses);
        Assert.Null(received.RecordSequence);
    }

    [Fact]
    public void A_message_about_another_peer_is_refused()
    {
        using var other = KeyPair.Generate();
        var bytes = new IdentifyMessage([Here], [], null, null, 1).Encode(other);
        Assert.Throws<IdentifyException>(() => IdentifyMessage.Decode(bytes, _keys.PeerId));
    }

    [Fact]
    public void Addresses_that_cannot_be_read_and_protocols_past_the_bound_are_left_out()
    {
        var message = new Wire.Identify();
        message.ListenAddrs.Add(ByteString.CopyFrom(0xff, 0xff, 0x7f));
        message.ListenAddrs.Add(ByteString.CopyFrom(Here.Bytes.Span));
        message.Protocols.Add("");
        message.Protocols.AddRange(Enumerable.Range(0, 1000).Select(i => $"/p/{i}"));
        var received = IdentifyMessage.Decode(message.ToByteArray(), _keys.PeerId);
        Assert.Equal([Here], received.ListenAddresses);
        Assert.Equal(256, received.Protocols.Count);
        Assert.Equal("/p/0", received.Protocols[0]);
    }

    [Fact]
    public void Random_and_mutated_bytes_raise_only_the_protocols_own_error()
    {
        var random = new Random(6);
        var good = new IdentifyMessage([Here, There], ["/a/1"], There, "agent/1", 7).Encode(_keys);
        for (var i = 0; i < 10_000; i++)
        {
            byte[] bytes = [.. good];
            if (i % 4 == 0)
            {
                bytes = new byte[random.Next(1, 100)];
                random.NextBytes(bytes);
            }
            else
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                IdentifyMessage.Decode(bytes, _keys.PeerId);
            }
            catch (IdentifyException)
            {
                // The one error that it may raise.
            }
        }
    }
}
