using System.Text;
using Google.Protobuf;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Noise.Wire;
using NSec.Cryptography;
using PublicKey = Hyperspace.Libp2p.Keys.PublicKey;

namespace Hyperspace.Libp2p.Noise;

/// <summary>What a finished handshake leaves.</summary>
/// <param name="RemotePeer">Who is at the other end, proven.</param>
/// <param name="Send">The cipher for frames that this side sends.</param>
/// <param name="Receive">The cipher for frames that it receives.</param>
/// <param name="Muxer">The stream muxer that both offered early, or null: negotiate it.</param>
internal sealed record NoiseSession(PeerId RemotePeer, CipherState Send, CipherState Receive, string? Muxer);

/// <summary>
/// libp2p's Noise handshake (libp2p/specs noise) as a state machine over whole messages: Noise XX whose payloads carry
/// the identity key, its signature over the static key, and the muxers that are offered early.
/// </summary>
internal sealed class NoiseHandshake : IDisposable
{
    /// <summary>The protocol's name in multistream-select.</summary>
    public const string Protocol = "/noise";

    private static readonly byte[] SignatureDomain = Encoding.ASCII.GetBytes("noise-libp2p-static-key:");
    private readonly NoiseXx _noise;
    private readonly bool _initiator;
    private readonly PeerId? _expected;
    private readonly IReadOnlyList<string> _muxers;
    private readonly byte[] _payload;
    private PeerId? _remote;
    private string? _muxer;

    /// <param name="initiator">True on the dialing side.</param>
    /// <param name="identity">This peer's key.</param>
    /// <param name="muxers">Muxers to offer early, in order of preference; empty offers none.</param>
    /// <param name="expected">Who should answer, if known.</param>
    public NoiseHandshake(bool initiator, KeyPair identity, IReadOnlyList<string> muxers, PeerId? expected)
    {
        _initiator = initiator;
        _expected = expected;
        _muxers = muxers;
        var staticKey = NoiseXx.NewKey();
        var payload = new NoiseHandshakePayload
        {
            IdentityKey = ByteString.CopyFrom(identity.PublicKey.ToProtobuf()),
            IdentitySig = ByteString.CopyFrom(identity.Sign([.. SignatureDomain, .. staticKey.PublicKey.Export(KeyBlobFormat.RawPublicKey)])),
        };
        if (muxers.Count > 0)
        {
            payload.Extensions = new NoiseExtensions { StreamMuxers = { muxers } };
        }

        _payload = payload.ToByteArray();
        _noise = new NoiseXx(initiator, staticKey, NoiseXx.NewKey(), []);
    }

    /// <summary>True after the third message.</summary>
    public bool IsComplete => _noise.IsComplete;

    /// <summary>The next message of this side, without its length prefix; null when it is the remote's turn.</summary>
    public byte[]? NextMessage()
    {
        if (!_noise.IsOurTurn)
        {
            return null;
        }

        // The first message is in the clear, so it carries nothing.
        return _initiator && _remote is null ? _noise.Write([]) : _noise.Write(_payload);
    }

    /// <summary>Takes the remote's next message.</summary>
    /// <exception cref="NoiseException">Damaged, forged, or from another peer than expected.</exception>
    public void Receive(ReadOnlySpan<byte> message)
    {
        var payload = _noise.Read(message);
        if (_noise.RemoteStatic is { } remoteStatic)
        {
            Verify(payload, remoteStatic);
        }
    }

    /// <summary>The result, once complete.</summary>
    public NoiseSession Finish()
    {
        var (send, receive) = _noise.Split();
        return new NoiseSession(_remote!, send, receive, _muxer);
    }

    public void Dispose() => _noise.Dispose();

    private void Verify(byte[] bytes, byte[] remoteStatic)
    {
        NoiseHandshakePayload payload;
        PublicKey key;
        try
        {
            payload = NoiseHandshakePayload.Parser.ParseFrom(bytes);
            key = PublicKey.FromProtobuf(payload.IdentityKey.Span);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or FormatException)
        {
            throw new NoiseException($"The remote's handshake payload cannot be read: {e.Message}", e);
        }

        if (!key.Verify([.. SignatureDomain, .. remoteStatic], payload.IdentitySig.Span))
        {
            throw new NoiseException("The remote's identity key did not sign its handshake key.");
        }

        _remote = key.PeerId;
        if (_expected is not null && _expected != _remote)
        {
            throw new NoiseException($"Expected peer {_expected}, but {_remote} answered.");
        }

        var theirs = payload.Extensions?.StreamMuxers ?? [];
        _muxer = _initiator ? _muxers.FirstOrDefault(theirs.Contains) : theirs.FirstOrDefault(_muxers.Contains);
    }
}
