using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Money;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace start</c>: runs a peer until Ctrl-C.</summary>
internal static class StartCommand
{
    public static Command Create()
    {
        var apiPort = new Option<string?>("--api-port") { Description = "Port of the local API on 127.0.0.1; 0 picks a free one (environment: HYPERSPACE_API_PORT; default 7420)." };
        var listen = new Option<string[]>("--listen") { Description = "Multiaddr to listen on; may be repeated (environment: HYPERSPACE_LISTEN, separated by commas; default /ip4/0.0.0.0/tcp/7421)." };
        var bootstrap = new Option<string[]>("--bootstrap") { Description = "Multiaddr with /p2p/… of a peer to join through; may be repeated (environment: HYPERSPACE_BOOTSTRAP, separated by commas)." };
        var profile = new Option<string?>("--profile") { Description = "full, light: a client that offers nothing, or relay: it also leads others to peers that cannot be dialled (environment: HYPERSPACE_PROFILE; default full)." };
        var relay = new Option<string[]>("--relay") { Description = "Multiaddr with /p2p/… of a relay through which others reach this peer unless they can dial it; may be repeated (environment: HYPERSPACE_RELAY, separated by commas)." };
        var mdns = new Option<bool>("--mdns") { Description = "Find the peers of the local network by multicast DNS, and be found." };
        var limits = new RelayLimitOptions();
        var pay = new PayCommandOptions();
        var reflector = new ModelEndpointOption("--reflector", "REFLECTOR", "Model that reflects on this peer's runs; without one they are contrasted and counted.");
        var embedder = new EmbedderOption();
        var credit = new Option<string?>("--max-credit") { Description = "Largest deposit in USDC that is accepted from a payer on trust (environment: HYPERSPACE_MAX_CREDIT; default 10)." };
        var chains = new Option<string?>("--chains") { Description = $"File that describes the chains to settle on (environment: HYPERSPACE_CHAINS; default {ChainsFile.Name} in the data directory, if it is there)." };
        var stopWithStdin = new Option<bool>("--stop-with-stdin")
        {
            Description = "Stop when standard input ends, so that a parent process never leaves a peer behind.",
        };
        var command = new Command("start", "Run a peer: join the mesh and serve the local API.") { apiPort, listen, bootstrap, profile, relay, mdns, limits.Reservations, limits.ReservationsPerIp, limits.Circuits, limits.Bytes, limits.Seconds, credit, chains, reflector.Option, embedder.Option, stopWithStdin };
        foreach (var option in pay.All)
        {
            command.Add(option);
        }

        return command.Does(async (parsed, cancellationToken) =>
        {
            var data = parsed.GetValue(CommonOptions.Data)!.FullName;
            var options = new PeerOptions
            {
                DataDirectory = data,
                Listen = Addresses(Given(parsed, listen, "LISTEN", "/ip4/0.0.0.0/tcp/7421")),
                Bootstrap = Addresses(Given(parsed, bootstrap, "BOOTSTRAP", "")),
                Profile = ProfileOf(Given(parsed, profile, "PROFILE", "full")),
                Relays = WithPeers(Given(parsed, relay, "RELAY", "")),
                RelayService = limits.Read(parsed),
                Mdns = parsed.GetValue(mdns),
                Pay = pay.Read(parsed),
                Learning = new LearningOptions { Reflector = reflector.Read(parsed), Embedder = embedder.Read(parsed) },
                MaxCreditMicro = CreditOf(Given(parsed, credit, "MAX_CREDIT", "10")),
                Chains = ChainsFile.Read(Given(parsed, chains, "CHAINS", "").Text is { Length: > 0 } file ? file : null, data),
            };
            var port = PortOf(Given(parsed, apiPort, "API_PORT", "7420"));
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (parsed.GetValue(stopWithStdin))
            {
                StopWithStdin(stop);
            }

            await using var peer = await PeerProcess.StartAsync(options, port, stop.Token);
            Announce(peer, parsed.GetValue(CommonOptions.Json));
            await peer.RunAsync(stop.Token);
            return 0;
        });
    }

    private static void Announce(PeerProcess peer, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(new JsonObject
            {
                ["event"] = "ready",
                ["peerId"] = peer.PeerId,
                ["api"] = peer.Api.ToString().TrimEnd('/'),
                ["listen"] = new JsonArray([.. peer.Listen.Select(a => (JsonNode?)a)]),
                ["tokenFile"] = peer.TokenFile,
                ["pay"] = peer.PayUrl?.ToString().TrimEnd('/'),
            }.ToJsonString(JsonText.Plain));
            Console.Out.Flush();
            return;
        }

        // No table and no markup: these are copied, so they must not be broken at the width of a terminal.
        Console.Out.WriteLine($"ready   {peer.PeerId}");
        Console.Out.WriteLine($"api     {peer.Api}rpc");
        foreach (var address in peer.Listen)
        {
            Console.Out.WriteLine($"listen  {address}");
        }

        if (peer.PayUrl is { } shop)
        {
            Console.Out.WriteLine($"pay     {shop}pay/{{toolId}}");
        }

        Console.Out.WriteLine("Ctrl-C stops the peer.");
    }

    /// <summary>Reads on a thread of its own: reading the console blocks, also where it says async.</summary>
    private static void StopWithStdin(CancellationTokenSource stop) => new Thread(() =>
    {
        var buffer = new char[256];
        while (Console.In.Read(buffer) > 0)
        {
            // Whatever is said there is not for this peer.
        }

        stop.Cancel();
    })
    { IsBackground = true, Name = "stdin" }.Start();

    private static int PortOf((string Text, string Source) given) =>
        int.TryParse(given.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= IPEndPoint.MaxPort
            ? port
            : throw CommandException.Usage($"{given.Source}: '{given.Text}' is not a port; give a whole number from 0 to {IPEndPoint.MaxPort}.");

    private static PeerProfile ProfileOf((string Text, string Source) given) => given.Text.ToLowerInvariant() switch
    {
        "full" => PeerProfile.Full,
        "light" => PeerProfile.Light,
        "relay" => PeerProfile.Relay,
        _ => throw CommandException.Usage($"{given.Source}: '{given.Text}' is not a profile; give full, light or relay."),
    };

    private static ulong CreditOf((string Text, string Source) given) =>
        Amount.TryParse(given.Text, Currency.Usdc, out var max, out var error) ? max.MicroUnits : throw CommandException.Usage($"{given.Source}: {error}");

    private static List<Multiaddr> Addresses((string Text, string Source) given) =>
    [
        .. given.Text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(t => Multiaddr.TryParse(t, out var address)
            ? address
            : throw CommandException.Usage($"{given.Source}: '{t}' is not a multiaddr, as /ip4/127.0.0.1/tcp/7421.")),
    ];

    private static List<Multiaddr> WithPeers((string Text, string Source) given) =>
        Addresses(given) is var addresses && addresses.Find(a => a.PeerId is null) is { } nameless
            ? throw CommandException.Usage($"{given.Source}: '{nameless}' does not say which peer it is; add its /p2p/….")
            : addresses;

    /// <summary>What the command line says, else the environment, else the default; and which of them it was.</summary>
    private static (string Text, string Source) Given(ParseResult parsed, Option<string?> option, string variable, string fallback) =>
        Given(parsed.GetValue(option), option.Name, variable, fallback);

    private static (string Text, string Source) Given(ParseResult parsed, Option<string[]> option, string variable, string fallback) =>
        Given(parsed.GetValue(option) is { Length: > 0 } several ? string.Join(',', several) : null, option.Name, variable, fallback);

    internal static (string Text, string Source) Given(string? text, string option, string variable, string fallback) =>
        text is not null ? (text, option)
        : Environment.GetEnvironmentVariable("HYPERSPACE_" + variable) is { Length: > 0 } set ? (set, "HYPERSPACE_" + variable)
        : (fallback, option);
}
