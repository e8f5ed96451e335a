using FsCheck;
using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.SelfImproving;

public class ReconciliationTests
{
    [Property(MaxTest = 100)]
    public bool Two_sets_together_are_the_set_of_all_their_ids(int seed)
    {
        var random = new Random(seed);
        var ids = Enumerable.Range(0, random.Next(40)).Select(_ => Enumerable.Repeat((byte)random.Next(30), IdSet.IdBytes).ToArray()).ToList();
        var cut = random.Next(ids.Count + 1);
        var (together, all) = (IdSet.Of(ids[..cut]).With(IdSet.Of(ids[cut..])), IdSet.Of(ids));
        return together.Count == all.Count && together.Describe([]).Fingerprint == all.Describe([]).Fingerprint;
    }

    [Property(MaxTest = 200)]
    public bool Whoever_compares_lacks_nothing_of_the_neighbour_afterwards(int seed, PositiveInt pageSize)
    {
        var random = new Random(seed);
        var common = Ids(random, random.Next(600));
        var mine = common.Concat(Ids(random, random.Next(200))).ToList();
        var theirs = common.Concat(Ids(random, random.Next(1_000))).ToList();
        var (got, _) = Pull(mine, theirs, pageSize.Get);
        var (back, _) = Pull(theirs, mine, pageSize.Get);
        var union = Hex(mine.Concat(theirs));
        return Hex(mine.Concat(got)).SequenceEqual(union) && Hex(theirs.Concat(back)).SequenceEqual(union)
            && got.Count == Hex(theirs).Except(Hex(mine)).Count();
    }

    [Property(MaxTest = 50)]
    public bool Ids_that_begin_alike_are_told_apart(int seed)
    {
        var random = new Random(seed);
        var theirs = Ids(random, 400);
        theirs.ForEach(id => id.AsSpan(0, random.Next(28, 31)).Clear());
        return Hex(Pull([], theirs, 50).Got).SequenceEqual(Hex(theirs));
    }

    [Fact]
    public void Few_differences_among_many_cost_few_bytes()
    {
        var all = Ids(new Random(1), 20_000);
        var (got, bytes) = Pull(all[10..], all, 1_000);
        Assert.Equal(10, got.Count);
        Assert.InRange(bytes, 1, 100_000);
        Assert.InRange(Pull(all, all, 1_000).Bytes, 1, 10_000);
    }

    [Fact]
    public void A_neighbour_that_answers_what_was_not_asked_is_left()
    {
        foreach (var reply in (TrajectorySyncReply[])[new(), new() { LookedFor = 1 }, new() { Ranges = { new IdRange(), new IdRange() } }, new() { Ranges = { new IdRange() }, Envelopes = { ByteString.Empty } }])
        {
            var comparison = new Reconciliation(Runs.TaskType, IdSet.Of([]));
            comparison.Next();
            comparison.Take(reply);
            Assert.NotNull(comparison.Failure);
            Assert.Null(comparison.Next());
        }
    }

    [Theory]
    [InlineData(1, 1_000, null)]
    [InlineData(3, 0, "its ids are in too many parts")]
    public void A_neighbour_with_ids_without_end_is_left(int depth, int most, string? failure)
    {
        var random = new Random(1);
        var comparison = new Reconciliation(Runs.TaskType, IdSet.Of([]), maxWanted: 1_000);
        var (requests, wanted) = (0, 0);
        while (comparison.Next() is { } request)
        {
            Assert.InRange(++requests, 1, 10_000);
            wanted += request.Want.Count;
            var reply = new TrajectorySyncReply { LookedFor = (uint)request.Want.Count };
            reply.Ranges.AddRange(request.Prefixes.Select(prefix => prefix.Length < depth ? Endless(random) : Listed(random, prefix)));
            comparison.Take(reply);
        }

        Assert.Equal((most, failure), (wanted, comparison.Failure));
    }

    [Fact]
    public void A_request_for_the_same_part_twice_is_refused()
    {
        Assert.True(Reconciliation.IsValid(Of([], [1])));
        Assert.False(Reconciliation.IsValid(Of([], [])));
        Assert.False(Reconciliation.IsValid(Of([1, 2], [3], [1, 2])));

        static TrajectorySyncRequest Of(params byte[][] prefixes) => new() { TaskType = Runs.TaskType, Prefixes = { prefixes.Select(ByteString.CopyFrom) } };
    }

    private static IdRange Endless(Random random)
    {
        var range = new IdRange { Count = 1_000_000, Fingerprint = ByteString.CopyFrom(new byte[16]) };
        range.Buckets.AddRange(Enumerable.Range(0, 256).Select(i => new IdBucket { Byte = (uint)i, Count = (uint)random.Next(1, 1_000), Fingerprint = ByteString.CopyFrom(new byte[16]) }));
        return range;
    }

    private static IdRange Listed(Random random, ByteString prefix)
    {
        var range = new IdRange { Count = 1_000_000, Fingerprint = ByteString.CopyFrom(new byte[16]) };
        foreach (var id in Ids(random, 100))
        {
            prefix.Span.CopyTo(id);
            range.Ids.Add(ByteString.CopyFrom(id));
        }

        return range;
    }

    private static (List<byte[]> Got, int Bytes) Pull(IEnumerable<byte[]> mine, IEnumerable<byte[]> theirs, int pageSize)
    {
        var ids = IdSet.Of(theirs);
        var comparison = new Reconciliation(Runs.TaskType, IdSet.Of(mine));
        var got = new List<byte[]>();
        var bytes = 0;
        while (comparison.Next() is { } request)
        {
            Assert.True(Reconciliation.IsValid(request));
            var reply = new TrajectorySyncReply { LookedFor = (uint)Math.Min(pageSize, request.Want.Count) };
            Reconciliation.Describe(ids, request, reply);
            while (reply.Ranges.Count > pageSize)
            {
                reply.Ranges.RemoveAt(reply.Ranges.Count - 1);
            }

            got.AddRange(request.Want.Take((int)reply.LookedFor).Select(id => id.ToByteArray()));
            Assert.All(got, id => Assert.True(comparison.WasWanted(Convert.ToHexStringLower(id))));
            bytes += request.CalculateSize() + reply.CalculateSize();
            comparison.Take(reply);
        }

        Assert.Null(comparison.Failure);
        return (got, bytes);
    }

    private static List<byte[]> Ids(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        var id = new byte[IdSet.IdBytes];
        random.NextBytes(id);
        return id;
    })];

    private static IEnumerable<string> Hex(IEnumerable<byte[]> ids) => ids.Select(Convert.ToHexStringLower).Distinct().Order(StringComparer.Ordinal);
}
