using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Transport;
using Hyperspace.Host;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Transport;

public class RejoinTests
{
    [Fact]
    public async Task A_restarted_peer_finds_those_it_knew_without_bootstrap_addresses()
    {
        await using var friend = await TestSwitch.StartAsync();
        var directory = Directory.CreateTempSubdirectory("hyperspace-rejoin-");
        try
        {
            await RunUntilConnectedAsync(friend, new PeerOptions { DataDirectory = directory.FullName, Bootstrap = [friend.Address] });
            var file = Path.Combine(directory.FullName, PeersFile.FileName);
            Assert.Equal([friend.Address.ToString()], await File.ReadAllLinesAsync(file));

            await RunUntilConnectedAsync(friend, new PeerOptions { DataDirectory = directory.FullName });
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task RunUntilConnectedAsync(TestSwitch friend, PeerOptions options)
    {
        int Heard(string news) => friend.News.Count(n => n == news);
        await using var peer = await PeerProcess.StartAsync(options, apiPort: 0, CancellationToken.None);
        var (came, left) = ($"identified {peer.PeerId}", $"disconnected {peer.PeerId}");
        var before = Heard(left);
        await friend.UntilNewsAsync(_ => Heard(came) > before);
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await peer.RunAsync(stop.Token);
        await friend.UntilNewsAsync(_ => Heard(left) > before);
    }
}
