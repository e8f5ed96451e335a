using System.Diagnostics;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.Matrix;
using Hyperspace.Host;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Loop;

/// <summary>A peer dies by kill -9 in the middle of learning, again and again: nothing that it acknowledged is lost, nothing counts twice, and nobody hears older counters from it.</summary>
public sealed class KilledLearnerTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly string[] Databases = ["learning.db", "matrix.db", "journal.db"];
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hyperspace-killed-");
    private readonly int _port = PaidPair.FreePort();
    private readonly LearningObserver _observer = new();
    private ChildPeer _neighbour = null!;
    private ChildPeer _victim = null!;

    private string Data => Path.Combine(_directory.FullName, "victim");

    private string NeighboursData => Path.Combine(_directory.FullName, "neighbour");

    public async Task InitializeAsync()
    {
        _neighbour = await ChildPeer.StartAsync(new ChildPeerOptions("neighbour", NeighboursData), CancellationToken.None);
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _victim.DisposeAsync();
        await _neighbour.DisposeAsync();
        await _observer.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_once_after_each_kill()
    {
        var random = new Random(5);
        var storm = new LearningStorm(_neighbour.PeerId);
        await _neighbour.Api.CallAsync("learning.follow", new JsonObject { ["taskType"] = LearningStorm.TaskType });
        await storm.BeginAsync(_victim);
        var held = new Dictionary<string, BulletEvidence>(StringComparer.Ordinal);
        for (var round = 0; round < 3; round++)
        {
            var clock = Stopwatch.StartNew();
            using var stopped = new CancellationTokenSource();
            var storming = storm.RunAsync(_victim, stopped.Token);
            var before = storm.Runs.Count(run => run.IsAcknowledged);
            await Task.WhenAny(storming, Eventually.TrueAsync(() => storm.Runs.Count(run => run.IsAcknowledged) >= before + 5));
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(50, 700)));
            var heard = Both(held, (await _observer.PullAsync(_victim, LearningStorm.TaskType)).Bullets);
            await stopped.CancelAsync();
            _victim.Kill();
            Assert.Equal(137, await _victim.ExitedAsync(CancellationToken.None));
            await storming;
            await _victim.DisposeAsync();
            CheckFiles(storm, round);
            var killed = clock.Elapsed;

            await StartAsync();
            await CheckAsync(storm);
            held = (await _observer.PullAsync(_victim, LearningStorm.TaskType)).Bullets;
            Assert.Equal(held, Both(held, heard));
            output.WriteLine($"round {round}: {storm.Deeds.Count(deed => deed.IsAcknowledged)} acknowledged ({string.Join(", ", storm.Deeds.CountBy(deed => deed.Kind))}), {storm.Deeds.Count(deed => !deed.IsAcknowledged)} on their way; killed after {killed.TotalSeconds:0.0} s, checked after {clock.Elapsed.TotalSeconds:0.0} s");
        }

        // The neighbour takes what is learnt after the crashes.
        await storm.RunOnceAsync(_victim, 1, CancellationToken.None);
        await Eventually.TrueAsync(() =>
        {
            var (own, there) = (LearnerFiles.Sums(Data, _victim.PeerId), LearnerFiles.Sums(NeighboursData, _victim.PeerId));
            return own.Count == there.Count && own.All(sums => there.TryGetValue(sums.Key, out var known) && Bytes(sums.Value).SequenceEqual(Bytes(known)));
        });
    }

    private async Task StartAsync() => _victim = await ChildPeer.StartAsync(
        new ChildPeerOptions("victim", Data, Bootstrap: _neighbour.Listen, Listen: $"/ip4/127.0.0.1/tcp/{_port}"), CancellationToken.None);

    /// <summary>What lies on the disk of a peer that is dead.</summary>
    private void CheckFiles(LearningStorm storm, int round)
    {
        var copy = Path.Combine(_directory.FullName, $"copy-{round}");
        LearnerFiles.Copy(Data, copy);
        Assert.All(Databases, file => Assert.Equal("ok", LearnerFiles.CheckIntegrity(copy, file)));

        var runs = LearnerFiles.OwnRuns(copy);
        Assert.All(storm.Runs.Where(run => run.IsAcknowledged), run => Assert.Contains(run.Id!, runs));
        Assert.True(runs.Count <= storm.Runs.Count());

        var own = LearnerFiles.Sums(copy, _victim.PeerId);
        foreach (var vote in storm.Deeds.Where(deed => deed.Kind == "vote"))
        {
            Assert.InRange(Counted(own, vote), vote.IsAcknowledged ? 1 : 0, 1);
        }

        AssertRecount(storm, own);
        foreach (var (capability, heard) in LearnerFiles.Sums(NeighboursData, _victim.PeerId))
        {
            // What others were told was on the disk before.
            Assert.True(own.TryGetValue(capability, out var known) && (known.Outcomes > heard.Outcomes || Bytes(known).SequenceEqual(Bytes(heard))), $"{capability}: {heard.Outcomes} outcomes were told, {known?.Outcomes} are there.");
        }
    }

    /// <summary>What the peer says and knows once it is up again.</summary>
    private async Task CheckAsync(LearningStorm storm)
    {
        foreach (var rating in storm.Deeds.Where(deed => deed is { Kind: "rate", IsAcknowledged: true }))
        {
            var reputation = (await _victim.Api.CallAsync("reputation.get", new JsonObject { ["peerId"] = rating.Word }))!["reputation"]!.GetValue<double>();
            Assert.True(rating.Good ? reputation > 0.5 : reputation < 0.5, $"{rating.Word} was rated {rating.Good} and stands at {reputation}.");
        }

        // Credit and outcomes of the last runs may be late, never lost.
        await Eventually.SeenAsync(() => MissingAsync(storm), missing => missing is null, timeoutSeconds: 60);
    }

    private async Task<string?> MissingAsync(LearningStorm storm)
    {
        var own = LearnerFiles.Sums(Data, _victim.PeerId);
        AssertRecount(storm, own);
        if (storm.Runs.FirstOrDefault(run => run.IsAcknowledged && Counted(own, run) != 1) is { } unseen)
        {
            return $"The matrix has not learnt of the run {unseen.Id}.";
        }

        var said = await _observer.PullAsync(_victim, LearningStorm.TaskType);
        foreach (var (id, evidence) in said.Bullets)
        {
            var credits = storm.Runs.Where(run => run.Bullets.Contains(id)).Concat(storm.Deeds.Where(deed => deed.Kind == "reflect" && IdOf(deed.Word) == id)).ToList();
            foreach (var (counted, deeds) in ((ulong, List<LearningStorm.Deed>)[])[(evidence.Helpful, credits.FindAll(deed => deed.Good)), (evidence.Harmful, credits.FindAll(deed => !deed.Good))])
            {
                Assert.True(counted <= (ulong)deeds.Count, $"The bullet {id} was credited {counted} times by {deeds.Count}.");
                if (counted < (ulong)deeds.Count(deed => deed.IsAcknowledged))
                {
                    return $"The bullet {id} was credited {counted} times, and {deeds.Count(deed => deed.IsAcknowledged)} are acknowledged.";
                }
            }

            Assert.Equal(0UL, evidence.Neutral);
        }

        if (storm.Deeds.FirstOrDefault(deed => deed is { Kind: "reflect", IsAcknowledged: true } && !said.Bullets.ContainsKey(IdOf(deed.Word))) is { } unsaid)
        {
            return $"'{unsaid.Word}' is not in the playbook.";
        }

        foreach (var shown in storm.Runs.SelectMany(run => run.Exemplars.Select(id => (Id: id, run.IsAcknowledged))).GroupBy(shown => shown.Id))
        {
            var retrieved = said.Exemplars.GetValueOrDefault(shown.Key);
            Assert.True(retrieved <= (ulong)shown.Count(), $"The exemplar {shown.Key} was credited {retrieved} times by {shown.Count()}.");
            if (retrieved < (ulong)shown.Count(one => one.IsAcknowledged))
            {
                return $"The exemplar {shown.Key} was credited {retrieved} times, and {shown.Count(one => one.IsAcknowledged)} are acknowledged.";
            }
        }

        return null;
    }

    /// <summary>The sums are those of the outcomes that are in them, and no outcome is in them twice.</summary>
    private static void AssertRecount(LearningStorm storm, IReadOnlyDictionary<string, OutcomeSums> own)
    {
        foreach (var (capability, sums) in own)
        {
            var deeds = storm.Deeds.Where(deed => deed.Capability == capability).ToList();
            Assert.All(deeds, deed => Assert.InRange(Counted(own, deed), 0, 1));
            var counted = deeds.FindAll(deed => Counted(own, deed) == 1);
            Assert.Equal(((ulong)counted.Count, (ulong)counted.Count(deed => deed.Good)), (sums.Outcomes, sums.Good));
        }
    }

    private static int Counted(IReadOnlyDictionary<string, OutcomeSums> own, LearningStorm.Deed deed)
    {
        if (!own.TryGetValue(deed.Capability, out var sums) || sums.Terms.BinarySearch(deed.Term) is not (>= 0 and var at))
        {
            return 0;
        }

        Assert.Equal(0u, deed.Good ? sums.BadCounts[at] : sums.GoodCounts[at]);
        return (int)(deed.Good ? sums.GoodCounts[at] : sums.BadCounts[at]);
    }

    private static string IdOf(string sentence) => PlaybookRules.IdOf(LearningStorm.TaskType, PlaybookSections.Insights, sentence);

    private static byte[] Bytes(OutcomeSums sums) => Google.Protobuf.MessageExtensions.ToByteArray(sums.ToWire(""));

    /// <summary>As a neighbour merges it: the larger counters of both.</summary>
    private static Dictionary<string, BulletEvidence> Both(Dictionary<string, BulletEvidence> before, Dictionary<string, BulletEvidence> now) =>
        before.Keys.Union(now.Keys).ToDictionary(id => id, id => before.GetValueOrDefault(id).Max(now.GetValueOrDefault(id)), StringComparer.Ordinal);
}
