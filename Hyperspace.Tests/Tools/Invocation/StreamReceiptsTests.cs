using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Actors.Tools.Invocation;
using Hyperspace.Contracts.Money;
using Hyperspace.Tests.Reputation;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Tools.Invocation;

public class StreamReceiptsTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000);
    private static readonly PeerIdentity Payer = RatingsTests.Who(1);
    private static readonly PeerIdentity Payee = RatingsTests.Who(2);

    [Fact]
    public void The_receipt_over_the_most_is_held_in_whatever_order_they_come()
    {
        var receipts = Receipts();
        Assert.Null(receipts.Best);
        receipts.Offer(ByteString.Empty);
        Assert.Null(receipts.Best);
        receipts.Offer(Sealed(Payee, Payer, "req", 20));
        receipts.Offer(Sealed(Payee, Payer, "req", 50));
        receipts.Offer(Sealed(Payee, Payer, "req", 30));
        Assert.Equal(50UL, Held(receipts));
    }

    [Fact]
    public void What_is_not_this_streams_or_not_true_is_left_out()
    {
        var receipts = Receipts();
        receipts.Offer(Sealed(Payee, Payer, "req", 10));
        receipts.Offer(Sealed(RatingsTests.Who(3), Payer, "req", 20));
        receipts.Offer(Sealed(Payee, RatingsTests.Who(3), "req", 20));
        receipts.Offer(Sealed(Payee, Payer, "another", 20));
        receipts.Offer(Sealed(Payee, Payer, "req", 101));
        receipts.Offer(Sealed(Payee, Payer, "req", 20, "EUR"));
        receipts.Offer(Sealed(Payee, Payer, "req", 20, at: Now.AddDays(-89)));
        receipts.Offer(Sealed(Payee, Payer, "req", 20, at: Now.AddSeconds(299)));
        receipts.Offer(ByteString.CopyFromUtf8("no receipt"));
        Assert.Equal(10UL, Held(receipts));
    }

    private static StreamReceipts Receipts() => new(Payee.PeerId.ToString(), Payer.PeerId.ToString(), "req", Amount.MicroUsdc(100), new FakeTimeProvider(Now));

    private static ulong Held(StreamReceipts receipts) => Ratings.ReadReceipt(receipts.Best, out _)!.Content.AmountMicro;

    private static ByteString Sealed(PeerIdentity payee, PeerIdentity payer, string requestId, ulong micros, string currency = "USDC", DateTimeOffset? at = null) => ByteString.CopyFrom(
        Ratings.SealReceipt(payee, payer.PeerId, requestId, "tell", new Amount(micros, Currency.Parse(currency)), new HybridTime((ulong)(at ?? Now).ToUnixTimeMilliseconds(), 0)).Bytes.Span);
}
