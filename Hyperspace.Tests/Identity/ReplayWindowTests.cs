using FsCheck.Xunit;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;

namespace Hyperspace.Tests.Identity;

public class ReplayWindowTests
{
    [Fact]
    public void The_same_envelope_is_admitted_once()
    {
        var (window, first) = new ReplayWindow(10).Admit(Envelope("a", 1));
        Assert.Equal(ReplayVerdict.Newest, first);
        Assert.Equal(ReplayVerdict.Replayed, window.Admit(Envelope("a", 1)).Verdict);
    }

    [Fact]
    public void An_older_one_of_the_same_author_and_type_is_late()
    {
        var window = new ReplayWindow(10).Admit(Envelope("a", 5)).Next;
        Assert.Equal(ReplayVerdict.Late, window.Admit(Envelope("b", 4)).Verdict);
        Assert.Equal(ReplayVerdict.Late, window.Admit(Envelope("c", 5)).Verdict);
        Assert.Equal(ReplayVerdict.Newest, window.Admit(Envelope("d", 6)).Verdict);
        Assert.Equal(ReplayVerdict.Newest, window.Admit(Envelope("e", 1) with { Type = EnvelopeTypes.Capabilities }).Verdict);
    }

    [Fact]
    public void A_forgotten_id_still_is_no_news()
    {
        var window = new ReplayWindow(2);
        for (var i = 1; i <= 5; i++)
        {
            window = window.Admit(Envelope($"{i}", (ulong)i)).Next;
        }

        Assert.Equal(2, window.Count);
        Assert.Equal(ReplayVerdict.Late, window.Admit(Envelope("1", 1)).Verdict);
    }

    [Property]
    public void It_is_bounded_and_never_takes_one_of_the_last_ids_again(byte[] ids)
    {
        const int Capacity = 8;
        var window = new ReplayWindow(Capacity);
        var arrived = new List<byte>();
        foreach (var id in ids)
        {
            (window, var verdict) = window.Admit(Envelope($"{id}", id));
            Assert.Equal(arrived.TakeLast(Capacity).Contains(id), verdict == ReplayVerdict.Replayed);
            if (verdict != ReplayVerdict.Replayed)
            {
                arrived.Add(id);
            }

            Assert.True(window.Count <= Capacity);
        }
    }

    private static SignedEnvelope Envelope(string id, ulong wallMs) =>
        new(id, EnvelopeTypes.Trajectory, GoldenKeys.Keys.PeerId, new HybridTime(wallMs, 0), default, default);
}
