using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Matrix;

/// <summary>
/// Deltas and votes as they come from the mesh: any order, duplication and partition of them leaves the same sums and the same
/// envelopes, also from authors that say two things; and what anybody can send is bounded.
/// </summary>
public sealed class MatrixStateTests
{
    private const string Self = "me";
    private static readonly KeyPair[] Keys = [.. Enumerable.Range(0, 3).Select(i => KeyPair.FromSeed([.. Enumerable.Repeat((byte)(10 + i), 32)]))];
    private static readonly string Provider = KeyPair.FromSeed([.. Enumerable.Repeat((byte)77, 32)]).PeerId.ToString();
    private static readonly OutcomeSums Good = OutcomeSums.Empty.With([7], good: true);
    private static ulong _ticks;

    /// <summary>What is on the mesh: an envelope of one delta, or a vote.</summary>
    private sealed record Said(SignedEnvelope? Delta, string Author, MatrixVote? Vote);

    [Property(MaxTest = 100)]
    public Property Any_order_of_the_same_deltas_leaves_the_same_sums_and_envelopes_whatever_was_voted()
    {
        // Few outcomes and terms, so that many sums are of as many outcomes, and many are the very same.
        var sums = from capability in Gen.Choose(0, 2) from outcomes in Gen.Choose(1, 3) from good in Gen.Choose(0, 1) select (capability, outcomes, good);
        var said = from author in Gen.Choose(0, 1) from isVote in Gen.Elements(true, false, false) from content in Gen.NonEmptyListOf(sums) select (author, isVote, content.Take(3).ToList());
        var histories = from all in Gen.ListOf(said) from first in Gen.Choose(0, 99999) from second in Gen.Choose(0, 99999) select (all.ToList(), first, second);
        return Prop.ForAll(Arb.From(histories), history =>
        {
            var all = history.Item1.ConvertAll(s => s.isVote ? Vote(s.author, s.Item3[0].capability, (ulong)s.Item3[0].outcomes, s.Item3[0].good > 0) : Delta(s.author, s.Item3));

            // At last each author says all that it has voted: until then votes may have been heard by some only.
            var last = Enumerable.Range(0, 2).Select(a => Delta(a, [.. Enumerable.Range(0, 3).Select(c => (c, 4, 1))])).ToList();
            using var one = Hear(all, last, history.first);
            using var other = Hear(all.Where(s => s.Delta is not null).ToList(), last, history.second);
            using var late = Synced(one);
            using var later = Synced(late);
            using var untold = Hear(all, [], history.first);
            using var unvoted = Hear(all.Where(s => s.Delta is not null).ToList(), [], history.second);
            return Same(one, other).And(Same(one, late)).And(Same(one, later)).And(untold.Proofs.Digests.SequenceEqual(unvoted.Proofs.Digests));
        });
    }

    [Property(MaxTest = 100)]
    public Property Who_says_two_things_of_as_many_outcomes_is_heard_alike()
    {
        var sums = from capability in Gen.Choose(0, 2) from good in Gen.Choose(0, 2) select (capability, 2, good);
        var histories = from all in Gen.ListOf(Gen.NonEmptyListOf(sums)) from first in Gen.Choose(0, 99999) from second in Gen.Choose(0, 99999) select (all.ToList(), first, second);
        return Prop.ForAll(Arb.From(histories), history =>
        {
            var all = history.Item1.ConvertAll(s => Delta(0, [.. s.Take(3)]));
            using var one = Hear(all, [], history.first);
            using var other = Hear(all, [], history.second);
            using var late = Synced(one);
            return Same(one, other).And(Same(one, late));
        });
    }

    [Fact]
    public void A_delta_beats_votes_of_as_many_outcomes()
    {
        var (one, other) = (New(), New());
        one.Take(AuthorOf(0), Vote(0, 0, 1, good: true).Vote!, mayValidate: () => false);
        other.Take(AuthorOf(0), Vote(0, 0, 1, good: false).Vote!, mayValidate: () => false);
        foreach (var good in new[] { 0, 1 })
        {
            var delta = Delta(good, [(0, 1, 1)]);
            Take(one, delta);
            Take(other, delta);
        }

        Assert.Equal(1UL, one.Model.Find(AuthorOf(0), CapabilityOf(0)).Good);
        Assert.True(Holds(one, other));
    }

    [Fact]
    public void What_an_author_says_of_too_many_capabilities_leaves_no_envelope_in_any_order()
    {
        var deltas = Enumerable.Range(0, (MatrixModel.MaxCapabilities / 64) + 3).Select(i => Sealed(0, [.. Enumerable.Range(i * 64, 64).Select(c => ($"{Provider}/{c:D5}", Good))])).ToList();
        var (ascending, descending) = (New(), New());
        foreach (var vote in Enumerable.Range(0, 10))
        {
            descending.Take(AuthorOf(0), new MatrixVote { Capability = $"{Provider}/! {vote}", Ordinal = 1, Query = "rain", Vote = 1 }, mayValidate: () => false);
        }

        deltas.ForEach(d => Take(ascending, d));
        Enumerable.Reverse(deltas).ToList().ForEach(d => Take(descending, d));
        Assert.Equal(MatrixModel.MaxCapabilities, descending.Model.Of(AuthorOf(0)).Count);
        Assert.Equal(MatrixModel.MaxCapabilities / 64, descending.Proofs.KeysOf(AuthorOf(0)).Count);
        Assert.Equal(MatrixModel.MaxCapabilities / 64, Count(descending, "envelopes"));
        Assert.Equal(MatrixModel.MaxCapabilities, Count(descending, "proofs"));
        Assert.True(Holds(ascending, descending));
        Assert.All(deltas.TakeLast(3), d => Assert.True(ascending.Useless.Contains(MatrixProofs.KeyOf(d.Delta!)) && descending.Useless.Contains(MatrixProofs.KeyOf(d.Delta!))));

        // No vote displaces what is proven.
        Assert.Equal(VoteFate.Refused, descending.Take(AuthorOf(0), new MatrixVote { Capability = $"{Provider}/!", Ordinal = 1, Query = "rain", Vote = 1 }, mayValidate: () => false));
    }

    [Fact]
    public void What_is_proven_outlives_a_restart_also_behind_votes()
    {
        var folder = Directory.CreateTempSubdirectory("matrix").FullName;
        try
        {
            var said = new[] { Delta(0, [(0, 2, 0)]), Delta(0, [(0, 2, 1)]) };
            Array.Sort(said, (a, b) => MatrixGossip.ReadDelta(a.Delta!)![0].Sums.CompareTo(MatrixGossip.ReadDelta(b.Delta!)![0].Sums));
            var (less, greater) = (said[0], said[1]);
            using (var state = new MatrixState(MatrixStore.Open(folder, out _), Self, trust: null))
            {
                Take(state, greater);
                state.Take(AuthorOf(0), Vote(0, 0, 3, good: true).Vote!, mayValidate: () => false);
                state.Store.Write("INSERT INTO proofs VALUES ('gone', 'gone/tool', 1, 5)");
                state.Store.Write("INSERT INTO envelopes VALUES (5, 'gone', x'00')");
                state.Store.Commit();
            }

            using var again = new MatrixState(MatrixStore.Open(folder, out _), Self, trust: null);
            Assert.Equal(3UL, again.Model.Find(AuthorOf(0), CapabilityOf(0)).Outcomes);
            Assert.Equal(2UL, again.Proofs.OutcomesOf(AuthorOf(0), CapabilityOf(0)));
            Assert.Equal(1, Count(again, "envelopes"));
            Assert.Equal(0UL, again.Proofs.DigestOf("gone"));
            Take(again, less);
            Assert.Equal([MatrixProofs.KeyOf(greater.Delta!)], again.Proofs.KeysOf(AuthorOf(0)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Only_envelopes_that_prove_something_are_read_for_others()
    {
        using var state = New();
        var delta = Delta(0, [(0, 1, 1)]);
        Take(state, delta);
        state.Store.Write("INSERT INTO envelopes VALUES (5, 'gone', x'00')");
        Assert.Equal(delta.Delta!.Bytes.ToArray(), Assert.Single(state.EnvelopesOf([5, 6, MatrixProofs.KeyOf(delta.Delta)], 1000)));
        Assert.Empty(state.EnvelopesOf([MatrixProofs.KeyOf(delta.Delta)], 0));
    }

    private static MatrixState New() => new(MatrixStore.Open(null, out _), Self, trust: null);

    private static string AuthorOf(int author) => Keys[author].PeerId.ToString();

    private static string CapabilityOf(int capability) => $"{Provider}/{capability}";

    private static Said Vote(int author, int capability, ulong ordinal, bool good) =>
        new(null, AuthorOf(author), new MatrixVote { Capability = CapabilityOf(capability), Ordinal = ordinal, Query = "rain", Vote = good ? 1 : -1 });

    private static Said Delta(int author, List<(int Capability, int Outcomes, int Good)> content) => Sealed(author, content.ConvertAll(c =>
    {
        var sums = OutcomeSums.Empty;
        for (var i = 0; i < c.Outcomes; i++)
        {
            sums = sums.With([3], i < c.Good);
        }

        return (CapabilityOf(c.Capability), sums);
    }));

    private static Said Sealed(int author, List<(string Capability, OutcomeSums Sums)> content)
    {
        var payload = new MatrixDelta { Sums = { content.Select(c => c.Sums.ToWire(c.Capability)) } };
        var time = new HybridTime(1_000_000 + Interlocked.Increment(ref _ticks), 0);
        return new Said(SignedEnvelope.Seal(Keys[author], EnvelopeTypes.MatrixDelta, payload.ToByteArray(), time), AuthorOf(author), null);
    }

    private static void Take(MatrixState state, Said said)
    {
        if (said.Delta is { } envelope)
        {
            state.Take(envelope, MatrixGossip.ReadDelta(envelope)!);
        }
        else
        {
            state.Take(said.Author, said.Vote!, mayValidate: () => false);
        }
    }

    private static MatrixState Hear(List<Said> said, List<Said> lastly, int seed)
    {
        var random = new Random(seed);
        var state = New();
        var heard = said.Concat(said.Where(_ => random.Next(3) == 0)).ToArray();
        random.Shuffle(heard);
        foreach (var one in heard.Concat(lastly))
        {
            Take(state, one);
        }

        return state;
    }

    // A newcomer that is given all envelopes.
    private static MatrixState Synced(MatrixState from)
    {
        var state = New();
        foreach (var bytes in from.EnvelopesOf(from.Proofs.Digests.SelectMany(a => from.Proofs.KeysOf(a.Author)).Order(), int.MaxValue))
        {
            var envelope = SignedEnvelope.Open(bytes, DateTimeOffset.UtcNow, out _)!;
            state.Take(envelope, MatrixGossip.ReadDelta(envelope)!);
        }

        return state;
    }

    private static Property Same(MatrixState one, MatrixState other) => Holds(one, other).ToProperty();

    private static bool Holds(MatrixState one, MatrixState other) =>
        one.Model.ToCanonicalBytes().SequenceEqual(other.Model.ToCanonicalBytes()) && one.Proofs.Digests.SequenceEqual(other.Proofs.Digests)
        && one.Proofs.Digests.All(a => one.Proofs.KeysOf(a.Author).Order().SequenceEqual(other.Proofs.KeysOf(a.Author).Order()) && one.Proofs.KeysOf(a.Author).All(k => one.Store.Envelope(k) is not null));

    private static int Count(MatrixState state, string table)
    {
        using var reader = state.Store.Read($"SELECT count(*) FROM {table}");
        reader.Read();
        return reader.GetInt32(0);
    }
}
