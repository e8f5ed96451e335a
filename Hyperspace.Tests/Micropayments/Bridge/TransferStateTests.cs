using FsCheck.Xunit;
using Hyperspace.Actors.Micropayments.Bridge;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Tests.Micropayments.Bridge;

/// <summary>A transfer closes its channel once and opens one with what came back, wherever it is cut off.</summary>
public class TransferStateTests
{
    private const string Key = "12D3KooW:USDC";
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly Dictionary<string, ITransferEvent> Records = new()
    {
        ["transfer-begun:1"] = new TransferEvents.Begun("0xaa", Key, "12D3KooW", "USDC", 808080, 8453, At),
        ["transfer-closed:1"] = new TransferEvents.Closed("0xaa", 600),
        ["transfer-opened:1"] = new TransferEvents.Opened("0xaa", "0xbb"),
        ["transfer-failed:1"] = new TransferEvents.Failed("0xaa", "no"),
    };

    // Frozen: what is in somebody's journal is read for ever.
    [Theory]
    [InlineData("transfer-begun:1", "0a0430786161120d313244334b6f6f573a555344431a08313244334b6f6f572204555344432890a931308542388081dcb5b9b592ef08")]
    [InlineData("transfer-closed:1", "0a043078616110d804")]
    [InlineData("transfer-opened:1", "0a0430786161120430786262")]
    [InlineData("transfer-failed:1", "0a043078616112026e6f")]
    public void Each_event_has_frozen_bytes_and_comes_back_from_them(string manifest, string hex)
    {
        var bytes = TransferFormat.Format.ToBytes(Records[manifest]);
        Assert.Equal(manifest, TransferFormat.Format.ManifestOf(Records[manifest]));
        Assert.Equal(hex, Convert.ToHexStringLower(bytes));
        Assert.Equal(Records[manifest], TransferFormat.Format.FromBytes(manifest, bytes));
        Assert.Equal(Records.Keys.ToHashSet(), TransferFormat.Format.Manifests.ToHashSet());
    }

    [Property(MaxTest = 300)]
    public void Wherever_it_is_cut_off_one_channel_is_opened_with_what_came_back(int seed)
    {
        var random = new Random(seed);
        var world = new World(random);
        var journal = new List<ITransferEvent>();
        TransferState State() => journal.Aggregate(new TransferState(), (state, e) => state.Apply(e));
        var state = State();
        var (begun, refusal) = state.Decide(new TransferCommands.Begin("0xaa", 8453), world.Channels[0], [808080, 8453], At);
        Assert.Null(refusal);
        journal.Add(begun!);
        for (var i = 0; i < 500 && State().Open.Any(); i++)
        {
            state = State();
            var transfer = state.Transfers["0xaa"];
            var happened = TransferState.See(transfer, world.Channels);
            if (happened is null)
            {
                // The step may be carried out although nobody hears of it.
                var answer = transfer.Step == TransferStep.Closing ? world.Close() : world.Open(transfer.Moved);
                happened = answer is Refusal refused ? TransferState.See(transfer, world.Channels) ?? TransferState.Decide(transfer, refused) : TransferState.See(transfer, [(PayerChannelView)answer]);
            }

            if (happened is not null && random.Next(3) > 0)
            {
                journal.Add(happened);
            }

            world.Advance();
        }

        var moved = State().Transfers["0xaa"];
        Assert.Equal((TransferStep.Done, 600UL, "0xbb"), (moved.Step, moved.MovedMicro, moved.NewChannelId));
        Assert.Equal((1, 1), (world.Closings, world.Openings));
        Assert.Equal((null, null), State().Decide(new TransferCommands.Begin("0xaa", 8453), null, [8453], At));
    }

    [Fact]
    public void A_channel_that_cannot_be_moved_is_refused_with_what_to_do()
    {
        var open = Channel("0xaa", 808080, 1000, 400);
        string? Code(PayerChannelView? channel, ulong to = 8453) => new TransferState().Decide(new TransferCommands.Begin("0xaa", to), channel, [808080, 8453], At).Refusal?.Code;
        Assert.Equal(ErrorCodes.ChannelNotFound, Code(null));
        Assert.Equal(ErrorCodes.ChannelRefused, Code(open with { OnChain = false }));
        Assert.Equal(ErrorCodes.ChannelRefused, Code(open with { Phase = ChannelPhase.Closing }));
        Assert.Equal(ErrorCodes.ChannelRefused, Code(open with { Opening = true }));
        Assert.Equal(ErrorCodes.ChannelRefused, Code(open with { Accepted = Amount.MicroUsdc(1000) }));
        Assert.Equal(ErrorCodes.ChainNotConfigured, Code(open, 42161));
        Assert.Equal(ErrorCodes.InvalidParams, Code(open, 808080));
        Assert.Null(Code(open));

        var begun = new TransferState().Apply(Records["transfer-begun:1"]);
        Assert.Equal(ErrorCodes.Conflict, begun.Decide(new TransferCommands.Begin("0xaa", 42161), open, [42161], At).Refusal!.Code);
        Assert.Equal(ErrorCodes.Conflict, begun.Decide(new TransferCommands.Begin("0xcc", 8453), open with { ChannelId = "0xcc" }, [8453], At).Refusal!.Code);
    }

    [Fact]
    public void A_refusal_for_good_ends_it_and_says_where_the_money_is()
    {
        var state = new TransferState().Apply(Records["transfer-begun:1"]);
        Assert.Null(TransferState.Decide(state.Transfers["0xaa"], new Refusal(ErrorCodes.PeerUnreachable, "away")));
        Assert.Contains("as it was", Assert.IsType<TransferEvents.Failed>(TransferState.Decide(state.Transfers["0xaa"], new Refusal(ErrorCodes.ChannelRefused, "no"))).Reason, StringComparison.Ordinal);
        state = state.Apply(Records["transfer-closed:1"]);
        var failed = Assert.IsType<TransferEvents.Failed>(TransferState.Decide(state.Transfers["0xaa"], new Refusal(ErrorCodes.ChannelRefused, "no")));
        Assert.Contains("chain 808080", failed.Reason, StringComparison.Ordinal);
        Assert.Equal((TransferStep.Failed, 600UL), (state.Apply(failed).Transfers["0xaa"].View().Step, state.Apply(failed).Transfers["0xaa"].View().Moved.MicroUnits));
        Assert.IsType<TransferEvents.Failed>(TransferState.See(state.Transfers["0xaa"], [Channel("0xdd", 808080, 5, 0) with { OnChain = false }]));
    }

    private static PayerChannelView Channel(string id, ulong chainId, ulong deposit, ulong accepted) =>
        new(Key, id, "12D3KooW", Amount.MicroUsdc(deposit), Amount.MicroUsdc(accepted), Amount.MicroUsdc(accepted), false, 1) { OnChain = true, ChainId = chainId, Settled = Amount.MicroUsdc(0), Refunded = Amount.MicroUsdc(0) };

    /// <summary>The channels of one payee, as the payer's side has them: slow, and often not heard.</summary>
    private sealed class World(Random random)
    {
        public List<PayerChannelView> Channels { get; } = [Channel("0xaa", 808080, 1000, 400)];

        public int Closings { get; private set; }

        public int Openings { get; private set; }

        public object Close()
        {
            if (Channels[0].Phase == ChannelPhase.Open)
            {
                Closings++;
                Channels[0] = Channels[0] with { Phase = ChannelPhase.Closing };
            }

            return Heard(Channels[0]);
        }

        public object Open(Amount deposit)
        {
            Assert.Equal(ChannelPhase.Closed, Channels[0].Phase);
            if (Channels.Count > 1)
            {
                return new Refusal(ErrorCodes.Conflict, "There is one.");
            }

            Openings++;
            Channels.Add(Channel("0xbb", 8453, deposit.MicroUnits, 0) with { Opening = true });
            return new Refusal(random.Next(2) == 0 ? ErrorCodes.Timeout : ErrorCodes.PeerUnreachable, "No answer.");
        }

        public void Advance()
        {
            if (random.Next(3) > 0)
            {
                return;
            }

            if (Channels[0].Phase == ChannelPhase.Closing)
            {
                Channels[0] = Channels[0] with { Phase = ChannelPhase.Closed, Settled = Amount.MicroUsdc(400), Refunded = Amount.MicroUsdc(600) };
            }
            else if (Channels.Count > 1)
            {
                Channels[1] = Channels[1] with { Opening = false };
            }
        }

        private object Heard(object answer) => random.Next(3) == 0 ? new Refusal(ErrorCodes.Timeout, "No answer.") : answer;
    }
}
