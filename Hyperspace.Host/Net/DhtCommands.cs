using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Hyperspace.Libp2p.ContentRouting;

namespace Hyperspace.Host.Net;

/// <summary>The commands of the DHT. Records have text or base64 keys; what is provided is named by text, of which the key is the SHA-256 multihash, or by that multihash in base64.</summary>
internal sealed class DhtCommands(IContentRouting routing)
{
    private const int DefaultProviders = 20;
    private const int MaxProviders = 1000;
    private const int MultihashLength = 34;
    private static readonly byte[] Sha256Prefix = [0x12, 0x20];

    public async Task<NetReply> PutAsync(NetRequest request, CancellationToken cancellationToken)
    {
        var value = request.ValueBase64 ?? Encoding.UTF8.GetBytes(request.Value ?? throw new NetRequestException("value: give it, or valueBase64."));
        var start = Stopwatch.GetTimestamp();
        var stored = await routing.PutValueAsync(KeyOf(request), value, cancellationToken);
        return new StoredReply(stored, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    public async Task<NetReply> GetAsync(NetRequest request, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var value = await routing.GetValueAsync(KeyOf(request), cancellationToken);
        var milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return value switch
        {
            null => new ValueReply(false, null, milliseconds, null),
            { } text when Utf8.IsValid(text.Span) => new ValueReply(true, Encoding.UTF8.GetString(text.Span), milliseconds, null),
            { } bytes => new ValueReply(true, null, milliseconds, bytes.ToArray()),
        };
    }

    public async Task<NetReply> ProvideAsync(NetRequest request, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var stored = await routing.ProvideAsync(MultihashOf(request), cancellationToken);
        return new StoredReply(stored, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    public async Task<NetReply> FindProvidersAsync(NetRequest request, CancellationToken cancellationToken)
    {
        var providers = new List<AddressesLine>();
        await foreach (var provider in routing.FindProvidersAsync(MultihashOf(request), NetCommands.Within(request.Limit, "limit", DefaultProviders, 1, MaxProviders), cancellationToken))
        {
            providers.Add(new AddressesLine(provider.Peer.ToString(), [.. provider.Addresses.Select(a => a.ToString())]));
        }

        return new ProvidersReply(providers);
    }

    public async Task<NetReply> FindPeerAsync(NetRequest request, CancellationToken cancellationToken)
    {
        var peer = NetCommands.PeerOf(request);
        var found = await routing.FindPeerAsync(peer, cancellationToken);
        return new FoundPeerReply(found is not null, peer.ToString(), [.. found?.Addresses.Select(a => a.ToString()) ?? []]);
    }

    private static byte[] KeyOf(NetRequest request) => request.KeyBase64 ?? Encoding.UTF8.GetBytes(NetCommands.Required(request.Key, "key"));

    private static byte[] MultihashOf(NetRequest request)
    {
        if (request.KeyBase64 is not { } multihash)
        {
            return [.. Sha256Prefix, .. SHA256.HashData(KeyOf(request))];
        }

        return multihash.Length == MultihashLength && multihash.AsSpan().StartsWith(Sha256Prefix)
            ? multihash
            : throw new NetRequestException("keyBase64: give a SHA-256 multihash, 34 bytes that begin with 12 20, or text as key.");
    }
}
