using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.Matrix;

/// <summary>What was learnt converges: any order, duplication and partition of the same records gives the same bytes.</summary>
public class MatrixModelTests
{
    private static readonly string[] Authors = ["alice", "bob", "carol"];
    private static readonly string[] Capabilities = ["dora/search", "dora/weather", "emil/skill/cook"];
    private static readonly string[] Queries = ["find papers on physics", "will it rain in Paris", "cook a soup of onions", "papers about rain"];

    /// <summary>What a peer says: votes in their order, and a delta at the end.</summary>
    private sealed record Said(string Author, string Capability, ulong Ordinal, uint[] Terms, bool Good, OutcomeSums Sums);

    private static List<Said> Say(IEnumerable<(int Author, int Capability, int Query, bool Good)> outcomes)
    {
        var model = new MatrixModel();
        var said = new List<Said>();
        foreach (var (a, c, q, good) in outcomes)
        {
            var (author, capability, terms) = (Authors[a], Capabilities[c], MatrixTerms.Of(Queries[q]));
            var ordinal = model.Record(author, capability, terms, good);
            said.Add(new Said(author, capability, ordinal, terms, good, model.Find(author, capability)));
        }

        return said;
    }

    [Property(MaxTest = 200)]
    public Property Any_order_duplication_and_partition_of_the_same_records_gives_the_same_bytes()
    {
        var outcome = from a in Gen.Choose(0, 2) from c in Gen.Choose(0, 2) from q in Gen.Choose(0, 3) from good in Gen.Elements(true, false) select (a, c, q, good);
        var histories = from outcomes in Gen.ListOf(outcome) from first in Gen.Choose(0, int.MaxValue - 1) from second in Gen.Choose(0, int.MaxValue - 1) select (outcomes.ToList(), first, second);
        return Prop.ForAll(Arb.From(histories), history =>
        {
            var said = Say(history.Item1);
            var truth = new MatrixModel();
            said.ForEach(s => truth.Merge(s.Author, s.Capability, s.Sums));
            var (one, other) = (Hear(said, history.first), Hear(said, history.second));
            return one.ToCanonicalBytes().SequenceEqual(truth.ToCanonicalBytes())
                && other.ToCanonicalBytes().SequenceEqual(truth.ToCanonicalBytes())
                && Ranked(one).SequenceEqual(Ranked(other));
        });
    }

    [Fact]
    public void A_vote_counts_once_and_in_its_turn()
    {
        var model = new MatrixModel();
        var terms = MatrixTerms.Of(Queries[0]);
        Assert.Equal(VoteFate.Early, model.Apply("alice", "dora/search", 2, terms, good: true));
        Assert.Equal(VoteFate.Applied, model.Apply("alice", "dora/search", 1, terms, good: true));
        Assert.Equal(VoteFate.Known, model.Apply("alice", "dora/search", 1, terms, good: true));
        Assert.Equal(VoteFate.Applied, model.Apply("alice", "dora/search", 2, terms, good: false));
        Assert.Equal(2UL, model.OutcomesOf("alice"));
        Assert.Equal(1UL, model.Find("alice", "dora/search").Good);
    }

    [Fact]
    public void Two_truths_of_one_author_converge_to_one()
    {
        var (good, bad) = (OutcomeSums.Empty.With([1, 2], good: true), OutcomeSums.Empty.With([1, 2], good: false));
        var (one, other) = (new MatrixModel(), new MatrixModel());
        one.Merge("mallory", "dora/search", good);
        one.Merge("mallory", "dora/search", bad);
        other.Merge("mallory", "dora/search", bad);
        other.Merge("mallory", "dora/search", good);
        Assert.Equal(one.ToCanonicalBytes(), other.ToCanonicalBytes());
    }

    [Fact]
    public void Of_too_many_capabilities_every_peer_keeps_the_same()
    {
        var sums = OutcomeSums.Empty.With([7], good: true);
        var ids = Enumerable.Range(0, MatrixModel.MaxCapabilities + 20).Select(i => $"dora/{i}").ToList();
        var (one, other) = (new MatrixModel(), new MatrixModel());
        ids.ForEach(id => one.Merge("alice", id, sums));
        ids.AsEnumerable().Reverse().ToList().ForEach(id => other.Merge("alice", id, sums));
        Assert.Equal(MatrixModel.MaxCapabilities, one.Of("alice").Count);
        Assert.Equal(one.ToCanonicalBytes(), other.ToCanonicalBytes());
    }

    [Fact]
    public void Terms_of_one_capability_are_bounded()
    {
        var sums = OutcomeSums.Empty;
        for (uint i = 0; i < 40; i++)
        {
            sums = sums.With([.. Enumerable.Range(0, 60).Select(t => (i * 60) + (uint)t)], good: true);
        }

        Assert.Equal(OutcomeSums.MaxTerms, sums.Terms.Length);
        Assert.Equal(40UL, sums.Outcomes);
        Assert.NotNull(OutcomeSums.FromWire(sums.ToWire("dora/search")));
    }

    [Fact]
    public void Sums_that_contradict_themselves_are_refused()
    {
        var right = OutcomeSums.Empty.With([3, 5], good: true).With([5], good: false).ToWire("dora/search");
        Assert.NotNull(OutcomeSums.FromWire(right));
        Assert.Null(OutcomeSums.FromWire(Changed(right, w => w.Good = 3)));
        Assert.Null(OutcomeSums.FromWire(Changed(right, w => w.Outcomes = 0)));
        Assert.Null(OutcomeSums.FromWire(Changed(right, w => w.Outcomes = ulong.MaxValue)));
        Assert.Null(OutcomeSums.FromWire(Changed(right, w => w.Terms[1] = 3)));
        Assert.Null(OutcomeSums.FromWire(Changed(right, w => w.GoodCounts[0] = 2)));
        Assert.Null(OutcomeSums.FromWire(Changed(right, w => w.BadCounts[1] = 2)));
        Assert.Null(OutcomeSums.FromWire(Changed(right, w => w.Terms.Add(9))));
        Assert.Null(OutcomeSums.FromWire(Changed(right, w => (w.GoodCounts[0], w.BadCounts[0]) = (0, 0))));
    }

    [Fact]
    public void What_is_forgotten_leaves_no_trace()
    {
        var model = new MatrixModel();
        var leg = new LearnedLeg(model, "me", _ => 1);
        model.Record("alice", "dora/search", MatrixTerms.Of(Queries[0]), good: true);
        model.Forget("alice");
        Assert.Empty(model.ToCanonicalBytes());
        Assert.Equal(0, model.Size);
        Assert.Empty(leg.Rank(MatrixTerms.Of(Queries[0])));
    }

    private static MatrixModel Hear(List<Said> said, int seed)
    {
        var random = new Random(seed);
        var model = new MatrixModel();
        var last = said.GroupBy(s => (s.Author, s.Capability)).Select(g => g.Last());
        var heard = said.Concat(said.Where(_ => random.Next(3) == 0)).Select(s => (Said: s, IsDelta: random.Next(2) == 0)).ToArray();
        random.Shuffle(heard);
        var lastly = last.Select(s => (Said: s, IsDelta: true)).ToArray();
        random.Shuffle(lastly);
        foreach (var (s, isDelta) in heard.Concat(lastly))
        {
            if (isDelta)
            {
                model.Merge(s.Author, s.Capability, s.Sums);
            }
            else
            {
                model.Apply(s.Author, s.Capability, s.Ordinal, s.Terms, s.Good);
            }
        }

        return model;
    }

    private static IReadOnlyList<Scored> Ranked(MatrixModel model) => new LearnedLeg(model, "me", a => a == "bob" ? 0.5 : 1).Rank(MatrixTerms.Of("papers on rain"));

    private static MatrixSums Changed(MatrixSums wire, Action<MatrixSums> change)
    {
        var other = wire.Clone();
        change(other);
        return other;
    }
}
