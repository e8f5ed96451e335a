using FsCheck.Xunit;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Chain;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Tests.Micropayments.Charge;

/// <summary>The charges of one payer: an authorization counts once, within cap and funds, and no micro-unit is made or lost.</summary>
public class ChargeStateTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly PayOptions Options = new() { Listen = new(System.Net.IPAddress.Loopback, 0), MaxUnsettledMicro = 5_000, SettleAtMicro = 3_000 };
    private static readonly Payer Payer = new();

    [Fact]
    public void An_authorization_counts_once()
    {
        var state = Accepted(new ChargeState(Payer.Key), 1, "a");
        Assert.Equal(ErrorCodes.Conflict, Refused(state, Accept(1, "a")));
        Assert.Equal(ErrorCodes.Conflict, Refused(state, Accept(1, "another request")));
        state = state.Apply(state.Decide(new ChargeCommands.Served(Payer.Key, Id(1), 200, "h")).Event!);
        Assert.Equal(ErrorCodes.Conflict, Refused(state, Accept(1, "a")));
        Assert.Equal(1000UL, state.UnsettledMicro);
    }

    [Fact]
    public void After_a_crash_before_service_the_same_request_may_ask_again_and_no_other()
    {
        var state = Accepted(new ChargeState(Payer.Key), 1, "a") with { InService = [] };
        Assert.Equal(ErrorCodes.Conflict, Refused(state, Accept(1, "b")));
        Assert.Equal(ErrorCodes.Conflict, Refused(state, Accept(1, "a", key: "k")));
        var decision = state.Decide(Accept(1, "a"), Options, Now);
        Assert.Null(decision.Event);
        Assert.Equal(new ChargeAccepted(Payer.Key, Id(1), Repeated: true, WasServed: false), decision.Reply);
    }

    [Fact]
    public void An_idempotency_key_pays_once_whatever_credential_comes_with_it()
    {
        var state = Accepted(new ChargeState(Payer.Key), 1, "a", "k");
        Assert.Equal(new ChargeAccepted(Payer.Key, Id(1), true, false), state.Decide(Accept(2, "a", "k"), Options, Now).Reply);
        Assert.Equal(ErrorCodes.Conflict, Refused(state, Accept(2, "b", "k")));
        state = state.Apply(new ChargeEvents.Served(Id(1), 200, "h"));
        Assert.Equal(new ChargeAccepted(Payer.Key, Id(1), true, true), state.Decide(Accept(3, "a", "k"), Options, Now).Reply);
        Assert.Single(state.Payments);
    }

    [Fact]
    public void Credit_ends_at_the_cap_and_at_what_the_payer_holds()
    {
        var state = Enumerable.Range(1, 5).Aggregate(new ChargeState(Payer.Key), (s, n) => Accepted(s, n, $"{n}"));
        Assert.Equal(ErrorCodes.RateLimited, Refused(state, Accept(6, "6")));
        state = state.Apply(new ChargeEvents.Settled(Id(1), "0x1", "0"));
        Assert.Equal(ErrorCodes.PaymentInsufficient, Refused(state, Accept(6, "6", funds: 4_999)));
        Assert.NotNull(state.Decide(Accept(6, "6", funds: 5_000), Options, Now).Event);
    }

    [Fact]
    public void A_payer_that_owes_is_barred_until_it_is_settled()
    {
        var state = Accepted(new ChargeState(Payer.Key), 1, "a");
        Assert.Null(state.Decide(Id(1), Intent("charge-other", ChainIntentStatus.Rejected)));
        Assert.Null(state.Decide(Id(1), Intent(state, 1, ChainIntentStatus.Pending)));
        state = state.Apply(state.Decide(Id(1), Intent(state, 1, ChainIntentStatus.Rejected))!);
        Assert.Equal((0UL, 1000UL), (state.UnsettledMicro, state.OwedMicro));
        Assert.Equal(ErrorCodes.PayerOwes, Refused(state, Accept(2, "b")));

        var first = state.Payments[Id(1)].IntentId;
        Assert.Empty(state.Retry(Now + TimeSpan.FromHours(1)));
        state = state.Apply(Assert.Single(state.Retry(Now)));
        Assert.NotEqual(first, state.Payments[Id(1)].IntentId);
        state = state.Apply(state.Decide(Id(1), Intent(state, 1, ChainIntentStatus.Confirmed))!);
        Assert.Equal((0UL, 0UL, 1000UL), (state.UnsettledMicro, state.OwedMicro, state.SettledMicro));
        Assert.NotNull(state.Decide(Accept(2, "b"), Options, Now).Event);
    }

    [Fact]
    public void It_is_settled_at_the_threshold_by_age_or_before_it_runs_out()
    {
        var state = Accepted(new ChargeState(Payer.Key), 1, "a");
        Assert.Empty(state.Due(Options, Now));
        Assert.Single(state.Due(Options, Now + Options.SettleAfter));
        Assert.Equal(3, Accepted(Accepted(state, 2, "b"), 3, "c").Due(Options, Now).Count);

        var brief = state.Apply(new ChargeEvents.Accepted(Payer.Authorization(9, 1000, Now, validity: TimeSpan.FromMinutes(4)), "x", null, Now));
        Assert.Empty(brief.Due(Options, Now));
        Assert.Equal(Id(9), Assert.Single(brief.Due(Options, Now + TimeSpan.FromSeconds(91))).Authorization.PaymentId);
    }

    [Fact]
    public void What_is_settled_and_over_is_forgotten_and_nothing_else()
    {
        var state = new ChargeState(Payer.Key);
        var options = Options with { MaxUnsettledMicro = ulong.MaxValue };
        for (var n = 0; n < 512; n++)
        {
            state = state.Apply(state.Decide(Accept(n, $"{n}"), options, Now).Event!);
            if (n % 2 == 0)
            {
                state = state.Apply(new ChargeEvents.Settled(Id(n), "0x1", "0"));
            }
        }

        var later = Now + TimeSpan.FromHours(1);
        state = state.Apply(state.Decide(new ChargeCommands.Accept(Payer.Key, Payer.Authorization(1000, 1000, later), "x", null, Amount.MicroUsdc(Amount.MaxMicroUnits)), options, later).Event!);
        Assert.Equal(257, state.Payments.Count);
        Assert.Equal(257_000UL, state.UnsettledMicro);
    }

    [Property(MaxTest = 300)]
    public void Every_history_conserves_every_micro_unit(byte[] steps, int seed)
    {
        var (state, accepted, random) = (new ChargeState(Payer.Key), new Dictionary<string, ulong>(StringComparer.Ordinal), new System.Random(seed));
        foreach (var step in steps)
        {
            var nonce = random.Next(8);
            switch (step % 6)
            {
                case 0 or 1:
                    var decision = state.Decide(Accept(nonce, $"{nonce % 3}", random.Next(3) == 0 ? $"k{random.Next(3)}" : null, micro: (ulong)random.Next(1, 3000)), Options, Now);
                    if (decision.Event is ChargeEvents.Accepted e)
                    {
                        Assert.True(accepted.TryAdd(e.Authorization.PaymentId, e.Authorization.Value.MicroUnits));
                        state = state.Apply(e);
                    }

                    break;
                case 2:
                    state = state.Decide(new ChargeCommands.Served(Payer.Key, Id(nonce), 200, "h")).Event is { } served ? state.Apply(served) : state;
                    break;
                case 3 or 4 when state.Payments.ContainsKey(Id(nonce)):
                    var status = random.Next(2) == 0 ? ChainIntentStatus.Confirmed : ChainIntentStatus.Reverted;
                    state = state.Decide(Id(nonce), Intent(state, nonce, status)) is { } news ? state.Apply(news) : state;
                    break;
                case 5:
                    state = state.Retry(Now).Aggregate(state, (s, r) => s.Apply(r));
                    break;
            }

            // A crash: what was journalled comes back from a snapshot as it was.
            if (step % 7 == 0)
            {
                var bytes = ChargeJournal.Format.ToBytes(new ChargeSnapshot(state));
                state = ((ChargeSnapshot)ChargeJournal.Format.FromBytes("charge-snapshot:1", bytes)).State;
            }

            Assert.Equal(accepted.Values.Aggregate(0UL, (a, b) => a + b), state.UnsettledMicro + state.SettledMicro + state.OwedMicro);
            Assert.True(state.UnsettledMicro <= Options.MaxUnsettledMicro || state.Payments.Values.Any(p => p.Attempt > 0));
            Assert.Equal(state.UnsettledMicro, state.UnsettledOn.Values.Aggregate(0UL, (a, b) => a + b));
        }
    }

    private static ChargeState Accepted(ChargeState state, int nonce, string request, string? key = null)
    {
        var decision = state.Decide(Accept(nonce, request, key), Options, Now);
        var id = Assert.IsType<ChargeAccepted>(decision.Reply).PaymentId;
        return state.Apply(decision.Event!) with { InService = state.InService.Add(id) };
    }

    private static string Refused(ChargeState state, ChargeCommands.Accept accept)
    {
        var decision = state.Decide(accept, Options, Now);
        Assert.Null(decision.Event);
        return Assert.IsType<Refusal>(decision.Reply).Code;
    }

    private static ChargeCommands.Accept Accept(int nonce, string request, string? key = null, ulong funds = Amount.MaxMicroUnits, ulong micro = 1000) =>
        new(Payer.Key, Payer.Authorization(nonce, micro, Now), request, key, Amount.MicroUsdc(funds));

    private static string Id(int nonce) => Payer.Authorization(nonce, 1, Now).PaymentId;

    private static ChainIntentView Intent(ChargeState state, int nonce, ChainIntentStatus status) => Intent(state.Payments[Id(nonce)].IntentId, status);

    private static ChainIntentView Intent(string id, ChainIntentStatus status) => new(id, 808080, status, "0x1", 1, 72_000, "1", null);
}
