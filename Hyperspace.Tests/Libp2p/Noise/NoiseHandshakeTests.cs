using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Noise;

namespace Hyperspace.Tests.Libp2p.Noise;

public class NoiseHandshakeTests : IDisposable
{
    private const string Yamux = "/yamux/1.0.0";
    private readonly KeyPair _alice = KeyPair.Generate();
    private readonly KeyPair _bob = KeyPair.Generate();

    public void Dispose()
    {
        _alice.Dispose();
        _bob.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Both_sides_learn_who_the_other_is()
    {
        var (dialer, listener) = Run([Yamux], [Yamux], _bob.PeerId);
        Assert.Equal(_bob.PeerId, dialer.RemotePeer);
        Assert.Equal(_alice.PeerId, listener.RemotePeer);
    }

    [Theory]
    [InlineData(new[] { Yamux }, new[] { Yamux }, Yamux)]
    [InlineData(new[] { "/mplex/6.7.0", Yamux }, new[] { Yamux, "/mplex/6.7.0" }, "/mplex/6.7.0")]
    [InlineData(new[] { "/other/1" }, new[] { Yamux }, null)]
    [InlineData(new string[0], new[] { Yamux }, null)]
    [InlineData(new[] { Yamux }, new string[0], null)]
    public void The_early_muxer_is_the_first_of_the_initiators_that_both_have(string[] initiator, string[] responder, string? muxer)
    {
        var (dialer, listener) = Run(initiator, responder, null);
        Assert.Equal(muxer, dialer.Muxer);
        Assert.Equal(muxer, listener.Muxer);
    }

    [Fact]
    public void Another_peer_than_expected_is_refused_by_name()
    {
        using var other = KeyPair.Generate();
        var error = Assert.Throws<NoiseException>(() => Run([Yamux], [Yamux], other.PeerId));
        Assert.Contains(other.PeerId.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_identity_that_did_not_sign_the_static_key_is_refused()
    {
        // The payload of one handshake replayed in another, whose static key is a different one.
        using var first = new NoiseHandshake(false, _bob, [Yamux], null);
        using var noise = new NoiseXx(false, NoiseXx.NewKey(), NoiseXx.NewKey(), []);
        using var dialer = new NoiseHandshake(true, _alice, [Yamux], null);
        using var thief = new NoiseXx(true, NoiseXx.NewKey(), NoiseXx.NewKey(), []);
        first.Receive(thief.Write([]));
        var stolen = thief.Read(first.NextMessage()!);

        noise.Read(dialer.NextMessage()!);
        var forged = noise.Write(stolen);
        Assert.Throws<NoiseException>(() => dialer.Receive(forged));
    }

    [Fact]
    public void Random_payloads_and_messages_raise_only_the_protocols_own_error()
    {
        var random = new Random(3);
        for (var i = 0; i < 100; i++)
        {
            var junk = new byte[random.Next(0, 200)];
            random.NextBytes(junk);

            // Authentic messages with junk inside.
            using var noise = new NoiseXx(false, NoiseXx.NewKey(), NoiseXx.NewKey(), []);
            using var dialer = new NoiseHandshake(true, _alice, [Yamux], null);
            noise.Read(dialer.NextMessage()!);
            var message = noise.Write(junk);
            Assert.Throws<NoiseException>(() => dialer.Receive(message));

            // Junk messages.
            using var listener = new NoiseHandshake(false, _alice, [Yamux], null);
            Assert.Throws<NoiseException>(() =>
            {
                listener.Receive(junk);
                listener.NextMessage();
                listener.Receive(junk);
            });
        }
    }

    [Fact]
    public async Task Frames_of_any_mix_of_sizes_arrive_whole_and_a_flipped_bit_ends_the_channel()
    {
        var random = new Random(4);
        var (dialer, listener) = Run([Yamux], [Yamux], null);
        using var frames = new NoiseFrameWriter();
        var sent = new MemoryStream();
        foreach (var size in (int[])[0, 1, 12, 65519, 65520, 1, 200_000, 3])
        {
            var data = new byte[size];
            random.NextBytes(data);
            frames.Append(data);
            sent.Write(data);
        }

        var sealedFrames = frames.Seal(dialer.Send).ToArray();
        Assert.Equal(sent.ToArray(), await ReadAllAsync(listener, sealedFrames));

        var again = Run([Yamux], [Yamux], null);
        frames.Clear();
        frames.Append(sent.ToArray());
        var damaged = frames.Seal(again.Dialer.Send).ToArray();
        damaged[100_000] ^= 0x10;
        await Assert.ThrowsAsync<NoiseException>(() => ReadAllAsync(again.Listener, damaged));
    }

    [Fact]
    public async Task Random_frames_raise_only_the_protocols_own_error()
    {
        var random = new Random(8);
        for (var i = 0; i < 100; i++)
        {
            var junk = new byte[random.Next(2, 300)];
            random.NextBytes(junk);
            (junk[0], junk[1]) = (0, (byte)random.Next(junk.Length - 1));
            await Assert.ThrowsAsync<NoiseException>(() => ReadAllAsync(Run([Yamux], [Yamux], null).Listener, junk));
        }
    }

    private static async Task<byte[]> ReadAllAsync(NoiseSession session, byte[] bytes)
    {
        using var channel = new SecureChannel(new ClearChannel(new MemoryStream(bytes)), session);
        var received = new MemoryStream();

        // First as the muxer's negotiation reads it, a little at a time, then frame by frame.
        var few = new byte[7];
        for (var i = 0; i < 3; i++)
        {
            received.Write(few, 0, await channel.ReadAsync(few, default));
        }

        do
        {
            while (channel.TryReadFrame(out var plaintext))
            {
                received.Write(plaintext);
            }
        }
        while (await channel.FillAsync(default));
        return received.ToArray();
    }

    private (NoiseSession Dialer, NoiseSession Listener) Run(string[] dialerMuxers, string[] listenerMuxers, PeerId? expected)
    {
        using var dialer = new NoiseHandshake(true, _alice, dialerMuxers, expected);
        using var listener = new NoiseHandshake(false, _bob, listenerMuxers, null);
        while (!dialer.IsComplete || !listener.IsComplete)
        {
            if (dialer.NextMessage() is { } question)
            {
                listener.Receive(question);
            }

            if (listener.NextMessage() is { } answer)
            {
                dialer.Receive(answer);
            }
        }

        return (dialer.Finish(), listener.Finish());
    }
}
