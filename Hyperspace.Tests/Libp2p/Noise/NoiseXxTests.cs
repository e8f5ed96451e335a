using Hyperspace.Libp2p.Noise;
using NSec.Cryptography;

namespace Hyperspace.Tests.Libp2p.Noise;

public class NoiseXxTests
{
    // The cacophony project's vector for Noise_XX_25519_ChaChaPoly_SHA256.
    private const string Prologue = "4a6f686e2047616c74";
    private const string InitiatorStatic = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1";
    private const string InitiatorEphemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
    private const string ResponderStatic = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893";
    private const string ResponderEphemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
    private const string HandshakeHash = "c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e";

    private static readonly (string Payload, string Message)[] Handshake =
    [
        ("4c756477696720766f6e204d69736573", "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573"),
        ("4d757272617920526f746862617264", "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f276e038c48378ffce2b65285e08d6b68aaa3629a5a8639392490e5b9bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f8814c7194e83f23dbd8d162c9326ad"),
        ("462e20412e20486179656b", "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9df0f169ae80a89be0865b57f58c9fea0d4ec82a286427402f113e4b6ae769a1d95941d49b25030"),
    ];

    private static readonly (string Payload, string Message)[] Transport =
    [
        ("4361726c204d656e676572", "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df"),
        ("4a65616e2d426170746973746520536179", "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5"),
        ("457567656e2042f6686d20766f6e2042617765726b", "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f"),
    ];

    [Fact]
    public void The_published_vector_comes_out_byte_for_byte()
    {
        using var initiator = Side(true);
        using var responder = Side(false);
        var (writer, reader) = (initiator, responder);
        foreach (var (payload, message) in Handshake)
        {
            Assert.Equal(message, Convert.ToHexStringLower(writer.Write(Convert.FromHexString(payload))));
            Assert.Equal(payload, Convert.ToHexStringLower(reader.Read(Convert.FromHexString(message))));
            (writer, reader) = (reader, writer);
        }

        Assert.True(initiator.IsComplete && responder.IsComplete);
        Assert.Equal(HandshakeHash, Convert.ToHexStringLower(initiator.HandshakeHash));
        Assert.Equal(HandshakeHash, Convert.ToHexStringLower(responder.HandshakeHash));

        var ofInitiator = initiator.Split();
        var ofResponder = responder.Split();

        // The vector goes on in turns: the responder writes the fourth message.
        var fromResponder = true;
        foreach (var (payload, message) in Transport)
        {
            var plaintext = Convert.FromHexString(payload);
            var ciphertext = new byte[plaintext.Length + CipherState.TagLength];
            (fromResponder ? ofResponder : ofInitiator).Send.Encrypt([], plaintext, ciphertext);
            Assert.Equal(message, Convert.ToHexStringLower(ciphertext));
            var back = ciphertext.AsSpan(0, plaintext.Length);
            (fromResponder ? ofInitiator : ofResponder).Receive.Decrypt([], ciphertext, back);
            Assert.Equal(plaintext, back.ToArray());
            fromResponder = !fromResponder;
        }
    }

    [Fact]
    public void A_handshake_that_was_given_up_leaves_no_trace_in_the_next()
    {
        var abandoned = Side(false);
        abandoned.Read(Convert.FromHexString(Handshake[0].Message));
        abandoned.Dispose();
        The_published_vector_comes_out_byte_for_byte();
    }

    [Fact]
    public void A_flipped_bit_anywhere_in_the_handshake_is_found_out()
    {
        for (var message = 0; message < 3; message++)
        {
            var length = Handshake[message].Message.Length / 2;
            for (var at = 0; at < length; at++)
            {
                Assert.Throws<NoiseException>(() => RunTampered(message, at));
            }
        }
    }

    [Fact]
    public void Messages_cut_off_anywhere_are_refused()
    {
        for (var length = 0; length < 32; length++)
        {
            using var responder = Side(false);
            Assert.Throws<NoiseException>(() => responder.Read(new byte[length]));
        }
    }

    [Fact]
    public void A_key_of_low_order_is_refused()
    {
        using var responder = Side(false);
        Assert.Throws<NoiseException>(() =>
        {
            responder.Read(new byte[32]);
            responder.Write([]);
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2047)]
    [InlineData(2048)]
    [InlineData(65519)]
    public void Ciphers_of_both_implementations_agree_at_every_length(int length)
    {
        var key = new byte[32];
        Random.Shared.NextBytes(key);
        using var ours = new CipherState(key);
        var plaintext = new byte[length];
        Random.Shared.NextBytes(plaintext);
        var buffer = new byte[length + CipherState.TagLength];
        plaintext.CopyTo(buffer, 0);
        ours.Encrypt([], buffer.AsSpan(0, length), buffer);

        using var imported = Key.Import(AeadAlgorithm.ChaCha20Poly1305, key, KeyBlobFormat.RawSymmetricKey);
        Assert.Equal(AeadAlgorithm.ChaCha20Poly1305.Encrypt(imported, new byte[12], [], plaintext), buffer);

        using var theirs = new CipherState(key);
        theirs.Decrypt([], buffer, buffer.AsSpan(0, length));
        Assert.Equal(plaintext, buffer[..length]);
    }

    private static void RunTampered(int tampered, int at)
    {
        using var initiator = Side(true);
        using var responder = Side(false);
        var (writer, reader) = (initiator, responder);
        for (var i = 0; i < 3; i++)
        {
            var message = writer.Write(Convert.FromHexString(Handshake[i].Payload));
            if (i == tampered)
            {
                message[at] ^= 1;
            }

            reader.Read(message);
            (writer, reader) = (reader, writer);
        }
    }

    private static NoiseXx Side(bool initiator) => new(
        initiator,
        ImportKey(initiator ? InitiatorStatic : ResponderStatic),
        ImportKey(initiator ? InitiatorEphemeral : ResponderEphemeral),
        Convert.FromHexString(Prologue));

    private static Key ImportKey(string hex) => Key.Import(KeyAgreementAlgorithm.X25519, Convert.FromHexString(hex), KeyBlobFormat.RawPrivateKey);
}
