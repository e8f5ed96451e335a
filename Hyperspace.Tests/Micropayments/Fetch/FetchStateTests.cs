using FsCheck.Xunit;
using Hyperspace.Actors.Micropayments.Fetch;
using Hyperspace.Contracts;

namespace Hyperspace.Tests.Micropayments.Fetch;

public class FetchStateTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    /// <summary>
    /// Random histories of calls, answers, looks at the chain, time and restarts: at most one authorization of a call is
    /// unclear, no nonce is signed twice, outcomes never change back, and the counts agree with the list.
    /// </summary>
    [Property(MaxTest = 500)]
    public void No_second_authorization_is_signed_while_one_is_unclear(byte[] moves)
    {
        var (state, now) = (new FetchState(), Start);
        var outcomes = new Dictionary<string, FetchOutcome>(StringComparer.Ordinal);
        foreach (var move in moves)
        {
            var key = "k" + ((move >> 5) & 3);
            var last = state.Calls.GetValueOrDefault(key, []) is [.., var some] ? some : null;
            IFetchEvent? happened = (move & 7) switch
            {
                0 or 1 => state.Decide(key, "f", now) switch
                {
                    FetchDecision.Ask ask => Signed(key, ask.Number, (byte)(move >> 3), now),
                    FetchDecision.SendAgain { Authorization: var again } when again != last || again.Outcome is FetchOutcome.Refused or FetchOutcome.Unused => throw new InvalidOperationException("What was refused is not sent again."),
                    _ => null,
                },
                2 when last is not null => new FetchEvents.Refused(key, last.Signed.Number),
                3 when last is not null => new FetchEvents.Paid(key, last.Signed.Number, "0x1"),
                4 when last is not null => new FetchEvents.Unused(key, last.Signed.Number),
                _ => null,
            };
            if ((move & 7) == 5)
            {
                state = FetchSnapshot.Of(state).ToState();
            }
            else if ((move & 7) == 6)
            {
                now += TimeSpan.FromMinutes(2);
            }

            if (happened is not null && state.Accepts(happened))
            {
                state = state.Apply(happened);
                var id = $"{happened.Key}/{happened.Number}";
                var outcome = state.Find(happened.Key, happened.Number)!.Outcome;
                Assert.False(outcomes.TryGetValue(id, out var before) && before is FetchOutcome.Paid or FetchOutcome.Unused);
                outcomes[id] = outcome;
            }

            var all = state.Calls.Values.SelectMany(c => c).ToList();
            Assert.All(state.Calls.Values, call => Assert.All(call.SkipLast(1), a => Assert.True(a.Outcome is FetchOutcome.Refused or FetchOutcome.Unused or FetchOutcome.Paid)));
            Assert.All(state.Calls.Values, call => Assert.True(call.Count(a => a.Outcome == FetchOutcome.Unclear) <= 1));
            Assert.Equal(all.Count, all.Select(a => Convert.ToHexString(a.Signed.Nonce)).Distinct().Count());
            Assert.Equal(all.Count(a => a.IsOpen), state.OpenCount);
        }
    }

    [Fact]
    public void A_key_that_was_used_for_another_request_is_a_conflict()
    {
        var state = new FetchState().Apply(Signed("k", 1, 1, Start));
        Assert.Equal(ErrorCodes.Conflict, Assert.IsType<FetchDecision.Refuse>(state.Decide("k", "other", Start)).Refusal.Code);
        Assert.IsType<FetchDecision.SendAgain>(state.Decide("k", "f", Start));
    }

    [Fact]
    public void What_is_known_is_forgotten_after_a_day_and_what_is_open_never()
    {
        var state = new FetchState();
        for (var i = 0; i < 256; i++)
        {
            state = state.Apply(Signed($"k{i}", 1, i, Start));
            state = i == 7 ? state : state.Apply(new FetchEvents.Paid($"k{i}", 1, null));
        }

        var later = state.Apply(Signed("new", 1, 999, Start.AddDays(2)));
        Assert.Equal(["k7", "new"], later.Calls.Keys.Order());
        Assert.Equal(2, later.Nonces.Count);
        Assert.Equal(2, later.OpenCount);
    }

    internal static FetchEvents.Authorized Signed(string key, int number, int nonce, DateTimeOffset at) => new(
        key, number, "f", "s", $"r-{key}-{number}", "http://h/p", "mpp", 5, [1], [2], [3], 1000, "USDC", BitConverter.GetBytes(nonce), (ulong)at.AddMinutes(5).ToUnixTimeSeconds(), "Authorization", "Payment x",
        at.ToUnixTimeMilliseconds());
}
