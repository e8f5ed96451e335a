using System.CommandLine;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Host.JsonRpc;
using Hyperspace.Libp2p.Multiformats;
using Spectre.Console;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace start</c>: runs a peer until Ctrl-C.</summary>
internal static class StartCommand
{
    public static Command Create()
    {
        var apiPort = new Option<int>("--api-port")
        {
            Description = "Port of the local API on 127.0.0.1; 0 picks a free one (environment: HYPERSPACE_API_PORT; default 7420).",
            DefaultValueFactory = _ => int.TryParse(Setting("API_PORT"), out var port) ? port : 7420,
        };
        var listen = new Option<string[]>("--listen")
        {
            Description = "Multiaddr to listen on; may be repeated (environment: HYPERSPACE_LISTEN, separated by commas; default /ip4/0.0.0.0/tcp/7421).",
            DefaultValueFactory = _ => Setting("LISTEN")?.Split(',') ?? ["/ip4/0.0.0.0/tcp/7421"],
        };
        var bootstrap = new Option<string[]>("--bootstrap")
        {
            Description = "Multiaddr with /p2p/… of a peer to join through; may be repeated (environment: HYPERSPACE_BOOTSTRAP, separated by commas).",
            DefaultValueFactory = _ => Setting("BOOTSTRAP")?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [],
        };
        var profile = new Option<PeerProfile>("--profile")
        {
            Description = "full, or light: a client that offers nothing (environment: HYPERSPACE_PROFILE; default full).",
            DefaultValueFactory = _ => Enum.TryParse<PeerProfile>(Setting("PROFILE"), ignoreCase: true, out var set) ? set : PeerProfile.Full,
        };
        var credit = new Option<string>("--max-credit")
        {
            Description = "Largest deposit in USDC that is accepted from a payer on trust (environment: HYPERSPACE_MAX_CREDIT; default 10).",
            DefaultValueFactory = _ => Setting("MAX_CREDIT") ?? "10",
        };
        var stopWithStdin = new Option<bool>("--stop-with-stdin")
        {
            Description = "Stop when standard input ends, so that a parent process never leaves a peer behind.",
        };
        var command = new Command("start", "Run a peer: join the mesh and serve the local API.") { apiPort, listen, bootstrap, profile, credit, stopWithStdin };
        return command.Does(async (parsed, cancellationToken) =>
        {
            var options = new PeerOptions
            {
                DataDirectory = parsed.GetValue(CommonOptions.Data)!.FullName,
                Listen = Addresses(parsed.GetValue(listen)!, "--listen"),
                Bootstrap = Addresses(parsed.GetValue(bootstrap)!, "--bootstrap"),
                Profile = parsed.GetValue(profile),
                MaxCreditMicro = Contracts.Money.Amount.TryParse(parsed.GetValue(credit), Contracts.Money.Currency.Usdc, out var max, out var error)
                    ? max.MicroUnits
                    : throw new CommandException($"--max-credit: {error}"),
            };
            var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (parsed.GetValue(stopWithStdin))
            {
                StopWithStdin(stop);
            }

            await using var peer = await PeerProcess.StartAsync(options, parsed.GetValue(apiPort), stop.Token);
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
            }.ToJsonString(JsonText.Plain));
            Console.Out.Flush();
            return;
        }

        AnsiConsole.MarkupLineInterpolated($"[green]ready[/]  {peer.PeerId}");
        AnsiConsole.MarkupLineInterpolated($"api     {peer.Api}rpc");
        foreach (var address in peer.Listen)
        {
            AnsiConsole.MarkupLineInterpolated($"listen  {address}");
        }

        AnsiConsole.MarkupLine("[grey]Ctrl-C stops the peer.[/]");
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

    private static List<Multiaddr> Addresses(string[] texts, string option) =>
        [.. texts.Select(t => Multiaddr.TryParse(t.Trim(), out var address) ? address : throw new CommandException($"{option}: '{t}' is not a multiaddr, as /ip4/127.0.0.1/tcp/7421."))];

    private static string? Setting(string name) => Environment.GetEnvironmentVariable("HYPERSPACE_" + name) is { Length: > 0 } value ? value : null;
}
