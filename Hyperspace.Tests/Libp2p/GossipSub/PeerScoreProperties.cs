using System.Net;
using FsCheck;
using FsCheck.Xunit;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Whatever peers do, in whatever order, these hold for their scores.</summary>
public class PeerScoreProperties
{
    private static readonly string[] Topics = ["a", "b", "c"];

    [Property(MaxTest = 200)]
    public void The_score_is_the_sum_of_its_parts_each_of_the_sign_of_its_weight_and_topics_keep_their_cap(NonNegativeInt seed)
    {
        foreach (var scores in Run(seed.Get, new Random(seed.Get).Next(1, 400)))
        {
            foreach (var score in scores.Inspect())
            {
                Assert.Equal(score.TopicScore + score.AppSpecific + score.Colocation + score.Behaviour, score.Score, 9);
                Assert.Equal(Math.Min(10, score.Topics.Sum(t => t.Score)), score.TopicScore, 6);
                Assert.True(score.Colocation <= 0 && score.Behaviour <= 0);
                Assert.All(score.Topics, t => Assert.True(t is { FirstDeliveries: >= 0 and <= 2000, MeshDeliveries: >= 0 and <= 100, MeshDeficit: >= 0 and <= 20, MeshFailure: >= 0, InvalidMessages: >= 0 }));
            }
        }
    }

    [Property(MaxTest = 100)]
    public void What_is_left_alone_decays_to_nothing(NonNegativeInt seed)
    {
        var now = 1_000_000L;
        var scores = Run(seed.Get, 200).Last();
        for (var i = 0; i < 60; i++)
        {
            scores.Decay(now += 1000);
        }

        Assert.All(scores.Inspect(), s => Assert.Equal(0, s.Behaviour));
        Assert.All(scores.Inspect().SelectMany(s => s.Topics), t => Assert.Equal((0, 0, 0), (t.FirstDeliveries, t.MeshFailure, t.InvalidMessages)));
    }

    [Property(MaxTest = 200)]
    public void Leaving_and_coming_back_never_betters_a_score(NonNegativeInt seed)
    {
        var now = 1_000_000L;
        var scores = Run(seed.Get, 200).Last();
        foreach (var before in scores.Inspect())
        {
            var record = scores.Connect(before.Peer, null);
            scores.Disconnect(record, now);
            var after = scores.Connect(before.Peer, null);
            Assert.True(after.Value <= Math.Max(0, before.Score) + 1e-9, $"{before.Score} became {after.Value}");
        }
    }

    private static IEnumerable<PeerScore> Run(int seed, int steps)
    {
        var random = new Random(seed);
        var topic = new TopicScoreParameters { MeshDeliveriesActivation = TimeSpan.FromMilliseconds(500), MeshDeliveriesWindow = TimeSpan.FromMilliseconds(300) };
        var scores = new PeerScore(new PeerScoreParameters { Topics = new Dictionary<string, TopicScoreParameters> { ["a"] = topic, ["b"] = topic }, ColocationThreshold = 2 });
        var now = 0L;
        for (var step = 0; step < steps; step++)
        {
            now += random.Next(400);
            var peer = scores.Connect(GossipKeys.Peer(random.Next(8)), IPAddress.Parse($"203.0.113.{random.Next(3)}"));
            var name = Topics[random.Next(Topics.Length)];
            var key = new MessageKey(0, (ulong)random.Next(20));
            switch (random.Next(10))
            {
                case 0:
                    scores.Grafted(peer, name, now);
                    break;
                case 1:
                    scores.Pruned(peer, name);
                    break;
                case 2:
                    scores.Pending(peer, key);
                    break;
                case 3:
                    scores.Accepted(peer, name, key, now);
                    break;
                case 4:
                    scores.Rejected(name, key, now);
                    break;
                case 5:
                    scores.Ignored(key);
                    break;
                case 6:
                    scores.Duplicate(peer, name, key, now);
                    break;
                case 7:
                    scores.Misbehaved(peer, random.Next(1, 3));
                    break;
                case 8:
                    scores.Disconnect(peer, now);
                    break;
                default:
                    scores.Decay(now);
                    break;
            }

            yield return scores;
        }
    }
}
