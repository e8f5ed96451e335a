using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Tests.Matrix;

/// <summary>What is taken on the topics of the matrix, and what is not, however well it is signed.</summary>
public sealed class MatrixGossipTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000);
    private static readonly KeyPair Author = KeyPair.FromSeed([.. Enumerable.Repeat((byte)1, 32)]);
    private static readonly string Other = KeyPair.FromSeed([.. Enumerable.Repeat((byte)2, 32)]).PeerId.ToString();

    [Fact]
    public void What_keeps_the_rules_is_accepted()
    {
        Assert.Equal(Validation.Accept, Judge(Topics.MatrixFeedback, Votes(Vote())));
        Assert.Equal(Validation.Accept, Judge(Topics.MatrixFeedback, Votes([.. Enumerable.Range(1, MatrixGossip.MaxVotes).Select(i => Vote(v => (v.Vote, v.Ordinal) = (-1, (ulong)i)))])));
        Assert.Equal(Validation.Accept, Judge(Topics.MatrixFeedback, Votes(Vote(v => (v.Query, v.Ordinal) = (new string('q', MatrixGossip.MaxQuery), OutcomeSums.MaxOutcomes)))));
        Assert.Equal(Validation.Accept, Judge(Topics.MatrixModel, Delta(Sums(), Sums(s => s.Capability = $"{Other}/skill/deploy"))));
        Assert.Equal(Validation.Accept, Judge(Topics.MatrixModel, Delta(Sums(s => Fill(s, OutcomeSums.MaxTerms)))));
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("random")]
    [InlineData("a bit flipped")]
    [InlineData("expired")]
    [InlineData("from the future")]
    [InlineData("garbage inside")]
    [InlineData("nothing inside")]
    [InlineData("over 64 KiB")]
    [InlineData("the other topic")]
    [InlineData("no topic of the matrix")]
    [InlineData("another type")]
    public void What_does_not_belong_on_a_topic_is_rejected(string what)
    {
        foreach (var (topic, other, type, payload) in new[]
        {
            (Topics.MatrixFeedback, Topics.MatrixModel, EnvelopeTypes.MatrixVotes, Votes(Vote())),
            (Topics.MatrixModel, Topics.MatrixFeedback, EnvelopeTypes.MatrixDelta, Delta(Sums())),
        })
        {
            var bytes = what switch
            {
                "empty" => [],
                "random" => [.. Enumerable.Range(0, 300).Select(i => (byte)(i * 37))],
                "a bit flipped" => Flipped(payload.Bytes.ToArray()),
                "expired" => Seal(type, payload.Payload.ToArray(), Now.AddHours(-2), TimeSpan.FromHours(1)).Bytes.ToArray(),
                "from the future" => Seal(type, payload.Payload.ToArray(), Now.AddHours(1)).Bytes.ToArray(),
                "garbage inside" => Seal(type, [.. Enumerable.Repeat((byte)0xff, 16)]).Bytes.ToArray(),
                "nothing inside" => Seal(type, []).Bytes.ToArray(),
                "over 64 KiB" => Padded(payload),
                "another type" => Seal(EnvelopeTypes.Trajectory, payload.Payload.ToArray()).Bytes.ToArray(),
                _ => payload.Bytes.ToArray(),
            };
            var on = what switch
            {
                "the other topic" => other,
                "no topic of the matrix" => Topics.Capabilities,
                _ => topic,
            };
            Assert.Equal(Validation.Reject, MatrixGossip.Judge(on, bytes, Now));
        }
    }

    [Theory]
    [InlineData("an own capability")]
    [InlineData("an own skill")]
    [InlineData("no capability")]
    [InlineData("a capability of no peer")]
    [InlineData("a capability of four parts")]
    [InlineData("ordinal 0")]
    [InlineData("an ordinal beyond all")]
    [InlineData("value 0")]
    [InlineData("value 2")]
    [InlineData("no query")]
    [InlineData("a query of 2,049 characters")]
    [InlineData("65 votes")]
    public void A_vote_that_breaks_a_rule_takes_those_beside_it_along(string what)
    {
        var bad = Vote(v =>
        {
            v.Capability = CapabilityOf(what) ?? v.Capability;
            v.Ordinal = what switch { "ordinal 0" => 0, "an ordinal beyond all" => OutcomeSums.MaxOutcomes + 1, _ => v.Ordinal };
            v.Vote = what switch { "value 0" => 0, "value 2" => 2, _ => v.Vote };
            v.Query = what switch { "no query" => "", "a query of 2,049 characters" => new string('q', 2049), _ => v.Query };
        });
        var votes = what == "65 votes" ? Votes([.. Enumerable.Repeat(bad, 65)]) : Votes(Vote(), bad, Vote());
        Assert.Null(MatrixGossip.ReadVotes(votes));
        Assert.Equal(Validation.Reject, Judge(Topics.MatrixFeedback, votes));
    }

    [Theory]
    [InlineData("an own capability")]
    [InlineData("an own skill")]
    [InlineData("no capability")]
    [InlineData("a capability of no peer")]
    [InlineData("a capability of four parts")]
    [InlineData("no outcome")]
    [InlineData("outcomes beyond all")]
    [InlineData("more good than all")]
    [InlineData("terms unsorted")]
    [InlineData("a term twice")]
    [InlineData("1,025 terms")]
    [InlineData("a good count too few")]
    [InlineData("a bad count too many")]
    [InlineData("a term without counts")]
    [InlineData("a term more often good than all")]
    [InlineData("a term more often bad than all")]
    public void Sums_that_break_a_rule_take_those_beside_them_along(string what)
    {
        var bad = Sums(s =>
        {
            s.Capability = CapabilityOf(what) ?? s.Capability;
            switch (what)
            {
                case "no outcome":
                    (s.Outcomes, s.Good) = (0, 0);
                    s.Terms.Clear();
                    s.GoodCounts.Clear();
                    s.BadCounts.Clear();
                    break;
                case "outcomes beyond all":
                    s.Outcomes = OutcomeSums.MaxOutcomes + 1;
                    break;
                case "more good than all":
                    s.Good = s.Outcomes + 1;
                    break;
                case "terms unsorted":
                    (s.Terms[0], s.Terms[1]) = (s.Terms[1], s.Terms[0]);
                    break;
                case "a term twice":
                    s.Terms[1] = s.Terms[0];
                    break;
                case "1,025 terms":
                    Fill(s, OutcomeSums.MaxTerms + 1);
                    break;
                case "a good count too few":
                    s.GoodCounts.RemoveAt(1);
                    break;
                case "a bad count too many":
                    s.BadCounts.Add(1);
                    break;
                case "a term without counts":
                    (s.GoodCounts[0], s.BadCounts[0]) = (0, 0);
                    break;
                case "a term more often good than all":
                    s.GoodCounts[0] = (uint)s.Good + 1;
                    break;
                case "a term more often bad than all":
                    s.BadCounts[0] = (uint)(s.Outcomes - s.Good) + 1;
                    break;
            }
        });
        var delta = Delta(Sums(), bad, Sums());
        Assert.Null(MatrixGossip.ReadDelta(delta));
        Assert.Equal(Validation.Reject, Judge(Topics.MatrixModel, delta));
    }

    private static string? CapabilityOf(string what) => what switch
    {
        "an own capability" => $"{Author.PeerId}/deploy",
        "an own skill" => $"{Author.PeerId}/skill/deploy",
        "no capability" => "deploy",
        "a capability of no peer" => "nobody/deploy",
        "a capability of four parts" => $"{Other}/skill/deploy/more",
        _ => null,
    };

    private static Validation Judge(string topic, SignedEnvelope envelope) => MatrixGossip.Judge(topic, envelope.Bytes, Now);

    private static MatrixVote Vote(Action<MatrixVote>? change = null)
    {
        var vote = new MatrixVote { Capability = $"{Other}/deploy", Query = "deploy a chart", Vote = 1, Ordinal = 1 };
        change?.Invoke(vote);
        return vote;
    }

    // Five outcomes, three good.
    private static MatrixSums Sums(Action<MatrixSums>? change = null)
    {
        var sums = new MatrixSums { Capability = $"{Other}/deploy", Outcomes = 5, Good = 3, Terms = { 1, 2 }, GoodCounts = { 3, 1 }, BadCounts = { 2, 0 } };
        change?.Invoke(sums);
        return sums;
    }

    private static void Fill(MatrixSums sums, int terms)
    {
        sums.Terms.Clear();
        sums.GoodCounts.Clear();
        sums.BadCounts.Clear();
        sums.Terms.AddRange(Enumerable.Range(1, terms).Select(i => (uint)i));
        sums.GoodCounts.AddRange(Enumerable.Repeat(1u, terms));
        sums.BadCounts.AddRange(Enumerable.Repeat(1u, terms));
    }

    private static SignedEnvelope Votes(params MatrixVote[] votes) => Seal(EnvelopeTypes.MatrixVotes, new MatrixVotes { Votes = { votes } }.ToByteArray());

    private static SignedEnvelope Delta(params MatrixSums[] sums) => Seal(EnvelopeTypes.MatrixDelta, new MatrixDelta { Sums = { sums } }.ToByteArray());

    private static SignedEnvelope Seal(string type, byte[] payload, DateTimeOffset? at = null, TimeSpan? lifetime = null) =>
        SignedEnvelope.Seal(Author, type, payload, new HybridTime((ulong)(at ?? Now).ToUnixTimeMilliseconds(), 0), lifetime);

    private static byte[] Flipped(byte[] bytes)
    {
        bytes[bytes.Length / 2] ^= 1;
        return bytes;
    }

    // A field that nobody knows fills it: all else keeps the rules.
    private static byte[] Padded(SignedEnvelope small)
    {
        var padding = new MatrixVotes { Votes = { new MatrixVote { Query = new string('q', MatrixGossip.MaxBytes) } } }.ToByteArray();
        padding[0] = (15 << 3) | 2;
        var padded = Seal(small.Type, [.. small.Payload.Span, .. padding]);
        Assert.True(small.Type == EnvelopeTypes.MatrixVotes ? MatrixGossip.ReadVotes(padded) is not null : MatrixGossip.ReadDelta(padded) is not null);
        return padded.Bytes.ToArray();
    }
}
