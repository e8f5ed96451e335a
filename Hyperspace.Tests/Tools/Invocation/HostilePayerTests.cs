using Google.Protobuf;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Tests.Tools.Invocation;

/// <summary>What payers try on a provider, over real streams. Whatever it is, the provider's books and its tool tell whether it worked.</summary>
public class HostilePayerTests(PaidPeerFixture payee) : IClassFixture<PaidPeerFixture>
{
    private const ulong Deposit = 2_000_000;

    private static readonly Dictionary<string, (Func<HostilePeer, ChannelTerms, Voucher> Voucher, string Code)> Forgeries = new()
    {
        ["an amount that was raised after signing"] = ((p, t) => With(p.Sign(t, 1_000), v => v.CumulativeMicro = 1_500), ErrorCodes.PaymentBadSignature),
        ["a stranger's signature"] = ((p, t) => new Actors.Micropayments.Channels.VoucherSigner(Micropayments.Channels.ChannelPair.Stranger.Wallet).Sign(t, 1_000), ErrorCodes.PaymentBadSignature),
        ["no signature"] = ((p, t) => With(p.Sign(t, 1_000), v => v.Signature = ByteString.Empty), ErrorCodes.PaymentBadSignature),
        ["a signature of 64 bytes"] = ((p, t) => With(p.Sign(t, 1_000), v => v.Signature = ByteString.CopyFrom(v.Signature.Span[..64])), ErrorCodes.PaymentBadSignature),
        ["a signature of 66 bytes"] = ((p, t) => With(p.Sign(t, 1_000), v => v.Signature = ByteString.CopyFrom([.. v.Signature, 0])), ErrorCodes.PaymentBadSignature),
        ["zeros for a signature"] = ((p, t) => With(p.Sign(t, 1_000), v => v.Signature = ByteString.CopyFrom(new byte[65])), ErrorCodes.PaymentBadSignature),
        ["another chain's signature"] = ((p, t) => With(p.Sign(With(t, x => x.ChainId++), 1_000), v => v.ChannelId = p.Sign(t, 1_000).ChannelId), ErrorCodes.PaymentBadSignature),
        ["another escrow's signature"] = ((p, t) => With(p.Sign(With(t, x => x.Escrow = x.Payee), 1_000), v => v.ChannelId = p.Sign(t, 1_000).ChannelId), ErrorCodes.PaymentBadSignature),
        ["a channel that was never opened"] = ((p, t) => p.Sign(With(t, x => x.Salt = ByteString.CopyFrom(new byte[32])), 1_000), ErrorCodes.ChannelNotFound),
        ["a channel id of 31 bytes"] = ((p, t) => With(p.Sign(t, 1_000), v => v.ChannelId = ByteString.CopyFrom(v.ChannelId.Span[1..])), ErrorCodes.ChannelNotFound),
        ["an empty voucher"] = ((_, _) => new Voucher(), ErrorCodes.ChannelNotFound),
        ["an amount of zero"] = ((p, t) => p.Sign(t, 0), ErrorCodes.PaymentStaleVoucher),
        ["less than the price"] = ((p, t) => p.Sign(t, 999), ErrorCodes.PaymentInsufficient),
        ["more than the deposit"] = ((p, t) => p.Sign(t, Deposit + 1), ErrorCodes.PaymentOverDeposit),
        ["2^64 - 1"] = ((p, t) => p.Sign(t, ulong.MaxValue), ErrorCodes.PaymentOverDeposit),
    };

    public static TheoryData<string> ForgedVouchers => [.. Forgeries.Keys];

    [Theory]
    [MemberData(nameof(ForgedVouchers))]
    public async Task A_forged_voucher_buys_nothing(string what)
    {
        await using var payer = await StartAsync();
        var (terms, _) = await payer.OpenAsync(payee.PeerId, payee.Terms, Deposit);
        var served = payee.Tool.Served;
        var (forge, code) = Forgeries[what];

        Assert.Equal(code, await RefusalAsync(payer, Request("r", forge(payer, terms))));
        Assert.Equal((0UL, 0UL), await payee.BooksAsync(payer));
        Assert.Equal(served, payee.Tool.Served);

        // The channel is as good as before.
        Assert.Equal("served", await ServedAsync(payer, Request("good", payer.Sign(terms, 1_000))));
    }

    private static readonly Dictionary<string, (Func<ToolInvocation, ToolInvocation> Change, string? Code)> Replays = new()
    {
        ["the same call"] = (r => r, null),
        ["another request id"] = (r => With(r, x => x.RequestId = "other"), ErrorCodes.PaymentStaleVoucher),
        ["other parameters"] = (r => With(r, x => x.Params = """{"n":2}"""), ErrorCodes.Conflict),
        ["a dearer tool"] = (r => With(r, x => x.Tool = "dear"), ErrorCodes.Conflict),
        ["a dearer tool and another request id"] = (r => With(r, x => (x.Tool, x.RequestId) = ("dear", "other")), ErrorCodes.PaymentStaleVoucher),
        ["no voucher"] = (r => With(r, x => x.Voucher = null), ErrorCodes.PaymentRequired),
    };

    public static TheoryData<string> Replayed => [.. Replays.Keys];

    [Theory]
    [MemberData(nameof(Replayed))]
    public async Task A_voucher_buys_one_run_of_what_it_was_sent_with(string what)
    {
        await using var payer = await StartAsync();
        var (terms, _) = await payer.OpenAsync(payee.PeerId, payee.Terms, Deposit);
        var request = Request("r", payer.Sign(terms, 1_000));
        Assert.Equal("served", await ServedAsync(payer, request));
        var served = payee.Tool.Served;

        var (change, code) = Replays[what];
        var answer = (await payer.InvokeAsync(payee.PeerId, change(request)))[^1];
        Assert.Equal(code, answer.PaymentRequired is not null ? ErrorCodes.PaymentRequired : answer.Refused?.Code);
        Assert.Equal(served, payee.Tool.Served);
        Assert.Equal((1_000UL, 1_000UL), await payee.BooksAsync(payer));
    }

    [Fact]
    public async Task Another_peer_cannot_use_a_voucher_that_it_overheard()
    {
        await using var payer = await StartAsync();
        await using var thief = await StartAsync();
        var (terms, _) = await payer.OpenAsync(payee.PeerId, payee.Terms, Deposit);
        var request = Request("r", payer.Sign(terms, 1_000));
        Assert.Equal(ErrorCodes.ChannelNotFound, await RefusalAsync(thief, request));
        Assert.Equal("served", await ServedAsync(payer, request));
        Assert.Equal(ErrorCodes.ChannelNotFound, await RefusalAsync(thief, request));
        Assert.Equal((1_000UL, 1_000UL), await payee.BooksAsync(payer));
    }

    [Fact]
    public async Task One_payment_runs_one_tool_once_however_many_calls_name_it_at_once()
    {
        await using var payer = await StartAsync();
        var (terms, _) = await payer.OpenAsync(payee.PeerId, payee.Terms, Deposit);
        var served = payee.Tool.Served;
        using var gate = payee.Tool.Close();
        var request = Request("r", payer.Sign(terms, 1_000));
        using var hangUp = new CancellationTokenSource();
        var first = payer.InvokeAsync(payee.PeerId, request, hangUp.Token);
        await gate.Reached;

        Assert.Equal(ErrorCodes.Conflict, await RefusalAsync(payer, With(request, r => r.Tool = "dear")));
        Assert.Equal(ErrorCodes.Conflict, await RefusalAsync(payer, With(request, r => r.Params = """{"n":2}""")));
        var again = Enumerable.Range(0, 8).Select(_ => payer.InvokeAsync(payee.PeerId, request)).ToList();
        await hangUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        gate.Open();

        Assert.All(await Task.WhenAll(again), frames => Assert.Equal($"served {served + 1}", frames[^1].Outcome.Content));
        Assert.Equal(served + 1, payee.Tool.Served);
        Assert.Equal((1_000UL, 1_000UL), await payee.BooksAsync(payer));
    }

    [Fact]
    public async Task Two_requests_cannot_race_for_one_voucher()
    {
        await using var payer = await StartAsync();
        var (terms, _) = await payer.OpenAsync(payee.PeerId, payee.Terms, Deposit);
        var (served, voucher) = (payee.Tool.Served, payer.Sign(terms, 1_000));
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => payer.InvokeAsync(payee.PeerId, Request($"r{i}", voucher))));
        Assert.Equal(15, answers.Count(frames => frames[^1].Refused?.Code == ErrorCodes.PaymentStaleVoucher));
        Assert.Equal(served + 1, payee.Tool.Served);
        Assert.Equal((1_000UL, 1_000UL), await payee.BooksAsync(payer));
    }

    [Theory]
    [InlineData(RpcMethods.ToolInvoke, "")]
    [InlineData(RpcMethods.ToolInvoke, "ff")]
    [InlineData(RpcMethods.ToolInvoke, "0a01720a")]
    [InlineData(RpcMethods.ChannelOpen, "ffffff")]
    [InlineData(RpcMethods.ChannelStatus, "0a0101")]
    public async Task Garbage_is_an_invalid_argument(string method, string hex)
    {
        await using var payer = await StartAsync();
        var error = await Assert.ThrowsAsync<RpcException>(() => payer.CallAsync(payee.PeerId, method, Convert.FromHexString(hex)));
        Assert.Equal(RpcStatus.InvalidArgument, error.Status);
    }

    [Fact]
    public async Task No_channel_opens_on_anothers_binding_anothers_terms_or_beyond_the_credit()
    {
        await using var payer = await StartAsync();
        await using var other = await StartAsync();
        var otherTerms = With(payee.Terms, t => t.Payee = ByteString.CopyFrom(other.Identity.Wallet.Address.Span));
        Assert.Equal(ErrorCodes.ChannelRefused, (await payer.OpenAsync(payee.PeerId, payee.Terms, Deposit, other.Identity.Binding)).Reply.RefusedCode);
        Assert.Equal(ErrorCodes.ChannelRefused, (await payer.OpenAsync(payee.PeerId, otherTerms, Deposit)).Reply.RefusedCode);
        Assert.Equal(ErrorCodes.ChannelRefused, (await payer.OpenAsync(payee.PeerId, With(payee.Terms, t => t.MaxCreditMicro *= 2), 10_000_001)).Reply.RefusedCode);
        Assert.Equal("", (await payer.OpenAsync(payee.PeerId, payee.Terms, 10_000_000)).Reply.RefusedCode);
        Assert.Equal(ErrorCodes.ChannelRefused, (await payer.OpenAsync(payee.PeerId, payee.Terms, 1)).Reply.RefusedCode);
    }

    [Fact]
    public async Task A_paid_call_comes_with_a_receipt_for_its_payer_and_nobody_else()
    {
        await using var payer = await StartAsync();
        var (terms, _) = await payer.OpenAsync(payee.PeerId, payee.Terms, Deposit);
        var accepted = (await payer.InvokeAsync(payee.PeerId, Request("rated", payer.Sign(terms, 1_000))))[0].PaymentAccepted;
        var receipt = Ratings.ReadReceipt(accepted.ServiceReceipt.Memory, out var reason);
        Assert.True(receipt is not null, reason);
        Assert.Equal((payee.PeerId.ToString(), payer.Identity.PeerId.ToString(), "rated", "count", 1_000UL), (receipt.Payee, receipt.Content.Payer, receipt.Content.RequestId, receipt.Content.Tool, receipt.Content.AmountMicro));
    }

    private static ToolInvocation Request(string requestId, Voucher voucher) => new() { RequestId = requestId, Tool = "count", Params = "{}", Voucher = voucher };

    private static T With<T>(T message, Action<T> change)
        where T : IDeepCloneable<T>
    {
        var changed = message.Clone();
        change(changed);
        return changed;
    }

    private async Task<HostilePeer> StartAsync()
    {
        var peer = await HostilePeer.StartAsync();
        await peer.DialAsync(payee.Peer.Address.ToString());
        return peer;
    }

    private async Task<string> RefusalAsync(HostilePeer payer, ToolInvocation request) => (await payer.InvokeAsync(payee.PeerId, request))[^1].Refused.Code;

    private async Task<string> ServedAsync(HostilePeer payer, ToolInvocation request)
    {
        var frames = await payer.InvokeAsync(payee.PeerId, request);
        Assert.Equal(request.Voucher.CumulativeMicro, frames[0].PaymentAccepted.AcceptedMicro);
        return frames[1].Outcome.Content[.."served".Length];
    }
}
