using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Akka.Persistence;
using Google.Protobuf.WellKnownTypes;
using Hyperspace.Actors.Engine;
using LinqToDB.Data;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Engine;

public class EngineTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_cluster_of_one_is_up_and_answers_a_sharded_persistent_entity_in_moments()
    {
        var clock = Stopwatch.StartNew();
        await using var engine = await EngineFixture.StartAsync(WithCounters);
        var started = clock.Elapsed;
        Assert.Equal(1L, await engine.Get<Counters>().Ask<long>(new Add("a"), EngineFixture.Timeout));
        output.WriteLine($"started in {started.TotalMilliseconds:0} ms, first persisted answer after {clock.Elapsed.TotalMilliseconds:0} ms");
        Assert.Equal(MemberStatus.Up, Cluster.Get(engine.System).SelfMember.Status);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));

        clock.Restart();
        await engine.RestartAsync();
        output.WriteLine($"restarted in {clock.Elapsed.TotalMilliseconds:0} ms");
        Assert.Equal(2L, await engine.Get<Counters>().Ask<long>(new Add("a"), EngineFixture.Timeout));
        output.WriteLine($"answered after {clock.Elapsed.TotalMilliseconds:0} ms");
        Assert.Equal(1L, await engine.Get<Counters>().Ask<long>(new Add("b"), EngineFixture.Timeout));
    }

    [Theory]
    [InlineData("a", "journal.db", Journals.Default, Synchronous.Normal)]
    [InlineData("money", "payments.db", Journals.Payments, Synchronous.Full)]
    public async Task Each_journal_has_a_file_of_its_own_in_wal_mode_and_only_money_is_synced_in_full(string id, string file, string plugin, Synchronous synchronous)
    {
        await using var engine = await EngineFixture.StartAsync(WithCounters);
        Assert.Equal(1L, await engine.Get<Counters>().Ask<long>(new Add(id), EngineFixture.Timeout));

        Assert.True(SqliteJournals.Connections(engine.Options.DataDirectory).TryGetDataOptionsFor(plugin, out var options));
        await using var connection = new DataConnection(options!);
        Assert.Contains(file, connection.ConnectionString, StringComparison.Ordinal);
        Assert.Equal(1, connection.Execute<long>("SELECT COUNT(*) FROM journal"));
        Assert.Equal("wal", connection.Execute<string>("PRAGMA journal_mode"));
        Assert.Equal((long)synchronous, connection.Execute<long>("PRAGMA synchronous"));
    }

    [Fact]
    public async Task Journals_are_readable_by_their_owner_only_also_those_that_were_made_otherwise()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var engine = await EngineFixture.StartAsync(WithCounters, options: options =>
        {
            var old = new FileInfo(Path.Combine(options.DataDirectory, "journal.db"));
            old.Create().Dispose();
            if (!OperatingSystem.IsWindows())
            {
                old.UnixFileMode = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
            }

            return options;
        });
        await engine.Get<Counters>().Ask<long>(new Add("a"), EngineFixture.Timeout);
        await engine.Get<Counters>().Ask<long>(new Add("money"), EngineFixture.Timeout);

        var files = Directory.GetFiles(engine.Options.DataDirectory, "*.db*");
        Assert.Equal(6, files.Length);
        foreach (var file in files)
        {
            Assert.Equal(OwnerOnly, File.GetUnixFileMode(file));
        }
    }

    public enum Synchronous
    {
        Normal = 1,
        Full = 2,
    }

    internal sealed class Counters;

    private static void WithCounters(AkkaConfigurationBuilder builder) => builder
        .WithJournalFormat("test-counters", 9001, new JournalFormat().Map<Added, Int64Value>("added:1", e => new Int64Value { Value = e.By }, m => new Added(m.Value)))
        .WithShardRegion<Counters>("counters", id => Props.Create(() => new Counter(id)), ShardingDefaults.Extractor<Add>(add => add.Id), ShardingDefaults.Options);

    private sealed record Add(string Id);

    private sealed record Added(long By);

    private sealed class Counter : ReceivePersistentActor
    {
        private long _value;

        public Counter(string id)
        {
            PersistenceId = "counter-" + id;
            JournalPluginId = id == "money" ? Journals.Payments : Journals.Default;
            SnapshotPluginId = id == "money" ? Journals.PaymentsSnapshots : Journals.DefaultSnapshots;
            Recover<Added>(e => _value += e.By);
            Command<Add>(_ => Persist(new Added(1), e =>
            {
                _value += e.By;
                Sender.Tell(_value);
            }));
            Command<StopEntity>(_ => Context.Stop(Self));
        }

        public override string PersistenceId { get; }
    }
}
