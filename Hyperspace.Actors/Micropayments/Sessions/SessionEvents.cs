using System.Globalization;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Sessions;

/// <summary>Server-sent events of a paid stream, and its receipt.</summary>
internal static class SessionEvents
{
    /// <summary>Content type of the stream.</summary>
    public const string ContentType = "text/event-stream; charset=utf-8";

    /// <summary>A token.</summary>
    public static string Message(string text) => $"event: message\ndata: {text.ReplaceLineEndings("\n").Replace("\n", "\ndata: ", StringComparison.Ordinal)}\n\n";

    /// <summary>The stream stands still until a voucher over <paramref name="required"/> comes by POST.</summary>
    public static string NeedVoucher(string channelId, Amount required, Amount accepted, Amount deposit) => Event("payment-need-voucher", new JsonObject
    {
        ["channelId"] = channelId,
        ["requiredCumulative"] = Digits(required),
        ["acceptedCumulative"] = Digits(accepted),
        ["deposit"] = Digits(deposit),
    });

    /// <summary>The last event of a stream: what it has come to.</summary>
    public static string Receipt(MppReceipt receipt) => Event("payment-receipt", receipt.ToJson());

    /// <summary>The stream cannot go on.</summary>
    public static string Error(string code, string message) => Event("error", new JsonObject { ["code"] = code, ["detail"] = message });

    /// <summary>Where a channel stands, as the payee's word.</summary>
    /// <param name="credential">What was answered.</param>
    /// <param name="accepted">The highest voucher.</param>
    /// <param name="spent">What of it was used.</param>
    /// <param name="tokens">How many tokens this stream has delivered; null when it is no stream's.</param>
    /// <param name="now">The time.</param>
    public static MppReceipt ReceiptOf(SessionCredential credential, Amount accepted, Amount spent, long? tokens, DateTimeOffset now)
    {
        var details = new JsonObject
        {
            ["intent"] = SessionProfile.Intent,
            ["challengeId"] = credential.ChallengeId,
            ["channelId"] = credential.ChannelId,
            ["acceptedCumulative"] = Digits(accepted),
            ["spent"] = Digits(spent),
        };
        if (tokens is { } units)
        {
            details["units"] = units;
        }

        return new MppReceipt(credential.Profile.Method, credential.ChannelId, now) { Details = details };
    }

    private static string Event(string name, JsonObject data) => $"event: {name}\ndata: {data.ToJsonString()}\n\n";

    private static string Digits(Amount amount) => amount.MicroUnits.ToString(CultureInfo.InvariantCulture);
}
