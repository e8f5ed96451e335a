using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Ping;
using Hyperspace.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p;

/// <summary>The sample of docs/libp2p.md is the code below, and it runs.</summary>
public class LibrarySampleTests
{
    [Fact]
    public async Task The_sample_of_the_library_runs()
    {
        var output = new StringWriter();
        await Sample(output);
        var lines = output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("a ping took", lines[0], StringComparison.Ordinal);
        Assert.Equal("bob answers: HELLO", lines[1]);
        Assert.Equal("bob hears: a message for everyone", lines[2]);
        Assert.StartsWith("alice finds a provider: 12D3KooW", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_shows_the_code_that_runs()
    {
        var code = Between(File.ReadAllText(Here()).ReplaceLineEndings("\n"), "        // sample begins\n", "        // sample ends\n");
        var page = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../docs/libp2p.md")).ReplaceLineEndings("\n");
        var shown = Between(page, "```csharp\n", "```\n");
        var expected = string.Join('\n', code.Split('\n').Select(l => l.Length >= 8 ? l[8..] : l)).Trim();
        Assert.Equal(expected, shown.Trim());
    }

    private static async Task Sample(TextWriter console)
    {
        // sample begins
        using var aliceKeys = KeyPair.Generate();
        using var bobKeys = KeyPair.Generate();
        var anyPort = Multiaddr.Parse("/ip4/127.0.0.1/tcp/0");
        await using var alice = new Libp2pSwitch(new SwitchOptions { KeyPair = aliceKeys, ListenAddresses = [anyPort] });
        await using var bob = new Libp2pSwitch(new SwitchOptions { KeyPair = bobKeys, ListenAddresses = [anyPort] });

        // Protocols are offered before the switch starts, so that Identify tells them to whoever connects.
        var ping = new PingService(alice);
        _ = new PingService(bob);
        bob.Handle("/shout/1.0.0", async (stream, cancellationToken) =>
        {
            var words = new byte[64];
            var count = await stream.ReadAsync(words, cancellationToken);
            var loud = Encoding.UTF8.GetString(words, 0, count).ToUpperInvariant();
            await stream.WriteAsync(Encoding.UTF8.GetBytes(loud), cancellationToken);
        });
        await using var aliceGossip = new GossipSubService(alice, aliceKeys);
        await using var bobGossip = new GossipSubService(bob, bobKeys);
        await using var aliceDht = new KademliaService(alice);
        await using var bobDht = new KademliaService(bob);
        var heard = new TaskCompletionSource<string>();
        using var subscription = bobGossip.Subscribe("news", message => heard.TrySetResult(Encoding.UTF8.GetString(message.Data.Span)));
        await alice.StartAsync();
        await bob.StartAsync();

        // An address names who must answer; another peer there is refused.
        await alice.DialAsync(Multiaddr.Parse($"{bob.ListenAddresses[0]}/p2p/{bob.LocalPeer}"));
        console.WriteLine($"a ping took {(await ping.PingAsync(bob.LocalPeer)).TotalMilliseconds:F2} ms");

        await using (var stream = await alice.OpenStreamAsync(bob.LocalPeer, ["/shout/1.0.0"]))
        {
            await stream.WriteAsync("hello"u8.ToArray());
            await stream.CloseWriteAsync();
            var answer = new byte[64];
            console.WriteLine($"bob answers: {Encoding.UTF8.GetString(answer, 0, await stream.ReadAsync(answer))}");
        }

        while (aliceGossip.SubscribersOf("news").Count == 0)
        {
            await Task.Delay(10);
        }

        await aliceGossip.PublishAsync("news", "a message for everyone"u8.ToArray());
        console.WriteLine($"bob hears: {await heard.Task}");

        byte[] key = [0x12, 0x20, .. SHA256.HashData("a thing that bob has"u8)];
        await bobDht.ProvideAsync(key);
        await foreach (var provider in aliceDht.FindProvidersAsync(key, limit: 1))
        {
            console.WriteLine($"alice finds a provider: {provider.Peer}");
        }

        // sample ends
    }

    private static string Between(string text, string begin, string end)
    {
        var start = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        return text[start..text.IndexOf(end, start, StringComparison.Ordinal)];
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
