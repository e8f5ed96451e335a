using System.Buffers.Text;
using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Sessions;

/// <summary>What a session's client wants, in its payload's <c>action</c>.</summary>
internal enum SessionAction
{
    /// <summary>Use a channel that it opened in the escrow; the first voucher comes with it.</summary>
    Open,

    /// <summary>The escrow holds more.</summary>
    TopUp,

    /// <summary>A voucher: for this request, or for a stream that stands still.</summary>
    Voucher,

    /// <summary>Settle what the voucher says and give back the rest.</summary>
    Close,
}

/// <summary>A wire of sessions: the draft's own over the native escrow, or mppx's <c>sessionLegacy</c> over the other one.</summary>
/// <param name="Method">MPP's method.</param>
/// <param name="Domain">The voucher's EIP-712 domain.</param>
internal sealed record SessionProfile(string Method, ChannelDomain Domain)
{
    /// <summary>MPP's intent.</summary>
    public const string Intent = "session";

    /// <summary>Both.</summary>
    public static IReadOnlyList<SessionProfile> All { get; } = [new(EvmCharge.Method, ChannelDomain.Native), new("tempo", ChannelDomain.Legacy)];

    /// <summary>The escrow of a chain for it; null: none.</summary>
    public ReadOnlyMemory<byte>? EscrowOf(ChainOptions chain) => Domain == ChannelDomain.Native ? chain.Escrow : chain.LegacyEscrow;
}

/// <summary>What is streamed at a URL.</summary>
/// <param name="Path">Path and query below the public address, which challenges are bound to.</param>
/// <param name="UnitPrice">What the first token costs.</param>
/// <param name="SuggestedDeposit">What a channel should hold.</param>
/// <param name="Description">For people.</param>
/// <param name="ChannelId">The channel that the client says it has; null when it says nothing.</param>
internal sealed record SessionRoute(string Path, Amount UnitPrice, Amount SuggestedDeposit, string Description, string? ChannelId);

/// <summary>A credential that answers a challenge of this peer; its voucher is for the channel to verify.</summary>
/// <param name="ChallengeId">Which challenge.</param>
/// <param name="Profile">By which wire.</param>
/// <param name="ChainId">On which chain.</param>
/// <param name="Action">What is wanted.</param>
/// <param name="ChannelId"><c>0x</c> and 64 lower-case hex digits.</param>
/// <param name="Voucher">Null for a top-up.</param>
internal sealed record SessionCredential(string ChallengeId, SessionProfile Profile, ulong ChainId, SessionAction Action, string ChannelId, Voucher? Voucher);

/// <summary>
/// Asks for a session and reads what comes back. Keeps nothing; challenges do not expire, since a client answers one as long as
/// its session lasts, and what a voucher is worth is for the channel to say. Safe for concurrent use.
/// </summary>
internal sealed class SessionDesk(PayOptions options, IReadOnlyList<ChainOptions> chains, ReadOnlyMemory<byte> payTo, ChallengeKey key, Func<int, byte[]> random)
{
    private const int NonceSize = 16;
    private readonly string _realm = (options.PublicUrl ?? new Uri($"http://{options.Listen}")).Authority;

    /// <summary>True when a chain's token has the currency, and an escrow for it.</summary>
    public bool Takes(Currency currency) => Offers(currency).Any();

    /// <summary>Fresh challenges, one for each chain and wire.</summary>
    public IReadOnlyList<string> Ask(SessionRoute route)
    {
        var opaque = CanonicalJson.ToBase64Url(new JsonObject { ["nonce"] = Base64Url.EncodeToString(random(NonceSize)), ["resource"] = route.Path });
        return
        [
            .. Offers(route.UnitPrice.Currency).Select(offer => key.Issue(new MppChallenge("", _realm, offer.Profile.Method, SessionProfile.Intent, RequestOf(offer.Chain, offer.Profile, offer.Escrow, route))
            {
                Description = route.Description,
                Opaque = opaque,
            }).ToHeader()),
        ];
    }

    /// <summary>Reads a credential (<c>Authorization: Payment …</c>) for a route.</summary>
    public (SessionCredential? Credential, PaymentProblem? Problem) Read(string header, SessionRoute route)
    {
        if (MppCredential.Read(header) is not { } credential)
        {
            return (null, PaymentProblem.Malformed("The credential is not base64url of {challenge, payload}; echo the challenge's parameters as strings, just as they came."));
        }

        var challenge = credential.Challenge;
        if (challenge.Intent != SessionProfile.Intent || SessionProfile.All.FirstOrDefault(p => p.Method == challenge.Method) is not { } profile)
        {
            return (null, PaymentProblem.Unsupported("This resource is paid by a session: evm/session or tempo/session."));
        }

        // The id holds, so what follows of the challenge is what was issued.
        if (!key.IsOwn(challenge) || challenge.Realm != _realm || JsonText.Of(CanonicalJson.FromBase64Url(challenge.Opaque ?? "") ?? [], "resource") != route.Path)
        {
            return (null, PaymentProblem.InvalidChallenge("This peer did not issue the challenge, or for another resource; answer the one of this response, unchanged."));
        }

        var request = CanonicalJson.FromBase64Url(challenge.Request);
        if (request?["methodDetails"] is not JsonObject details || JsonText.NumberOf(details, "chainId") is not { } chainId
            || chains.FirstOrDefault(c => c.ChainId == chainId) is not { } chain || profile.EscrowOf(chain) is not { } escrow
            || JsonText.Of(details, "escrowContract") != EvmText.Of(escrow.Span)
            || JsonText.Of(request, "amount") != route.UnitPrice.MicroUnits.ToString(CultureInfo.InvariantCulture))
        {
            return (null, PaymentProblem.InvalidChallenge("The price or the escrow has changed since the challenge; answer the one of this response."));
        }

        var payload = credential.Payload;
        if (ActionOf(JsonText.Of(payload, "action")) is not { } action || !EvmText.TryBytes(JsonText.Of(payload, "channelId"), ChannelIds.Size, out var channelId))
        {
            return (null, PaymentProblem.Malformed("The payload has an action (open, topUp, voucher, close) and a channelId of 32 bytes."));
        }

        Voucher? voucher = null;
        if (action != SessionAction.TopUp)
        {
            if (!EvmText.TryUnits(JsonText.Of(payload, "cumulativeAmount"), out var units) || units > Amount.MaxMicroUnits
                || !EvmText.TryBytes(JsonText.Of(payload, "signature"), Secp256k1.SignatureSize, out var signature))
            {
                return (null, PaymentProblem.Malformed("The payload has a cumulativeAmount in plain decimal digits and a signature of 65 bytes."));
            }

            voucher = new Voucher { ChannelId = ByteString.CopyFrom(channelId), CumulativeMicro = (ulong)units, Signature = ByteString.CopyFrom(signature) };
        }

        return (new SessionCredential(challenge.Id, profile, chainId, action, ChannelIds.ToText(channelId), voucher), null);
    }

    private static SessionAction? ActionOf(string? text) => text switch
    {
        "open" => SessionAction.Open,
        "topUp" => SessionAction.TopUp,
        "voucher" => SessionAction.Voucher,
        "close" => SessionAction.Close,
        _ => null,
    };

    private IEnumerable<(ChainOptions Chain, SessionProfile Profile, ReadOnlyMemory<byte> Escrow)> Offers(Currency currency) =>
        from chain in chains
        where chain.Token.Currency == currency.Code
        from profile in SessionProfile.All
        let escrow = profile.EscrowOf(chain)
        where escrow is not null
        select (chain, profile, escrow.Value);

    private string RequestOf(ChainOptions chain, SessionProfile profile, ReadOnlyMemory<byte> escrow, SessionRoute route)
    {
        var details = new JsonObject { ["chainId"] = chain.ChainId, ["escrowContract"] = EvmText.Of(escrow.Span) };
        if (route.ChannelId is not null)
        {
            details["channelId"] = route.ChannelId;
        }

        if (profile.Domain == ChannelDomain.Legacy)
        {
            details["sessionProtocol"] = "v1";
        }

        return CanonicalJson.ToBase64Url(new JsonObject
        {
            ["amount"] = route.UnitPrice.MicroUnits.ToString(CultureInfo.InvariantCulture),
            ["currency"] = EvmText.Of(chain.Token.Address.Span),
            ["methodDetails"] = details,
            ["recipient"] = EvmText.Of(payTo.Span),
            ["suggestedDeposit"] = route.SuggestedDeposit.MicroUnits.ToString(CultureInfo.InvariantCulture),
            ["unitType"] = "token",
        });
    }
}
