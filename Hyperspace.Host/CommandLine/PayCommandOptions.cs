using System.CommandLine;
using System.Globalization;
using System.Net;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Host.CommandLine;

/// <summary>The options of <c>start</c> by which a peer sells its tools over HTTP.</summary>
internal sealed class PayCommandOptions
{
    private static readonly PayOptions Default = new() { Listen = new IPEndPoint(IPAddress.Loopback, 0) };

    public Option<string?> Listen { get; } = New("--pay-listen", "Sell priced tools over HTTP (402: MPP and x402) at IP:PORT; needs a chain (environment: HYPERSPACE_PAY_LISTEN; default: off).");

    public Option<string?> Url { get; } = New("--pay-url", "With --pay-listen: its public address, as clients see it (environment: HYPERSPACE_PAY_URL; default http://IP:PORT).");

    public Option<string?> MaxUnsettled { get; } = New("--pay-max-unsettled", $"With --pay-listen: most that one payer may owe until it is settled on chain (environment: HYPERSPACE_PAY_MAX_UNSETTLED; default {Text(Default.MaxUnsettledMicro)}).");

    public Option<string?> SettleAt { get; } = New("--pay-settle-at", $"With --pay-listen: what a payer owes is settled once it comes to this (environment: HYPERSPACE_PAY_SETTLE_AT; default {Text(Default.SettleAtMicro)}).");

    public Option<string?> SettleAfter { get; } = New("--pay-settle-after", $"With --pay-listen: seconds after which a payment is settled, whatever it is worth (environment: HYPERSPACE_PAY_SETTLE_AFTER; default {Default.SettleAfter.TotalSeconds:0}).");

    public Option<string?> Rate { get; } = New("--pay-rate", $"With --pay-listen: requests a second from one address (environment: HYPERSPACE_PAY_RATE; default {Default.RequestsPerSecond}).");

    /// <summary>All of them, for the command.</summary>
    public IReadOnlyList<Option> All => [Listen, Url, MaxUnsettled, SettleAt, SettleAfter, Rate];

    public PayOptions? Read(ParseResult parsed)
    {
        var (listen, source) = StartCommand.Given(parsed.GetValue(Listen), Listen.Name, "PAY_LISTEN", "");
        if (listen.Length == 0)
        {
            return null;
        }

        if (!IPEndPoint.TryParse(listen, out var endpoint) || !listen.Contains(':', StringComparison.Ordinal))
        {
            throw CommandException.Usage($"{source}: '{listen}' is no address; give IP:PORT, as 127.0.0.1:7422.");
        }

        return Default with
        {
            Listen = endpoint,
            PublicUrl = UrlOf(parsed),
            MaxUnsettledMicro = Money(parsed, MaxUnsettled, "PAY_MAX_UNSETTLED", Default.MaxUnsettledMicro),
            SettleAtMicro = Money(parsed, SettleAt, "PAY_SETTLE_AT", Default.SettleAtMicro),
            SettleAfter = TimeSpan.FromSeconds(Number(parsed, SettleAfter, "PAY_SETTLE_AFTER", (int)Default.SettleAfter.TotalSeconds)),
            RequestsPerSecond = Number(parsed, Rate, "PAY_RATE", Default.RequestsPerSecond),
        };
    }

    private static Option<string?> New(string name, string description) => new(name) { Description = description };

    private Uri? UrlOf(ParseResult parsed)
    {
        var (text, source) = StartCommand.Given(parsed.GetValue(Url), Url.Name, "PAY_URL", "");
        return text.Length == 0 ? null
            : Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.AbsolutePath == "/" && url.Query.Length == 0 ? url
            : throw CommandException.Usage($"{source}: '{text}' is no public address; give http(s)://HOST[:PORT], without a path.");
    }

    private static ulong Money(ParseResult parsed, Option<string?> option, string variable, ulong fallback)
    {
        var (text, source) = StartCommand.Given(parsed.GetValue(option), option.Name, variable, Text(fallback));
        return Amount.TryParse(text, Currency.Usdc, out var amount, out var error) ? amount.MicroUnits : throw CommandException.Usage($"{source}: {error}");
    }

    private static int Number(ParseResult parsed, Option<string?> option, string variable, int fallback)
    {
        var (text, source) = StartCommand.Given(parsed.GetValue(option), option.Name, variable, fallback.ToString(CultureInfo.InvariantCulture));
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 1_000_000
            ? number
            : throw CommandException.Usage($"{source}: '{text}' is no number for this; give a whole number from 1 to 1000000.");
    }

    private static string Text(ulong micro) => Amount.MicroUsdc(micro).ToDecimalString();
}
