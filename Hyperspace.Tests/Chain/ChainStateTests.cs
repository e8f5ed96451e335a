using FsCheck.Xunit;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Chain;

namespace Hyperspace.Tests.Chain;

/// <summary>Whatever is lost, repeated, forgotten, reorganised or cut off by a crash: each intent is executed at most once, and in the end exactly once.</summary>
public class ChainStateTests
{
    private static readonly ChainTimes Times = new();

    [Property(MaxTest = 400)]
    public void Each_intent_is_executed_exactly_once_in_the_end(int seed)
    {
        var history = new History(seed);
        for (var step = 0; step < 120; step++)
        {
            history.Step();
        }

        history.Finish();
    }

    [Fact]
    public void The_same_wish_is_one_wish_and_another_under_its_id_a_conflict()
    {
        var state = new ChainState();
        var chains = new OneChain(2);
        var submit = new ChainCommands.Submit("close-1", OneChain.Id, "0x" + new string('1', 40), "0xabcd");
        var (happened, _) = state.Decide(submit, chains, DateTimeOffset.UnixEpoch);
        state = state.Apply(happened!);
        Assert.Equal((null, null), state.Decide(submit, chains, DateTimeOffset.UnixEpoch));
        Assert.Equal(ErrorCodes.Conflict, state.Decide(submit with { Data = "0xabce" }, chains, DateTimeOffset.UnixEpoch).Refusal!.Code);
        state = state.Apply(new ChainEvents.Rejected("close-1", "no", DateTimeOffset.UnixEpoch));
        Assert.Equal((null, null), state.Decide(submit, chains, DateTimeOffset.UnixEpoch));
        Assert.Equal(ErrorCodes.Conflict, state.Decide(submit with { To = "0x" + new string('2', 40) }, chains, DateTimeOffset.UnixEpoch).Refusal!.Code);
        Assert.Equal(ChainIntentStatus.Rejected, state.Find("close-1")!.View().Status);
    }

    [Theory]
    [InlineData("", "0x1111111111111111111111111111111111111111", "0x", ErrorCodes.InvalidParams)]
    [InlineData("a", "0x11111111111111111111111111111111111111", "0x", ErrorCodes.InvalidParams)]
    [InlineData("a", "1111111111111111111111111111111111111111", "0x", ErrorCodes.InvalidParams)]
    [InlineData("a", "0x1111111111111111111111111111111111111111", "0xabc", ErrorCodes.InvalidParams)]
    [InlineData("a", "0x1111111111111111111111111111111111111111", "hello", ErrorCodes.InvalidParams)]
    public void A_malformed_wish_is_refused(string id, string to, string data, string code) =>
        Assert.Equal(code, new ChainState().Decide(new ChainCommands.Submit(id, OneChain.Id, to, data), new OneChain(2), DateTimeOffset.UnixEpoch).Refusal!.Code);

    [Fact]
    public void A_chain_that_is_not_configured_is_refused_with_how_to()
    {
        var refusal = new ChainState().Decide(new ChainCommands.Submit("a", 1, "0x" + new string('1', 40), "0x"), new OneChain(2), DateTimeOffset.UnixEpoch).Refusal!;
        Assert.Equal(ErrorCodes.ChainNotConfigured, refusal.Code);
        Assert.Contains("chains.json", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fee_is_never_above_the_limit_whatever_the_node_says()
    {
        var history = new History(1) { Price = new GasPrice(1_000_000_000_000_000, 1_000_000_000_000_000) };
        history.Submit();
        for (var i = 0; i < 50; i++)
        {
            history.Round();
            history.Advance(TimeSpan.FromMinutes(5));
        }

        Assert.All(history.Journal.OfType<ChainEvents.Signed>(), s => Assert.True(s.MaxFee <= 500_000_000_000 && s.PriorityFee <= s.MaxFee));
        Assert.Single(history.Journal.OfType<ChainEvents.Signed>());
    }

    [Fact]
    public void A_transaction_that_stays_is_replaced_by_dearer_ones_of_the_same_nonce_and_not_without_end()
    {
        var history = new History(1) { Price = new GasPrice(1, 1) };
        history.Submit();
        for (var i = 0; i < 60; i++)
        {
            history.Round();
            history.Advance(TimeSpan.FromMinutes(5));
        }

        var signed = history.Journal.OfType<ChainEvents.Signed>().ToList();
        Assert.Single(signed.Select(s => s.Nonce).Distinct());
        Assert.InRange(signed.Count, 10, 25);
        Assert.All(signed.Skip(1).Zip(signed, (dearer, before) => (dearer, before)), p => Assert.True(p.dearer.MaxFee * 10 >= p.before.MaxFee * 11 && p.dearer.PriorityFee * 10 >= p.before.PriorityFee * 11));
        history.Finish();
    }

    [Fact]
    public void A_nonce_that_another_program_used_is_believed_only_after_many_blocks_and_then_final()
    {
        var state = new ChainState();
        var chains = new OneChain(2);
        var wallet = new QuickWallet();
        var now = DateTimeOffset.UnixEpoch;
        var (submitted, _) = state.Decide(new ChainCommands.Submit("a", OneChain.Id, "0x" + new string('1', 40), "0x"), chains, now);
        state = state.Apply(submitted!);
        ChainDecision Look(ulong head, ulong count)
        {
            var asked = state.Ask(OneChain.Id)!;
            var decision = state.Decide(
                asked, new ChainAnswers(head, count, count, new GasPrice(1, 1), new Dictionary<string, Sighting>(), asked.Next is null ? null : new GasEstimate("a", 21_000)), chains.All[0], wallet, Times, now);
            state = decision.Events.Aggregate(decision.State, (s, e) => s.Apply(e));
            return decision;
        }

        Assert.IsType<ChainEvents.Signed>(Assert.Single(Look(100, 0).Events));
        Assert.Empty(Look(101, 1).Events);
        Assert.Empty(Look(140, 1).Events);

        // The chain took it back: it is sent again, and the count starts anew.
        Assert.Equal(["a"], Look(141, 0).Send);
        Assert.Empty(Look(142, 1).Events);
        Assert.Empty(Look(142 + 65, 1).Events);
        Assert.IsType<ChainEvents.Rejected>(Assert.Single(Look(142 + 66, 1).Events));
        Assert.Null(state.Ask(OneChain.Id));
    }

    [Fact]
    public void A_revert_counts_only_when_nothing_is_ahead()
    {
        var history = new History(1) { Reverts = _ => null };
        history.Submit();
        history.Round();
        history.Submit();
        history.Reverts = _ => "NotYet";
        history.Round();
        Assert.Empty(history.Journal.OfType<ChainEvents.Rejected>());
        history.Reverts = _ => null;
        history.Finish();
        Assert.Equal(2, history.Journal.OfType<ChainEvents.Executed>().Count());
    }

    private sealed class OneChain(int confirmations) : IChains
    {
        public const ulong Id = 808080;

        public IReadOnlyList<ChainOptions> All { get; } =
            [new() { Name = "model", ChainId = Id, RpcUrl = new Uri("http://127.0.0.1:1"), Token = new ChainToken(new byte[20], "T", "1", "USDC"), Confirmations = confirmations }];

        public IChainReader? Find(ulong chainId) => chainId == Id ? new EvmChainReader(All[0], null!) : null;
    }

    /// <summary>One history of a peer and a chain, driven by a seed.</summary>
    private sealed class History(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly OneChain _chains = new(new Random(seed).Next(0, 4));
        private readonly ModelChain _chain = new();
        private readonly QuickWallet _wallet = new();
        private readonly HashSet<string> _executed = [];
        private ChainState _state = new();
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch;
        private int _submitted;

        public List<IChainEvent> Journal { get; } = [];

        public GasPrice Price { get; set; } = new(1_000_000_000, 1_000_000);

        public Func<ChainIntent, string?> Reverts { get; set; } = intent => intent.Id.EndsWith('9') ? "AmountNotIncreasing" : null;

        public void Step()
        {
            switch (_random.Next(12))
            {
                case 0 or 1:
                    Submit(anew: false);
                    break;
                case 2 or 3 or 4:
                    Round(crash: _random.Next(4), lost: _random.Next(4));
                    break;
                case 5:
                    Restart();
                    break;
                case 6 or 7:
                    _chain.Mine(_random.Next(3));
                    break;
                case 8:
                    _chain.Reorganise(_random.Next(_chains.All[0].Confirmations + 1), () => _random.Next(3) == 0);
                    break;
                case 9:
                    _chain.Forget(_random.Next(10));
                    break;
                case 10:
                    Price = new GasPrice(_random.Next(1, 2_000_000_000), _random.Next(1, 2_000_000));
                    break;
                default:
                    Advance(TimeSpan.FromSeconds(_random.Next(60)));
                    break;
            }

            Check();
        }

        public void Submit(bool anew = true)
        {
            var id = !anew && _submitted > 0 && _random.Next(4) == 0 ? _random.Next(_submitted) : _submitted++;
            var submit = new ChainCommands.Submit($"intent-{id}", OneChain.Id, "0x" + new string('1', 40), "0x" + id.ToString("x8", System.Globalization.CultureInfo.InvariantCulture));
            if (_state.Decide(submit, _chains, _now).Event is { } happened)
            {
                Persist(happened);
            }
        }

        public void Advance(TimeSpan by) => _now += by;

        /// <param name="crash">1: before the journal, 2: after it, 3: after the first transaction was sent.</param>
        /// <param name="lost">0: what is sent does not arrive; 1: it does, but nobody hears of it.</param>
        public void Round(int crash = 0, int lost = 2)
        {
            if (_state.Ask(OneChain.Id) is not { } questions)
            {
                return;
            }

            var decision = _state.Decide(questions, _chain.Answer(questions, Price, Reverts), _chains.All[0], _wallet, Times, _now);
            if (crash == 1)
            {
                Restart();
                return;
            }

            _state = decision.State;
            foreach (var happened in decision.Events)
            {
                Persist(happened);
            }

            if (crash == 2)
            {
                Restart();
                return;
            }

            foreach (var id in decision.Send)
            {
                var answer = lost == 0 ? "no answer" : _chain.Send(_state.Find(id)!.Signed[^1].Raw);
                _state = _state.Sent(id, _now, lost == 1 ? "no answer" : answer);
                if (crash == 3)
                {
                    Restart();
                    return;
                }
            }
        }

        /// <summary>Nothing more goes wrong.</summary>
        public void Finish()
        {
            for (var i = 0; i < 2000 && !_state.Open.IsEmpty; i++)
            {
                Round();
                _chain.Mine(5);
                Advance(TimeSpan.FromSeconds(20));
                Check();
            }

            Assert.Empty(_state.Open);
            foreach (var intent in _state.Intents.Values)
            {
                Assert.Equal(intent.Executed is null ? 0 : 1, _chain.Executed.Count(t => t.IntentId == intent.Id));
                Assert.Single(Journal, e => e.IntentId == intent.Id && e is ChainEvents.Executed or ChainEvents.Rejected && e.IntentId == intent.Id);
            }

            Restart();
            Assert.Empty(_state.Open);
        }

        private void Restart() => _state = Journal.Aggregate(new ChainState(), (state, happened) => state.Apply(happened));

        private void Persist(IChainEvent happened)
        {
            // Through the bytes: what the journal cannot keep is lost.
            var written = (IChainEvent)ChainFormat.Format.FromBytes(ChainFormat.Format.ManifestOf(happened), ChainFormat.Format.ToBytes(happened));
            Journal.Add(written);
            _state = _state.Apply(written);
            if (written is ChainEvents.Signed signed)
            {
                _chain.Journalled(signed);
            }

            if (written is ChainEvents.Executed)
            {
                _executed.Add(written.IntentId);
            }
        }

        private void Check()
        {
            var ids = _chain.Executed.Select(t => t.IntentId).ToList();
            Assert.Equal(ids.Distinct().Count(), ids.Count);
            Assert.Subset(ids.ToHashSet(), _executed);
            var nonces = Journal.OfType<ChainEvents.Signed>().GroupBy(s => s.Nonce);
            Assert.All(nonces, n => Assert.Single(n.Select(s => s.IntentId).Distinct()));
            Assert.All(Journal.OfType<ChainEvents.Signed>().GroupBy(s => s.IntentId), i => Assert.Single(i.Select(s => s.Nonce).Distinct()));
        }
    }
}
