using System.CommandLine;
using System.Globalization;
using Hyperspace.Libp2p.Relay;

namespace Hyperspace.Host.CommandLine;

/// <summary>The options of <c>start</c> that limit what a relay gives away.</summary>
internal sealed class RelayLimitOptions
{
    private static readonly RelayServiceOptions Default = new();

    public Option<string?> Reservations { get; } = New("--relay-reservations", $"With --profile relay: peers that may wait behind this one at once (environment: HYPERSPACE_RELAY_RESERVATIONS; default {Default.MaxReservations}).");

    public Option<string?> ReservationsPerIp { get; } = New("--relay-reservations-per-ip", $"With --profile relay: how many of them from one IP address (environment: HYPERSPACE_RELAY_RESERVATIONS_PER_IP; default {Default.MaxReservationsPerIp}).");

    public Option<string?> Circuits { get; } = New("--relay-circuits", $"With --profile relay: circuits at once from one peer, and to one peer (environment: HYPERSPACE_RELAY_CIRCUITS; default {Default.MaxCircuitsPerPeer}).");

    public Option<string?> Bytes { get; } = New("--relay-bytes", $"With --profile relay: bytes that a circuit carries each way, 0 without limit (environment: HYPERSPACE_RELAY_BYTES; default {Default.CircuitLimit.Bytes}).");

    public Option<string?> Seconds { get; } = New("--relay-seconds", $"With --profile relay: seconds that a circuit lasts, 0 without limit (environment: HYPERSPACE_RELAY_SECONDS; default {Default.CircuitLimit.Duration.TotalSeconds}).");

    public RelayServiceOptions Read(ParseResult parsed) => Default with
    {
        MaxReservations = Number(parsed, Reservations, "RELAY_RESERVATIONS", Default.MaxReservations, 1),
        MaxReservationsPerIp = Number(parsed, ReservationsPerIp, "RELAY_RESERVATIONS_PER_IP", Default.MaxReservationsPerIp, 1),
        MaxCircuitsPerPeer = Number(parsed, Circuits, "RELAY_CIRCUITS", Default.MaxCircuitsPerPeer, 1),
        CircuitLimit = new RelayLimit(
            TimeSpan.FromSeconds(Number(parsed, Seconds, "RELAY_SECONDS", (int)Default.CircuitLimit.Duration.TotalSeconds, 0)),
            (ulong)Number(parsed, Bytes, "RELAY_BYTES", (int)Default.CircuitLimit.Bytes, 0)),
    };

    private static Option<string?> New(string name, string description) => new(name) { Description = description };

    private static int Number(ParseResult parsed, Option<string?> option, string variable, int fallback, int min)
    {
        var (text, source) = StartCommand.Given(parsed.GetValue(option), option.Name, variable, fallback.ToString(CultureInfo.InvariantCulture));
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min
            ? number
            : throw CommandException.Usage($"{source}: '{text}' is no number for this; give a whole number from {min} to {int.MaxValue}.");
    }
}
