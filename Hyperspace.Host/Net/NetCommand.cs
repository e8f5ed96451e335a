using System.CommandLine;
using System.Globalization;
using Hyperspace.Host.CommandLine;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Host.Net;

/// <summary><c>hyperspace net</c>: libp2p alone, driven by JSON lines. Nothing here may touch Akka, nor what does: it would be loaded.</summary>
internal static class NetCommand
{
    /// <summary>The verb.</summary>
    public const string Name = "net";

    public static Command Create()
    {
        var listen = new Option<string[]>("--listen") { Description = "Multiaddr to listen on; may be repeated (default /ip4/127.0.0.1/tcp/0).", AllowMultipleArgumentsPerToken = true };
        var seed = new Option<string?>("--seed") { Description = "A whole number that gives the peer a key that is always the same; never for a peer that matters." };
        var protocol = new Option<string>("--dht-protocol") { Description = "The DHT's protocol id.", DefaultValueFactory = _ => new KademliaOptions().ProtocolId };
        var mode = new Option<string>("--dht-mode") { Description = "server, or client: asks, but holds nothing for others.", DefaultValueFactory = _ => "server" };
        var messageId = new Option<string>("--message-id") { Description = "Form of gossip's message ids: js, or spec, which is also go's.", DefaultValueFactory = _ => "js" };
        var command = new Command(Name, "Run a bare libp2p peer for diagnosis: commands are JSON lines on standard input, answers and messages JSON lines on standard output.") { listen, seed, protocol, mode, messageId };
        return command.Does(async (parsed, cancellationToken) =>
        {
            var options = new NetOptions(
                [.. (parsed.GetValue(listen) is { Length: > 0 } given ? given : ["/ip4/127.0.0.1/tcp/0"]).Select(AddressOf)],
                parsed.GetValue(seed) is { } number ? SeedOf(number) : null,
                ProtocolOf(parsed.GetValue(protocol)!),
                OneOf(mode.Name, parsed.GetValue(mode)!, ("server", KademliaMode.Server), ("client", KademliaMode.Client)),
                OneOf(messageId.Name, parsed.GetValue(messageId)!, ("js", MessageIdForm.KeyAndSequence), ("spec", MessageIdForm.AuthorAndSequence)));
            try
            {
                await using var peer = await NetPeer.StartAsync(options, cancellationToken);
                using var output = new NetOutput(Console.OpenStandardOutput());
                await new NetSession(peer, output).RunAsync(Console.OpenStandardInput(), cancellationToken);
                return 0;
            }
            catch (IOException e)
            {
                throw new CommandException(e.Message);
            }
        });
    }

    private static Multiaddr AddressOf(string text) => Multiaddr.TryParse(text, out var address)
        ? address
        : throw CommandException.Usage($"--listen: '{text}' is not a multiaddr, as /ip4/127.0.0.1/tcp/7421.");

    private static ulong SeedOf(string text) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seed)
        ? seed
        : throw CommandException.Usage($"--seed: '{text}' is not a whole number from 0 to {ulong.MaxValue}.");

    private static string ProtocolOf(string text) => text.Length > 1 && text[0] == '/'
        ? text
        : throw CommandException.Usage($"--dht-protocol: '{text}' is not a protocol id, as /ipfs/kad/1.0.0.");

    private static T OneOf<T>(string option, string text, params (string Name, T Value)[] choices)
    {
        foreach (var (name, value) in choices)
        {
            if (name == text)
            {
                return value;
            }
        }

        throw CommandException.Usage($"{option}: give {string.Join(" or ", choices.Select(c => c.Name))}, not '{text}'.");
    }
}
