using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Actors.SelfImproving.Curation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.SelfImproving.Curation;

public class CreditStateTests
{
    private static readonly CreditLimits Small = new(Own: 3, PerAuthor: 4, Others: 9);

    /// <summary>A few authors and exemplars with growing counters, so that every bound is hit.</summary>
    private static readonly CreditRecord[] Pool = [.. Enumerable.Range(0, 150).Select(i =>
        Of(author: i % 5, Id(i / 5 % 7), retrieved: (ulong)((i * 7 % 13) + 1), succeeded: (ulong)(i * 3 % ((i * 7 % 13) + 1)), serial: i))];

    [Property(MaxTest = 300)]
    public bool The_same_records_in_any_order_and_number_leave_the_same_counters(int seed)
    {
        var random = new Random(seed);
        var chosen = Enumerable.Range(0, 60).Select(_ => Pool[random.Next(Pool.Length)]).ToArray();
        var shuffled = chosen.Concat(chosen.Take(20)).ToArray();
        random.Shuffle(shuffled);
        return Merged(chosen).Records.SequenceEqual(Merged(shuffled).Records);
    }

    [Property(MaxTest = 200)]
    public bool Two_halves_that_exchange_what_they_kept_agree_with_one_that_saw_everything(int seed)
    {
        var random = new Random(seed);
        var all = Pool.OrderBy(_ => random.Next()).Take(80).ToArray();
        var (left, right) = (Merged(all[..40]), Merged(all[40..]));
        return right.Records.Aggregate(left, (state, record) => state.Merge(record)).Records.SequenceEqual(Merged(all).Records);
    }

    [Property(MaxTest = 100)]
    public bool No_bound_is_ever_exceeded_and_nobody_displaces_this_peers_own(int seed)
    {
        var random = new Random(seed);
        var self = Runs.Author(0).PeerId.ToString();
        var state = CreditState.Empty(self, Small);
        var own = 0;
        foreach (var record in Pool.OrderBy(_ => random.Next()))
        {
            state = state.Merge(record);
            var kept = state.Records.ToLookup(r => r.Author == self);
            if (kept[true].Count() > Small.Own || kept[true].Count() < own || kept[false].Count() > Small.Others || kept[false].GroupBy(r => r.Author).Any(author => author.Count() > Small.PerAuthor))
            {
                return false;
            }

            own = kept[true].Count();
        }

        return own == Small.Own;
    }

    [Fact]
    public void Counters_of_an_author_only_grow()
    {
        var state = Merged([Of(1, Id(1), 5, 2), Of(1, Id(1), 3, 3, serial: 1), Of(2, Id(1), 1, 0)]);
        Assert.Equal([(1UL, 0UL), (5UL, 2UL)], state.Of(Id(1)).Select(r => (r.Retrieved, r.Succeeded)).Order());
        Assert.Same(state, state.Merge(Of(1, Id(1), 4, 4, serial: 2)));
    }

    [Fact]
    public void What_breaks_the_rules_is_no_credit()
    {
        string? Refused(Action<ExemplarCredits> change, string type = EnvelopeTypes.ExemplarCredits)
        {
            var credits = CreditRecord.ToWire(Runs.TaskType, [new(Id(1), new Credit(2, 1))]);
            change(credits);
            Assert.Null(CreditRecord.Read(Runs.Seal(1, type, credits), Runs.TaskType, out var refusal));
            return refusal?.Code;
        }

        Assert.Equal(ErrorCodes.BadEnvelope, Refused(c => c.TaskType = "other"));
        Assert.Equal(ErrorCodes.BadEnvelope, Refused(_ => { }, EnvelopeTypes.Trajectory));
        Assert.Equal(ErrorCodes.InvalidParams, Refused(c => c.Credits.Clear()));
        Assert.Equal(ErrorCodes.InvalidParams, Refused(c => c.Credits[0].TrajectoryId = ByteString.CopyFrom(1, 2)));
        Assert.Equal(ErrorCodes.InvalidParams, Refused(c => c.Credits[0].Succeeded = 3));
        Assert.Equal(ErrorCodes.InvalidParams, Refused(c => c.Credits[0].Retrieved = 0));
        Assert.Equal(ErrorCodes.InvalidParams, Refused(c => c.Credits[0].Retrieved = ulong.MaxValue));
        Assert.Equal(ErrorCodes.InvalidParams, Refused(c => c.Credits.AddRange(Enumerable.Repeat(c.Credits[0], 32))));
        Assert.Equal(ErrorCodes.TooLarge, Refused(c => c.Credits.AddRange(Enumerable.Repeat(c.Credits[0], 200))));
        Assert.Null(CreditRecord.Read(SignedEnvelope.Seal(Runs.Author(1), EnvelopeTypes.ExemplarCredits, new byte[] { 0xff }, new HybridTime(1, 1)), Runs.TaskType, out _));
    }

    [Fact]
    public void Q_is_the_share_of_successes_near_the_prior_while_little_is_known()
    {
        var run = Runs.Kept(7, 1.0, "goal");
        double Q(params CreditRecord[] records) => new ExemplarValue("self", Merged(records), _ => 1).Of(run);
        Assert.Equal(ExemplarValue.Prior, Q());
        Assert.Equal((2 + 1) / 5.0, Q(Of(1, run.Id, 1, 1)), 9);
        Assert.Equal((2 + 16) / 36.0, Q(Of(1, run.Id, 20, 15), Of(2, run.Id, 12, 1)), 9);
        Assert.True(Q(Of(1, run.Id, 30, 0)) < 0.1);
    }

    [Fact]
    public void An_author_counts_by_trust_and_up_to_a_cap_and_not_for_its_own_runs()
    {
        var run = Runs.Kept(7, 1.0, "goal");
        double Q(Func<string, double> weightOf, params CreditRecord[] records) => new ExemplarValue("self", Merged(records), weightOf).Of(run);
        Assert.Equal(ExemplarValue.Prior, Q(_ => 0, Of(1, run.Id, 30, 0)));
        Assert.Equal(ExemplarValue.Prior, Q(_ => 1, Of(7, run.Id, 30, 30)));
        Assert.Equal(Q(_ => 1, Of(1, run.Id, 32, 0)), Q(_ => 1, Of(1, run.Id, 1_000_000, 0)));
        Assert.InRange(Q(_ => 0.1, Of(1, run.Id, 32, 0)), Q(_ => 1, Of(1, run.Id, 32, 0)), ExemplarValue.Prior);
    }

    private static string Id(int i) => Convert.ToHexStringLower([.. Enumerable.Repeat((byte)i, 32)]);

    private static CreditRecord Of(int author, string id, ulong retrieved, ulong succeeded, int serial = 0) => CreditRecord.Read(
        Runs.Seal(author, EnvelopeTypes.ExemplarCredits, CreditRecord.ToWire(Runs.TaskType, [new(id, new Credit(retrieved, succeeded))]), serial), Runs.TaskType, out _)![0];

    private static CreditState Merged(IEnumerable<CreditRecord> records) =>
        records.Aggregate(CreditState.Empty(Runs.Author(0).PeerId.ToString(), Small), (state, record) => state.Merge(record));
}
