using FsCheck;
using FsCheck.Xunit;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Libp2p.GossipSub;

public class GossipMessageTests
{
    // Made by @libp2p/gossipsub 17.1.1's buildRawMessage with RFC 8032 test 1's key: empty data, then "hello mesh".
    private const string JsEmpty = "0a26002408011220d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a12001a0818ea89dafed7df012215687970657273706163652f7461736b732f64656d6f2a409a3dc54e3b23c604e9b845736cb79f753ee7bd91206e89090488a420512a5a195c97a6be14844cdf69391b6f94440181ce6f315e375d6f3a4813689aa4da2805322408011220d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    private const string JsHello = "0a26002408011220d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a120a68656c6c6f206d6573681a0818ea89dafed7df022215687970657273706163652f7461736b732f64656d6f2a400f5a4acd231b6857afcb9cebcdedb2eb3edeadae17f6397c3b82609a3a6b13a38c7b1c0ae8bcb927652af04b9fa93924f756201598d2f40f089124f662ce7304322408011220d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    private const string JsHelloId = "08011220d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a18ea89dafed7df02";
    private const int KeyFieldLength = 38;

    private static readonly byte[] Seed = Convert.FromHexString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");

    [Theory]
    [InlineData(JsEmpty, "", 0x18ea89dafed7df01UL)]
    [InlineData(JsHello, "hello mesh", 0x18ea89dafed7df02UL)]
    public void A_message_that_js_signed_is_read_and_its_signature_holds(string hex, string data, ulong sequence)
    {
        using var keys = KeyPair.FromSeed(Seed);
        var bytes = Convert.FromHexString(hex);
        var message = GossipMessage.Parse(bytes, new TopicTable(), 256, MessageIdForm.KeyAndSequence)!;
        Assert.Equal(Authenticity.Valid, message.Authenticate(new AuthorCache()));
        Assert.Equal(keys.PeerId, message.Author);
        Assert.Equal("hyperspace/tasks/demo", message.Topic);
        Assert.Equal(data, System.Text.Encoding.UTF8.GetString(message.Data.Span));
        Assert.Equal(sequence, message.SequenceNumber);
        Assert.Equal(bytes, message.Encoded.ToArray());
    }

    [Theory]
    [InlineData(JsEmpty, "", 0x18ea89dafed7df01UL)]
    [InlineData(JsHello, "hello mesh", 0x18ea89dafed7df02UL)]
    public void What_this_peer_signs_is_byte_for_byte_what_js_signs_but_for_the_key_which_the_id_carries(string hex, string data, ulong sequence)
    {
        using var keys = KeyPair.FromSeed(Seed);
        var message = GossipMessage.Sign(keys, Author.Of(keys), "hyperspace/tasks/demo", System.Text.Encoding.UTF8.GetBytes(data), sequence);
        Assert.Equal(hex[..^(2 * KeyFieldLength)], Convert.ToHexStringLower(message.Encoded.Span));
    }

    [Fact]
    public void The_message_id_has_js_form_by_default_and_the_specifications_form_on_request()
    {
        var bytes = Convert.FromHexString(JsHello);
        Assert.Equal(JsHelloId, Convert.ToHexStringLower(GossipMessage.Parse(bytes, new TopicTable(), 256, MessageIdForm.KeyAndSequence)!.Id.Span));
        Assert.Equal("0024" + JsHelloId, Convert.ToHexStringLower(GossipMessage.Parse(bytes, new TopicTable(), 256, MessageIdForm.AuthorAndSequence)!.Id.Span));
    }

    [Fact]
    public void Every_single_bit_that_is_flipped_makes_a_message_invalid_unreadable_or_of_an_unknown_author()
    {
        var message = GossipKeys.Message(1, "t", 5, "payload"u8);
        var bytes = message.Encoded.ToArray();
        var authors = new AuthorCache();
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            var flipped = GossipMessage.Parse(bytes, new TopicTable(), 256, MessageIdForm.KeyAndSequence);
            Assert.True(flipped is null || flipped.Authenticate(authors) is Authenticity.Invalid or Authenticity.Unsupported, $"bit {bit}");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void A_key_that_is_not_the_authors_makes_a_message_invalid()
    {
        var bytes = Convert.FromHexString(JsHello);
        bytes[^1] ^= 1;
        Assert.Equal(Authenticity.Invalid, GossipMessage.Parse(bytes, new TopicTable(), 256, MessageIdForm.KeyAndSequence)!.Authenticity);
    }

    [Fact]
    public void Unknown_and_reordered_fields_do_not_travel_on_and_do_not_break_the_signature()
    {
        var js = Convert.FromHexString(JsHello);
        byte[] odd = [.. js[^KeyFieldLength..], .. js[..^KeyFieldLength], 0x7a, 0x03, 1, 2, 3];
        var message = GossipMessage.Parse(odd, new TopicTable(), 256, MessageIdForm.KeyAndSequence)!;
        Assert.Equal(Authenticity.Valid, message.Authenticate(new AuthorCache()));
        Assert.Equal(JsHello, Convert.ToHexStringLower(message.Encoded.Span));
    }

    [Fact]
    public void Absent_data_is_read_as_empty()
    {
        using var keys = KeyPair.FromSeed(Seed);
        // from, seqno and topic only; signed over just that.
        byte[] unsigned = [.. Convert.FromHexString(JsEmpty)[..40], .. Convert.FromHexString("1a0800000000000000012201" + "74")];
        byte[] signed = [.. unsigned, 0x2a, 64, .. keys.Sign([.. "libp2p-pubsub:"u8, .. unsigned])];
        var message = GossipMessage.Parse(signed, new TopicTable(), 256, MessageIdForm.KeyAndSequence)!;
        Assert.Equal(Authenticity.Valid, message.Authenticate(new AuthorCache()));
        Assert.Equal(0, message.Data.Length);
        Assert.Equal(1UL, message.SequenceNumber);
    }

    [Property(MaxTest = 50)]
    public void Signed_messages_survive_the_wire(NonEmptyString topic, byte[] data, ulong sequence)
    {
        var name = topic.Get.Length > 60 ? topic.Get[..60] : topic.Get;
        if (System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(name)) != name)
        {
            // Half a surrogate pair has no UTF-8.
            return;
        }

        var sent = GossipKeys.Message(2, name, sequence, data);
        var received = GossipKeys.Received(sent);
        Assert.Equal(Authenticity.Valid, received.Authenticate(new AuthorCache()));
        Assert.Equal((name, sequence, GossipKeys.Peer(2)), (received.Topic, received.SequenceNumber, received.Author));
        Assert.Equal(data, received.Data.ToArray());
        Assert.Equal(sent.Id.ToArray(), received.Id.ToArray());
        Assert.Equal(sent.Key, received.Key);
    }
}
