using System.Text.Json.Nodes;
using Hyperspace.Host;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Host;

/// <summary>A peer in a process of its own that hostile tests work on one after the other, so that its memory and log tell of nothing else.</summary>
public sealed class TargetPeer : IAsyncLifetime
{
    /// <summary>A task type that it follows.</summary>
    public const string TaskType = "hostile";

    private const long MaxGrowthBytes = 150 << 20;
    private static readonly TimeSpan QuickAnswer = TimeSpan.FromSeconds(5);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hyperspace-target-");
    private long _memoryAtStart;
    private int _logLinesRead;

    internal ChildPeer Peer { get; private set; } = null!;

    internal Multiaddr Address => Multiaddr.Parse(Peer.Listen);

    internal PeerId PeerId => Address.PeerId!;

    public async Task InitializeAsync()
    {
        Peer = await ChildPeer.StartAsync(new ChildPeerOptions("target", Path.Combine(_directory.FullName, "target")), CancellationToken.None);
        await Peer.Api.CallAsync("learning.follow", new JsonObject { ["taskType"] = TaskType });
        await Eventually.TrueAsync(async () => (await InfoAsync())["topics"]!.AsArray().Count(t => t!.GetValue<string>() is "hyperspace/capabilities" or "hyperspace/trajectories/hostile") == 2);
        await KnownAsync();
        _memoryAtStart = (await InfoAsync())["memoryBytes"]!.GetValue<long>();
    }

    public async Task DisposeAsync()
    {
        await Peer.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    /// <summary>node.info, which must come quickly whatever goes on.</summary>
    internal async Task<JsonNode> InfoAsync() => (await Peer.Api.CallAsync("node.info").WaitAsync(QuickAnswer))!;

    internal async Task<long> GossipCounterAsync(string name) => (await InfoAsync())["gossip"]![name]!.GetValue<long>();

    /// <summary>All that strangers could have put into it: tools, runs and the playbook.</summary>
    internal async Task<string> KnownAsync()
    {
        var tools = await Peer.Api.CallAsync("tool.discover", new JsonObject { ["limit"] = 100, ["timeoutMs"] = 100 });
        var taskType = new JsonObject { ["taskType"] = TaskType };
        var playbook = await Peer.Api.CallAsync("learning.playbook", (JsonObject)taskType.DeepClone());
        var runs = await Peer.Api.CallAsync("selfImproving.query", taskType);
        return $"{tools!.ToJsonString()} {playbook!.ToJsonString()} {runs!.ToJsonString()}";
    }

    /// <summary>Asserts that it answers quickly, has not grown much, and that its log tells of no defect.</summary>
    internal async Task AssertWellAsync()
    {
        var grown = (await InfoAsync())["memoryBytes"]!.GetValue<long>() - _memoryAtStart;
        Assert.True(grown < MaxGrowthBytes, $"The peer grew by {grown >> 20} MiB.");
        var log = await File.ReadAllLinesAsync(Peer.LogFile);
        var defects = log.Skip(_logLinesRead).Where(l => l.StartsWith("fail:", StringComparison.Ordinal) || l.StartsWith("crit:", StringComparison.Ordinal)).ToList();
        _logLinesRead = log.Length;
        Assert.True(defects.Count == 0, string.Join('\n', defects.Distinct()));
    }
}

/// <summary>The tests that share the target; they run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class HostileTests : ICollectionFixture<TargetPeer>
{
    public const string Name = "hostile";
}
