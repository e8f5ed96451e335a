using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Micropayments.Channels;

/// <summary>A payer and a payee with fixed keys, their terms, and shorthands for the commands between them.</summary>
internal static class ChannelPair
{
    public const ulong DepositMicro = 1_000;

    public static PeerIdentity Payer { get; } = Identity(1);

    public static PeerIdentity Payee { get; } = Identity(2);

    public static PeerIdentity Stranger { get; } = Identity(3);

    public static PaymentTerms PayeeTerms { get; } = MutualCredit.TermsOf(Payee, new PeerOptions { DataDirectory = "", MaxCreditMicro = 5_000 });

    public static string Key { get; } = $"{Payee.PeerId}:USDC";

    public static ChannelTerms Terms { get; } = new PayerChannelState(Key).Propose(Pay("r", 1), Payer.Wallet.Address.Span, new byte[32], DepositMicro).Terms;

    public static string ChannelId { get; } = ChannelIds.ToText(ChannelIds.Of(Terms));

    /// <summary>The payer's side, open and unused.</summary>
    public static PayerChannelState OpenPayer { get; } =
        new PayerChannelState(Key).Apply(new PayerChannelEvents.Proposed(Payee.PeerId.ToString(), Terms)).Apply(new PayerChannelEvents.Confirmed());

    /// <summary>The payee's side, open and unused.</summary>
    public static PayeeChannelState OpenPayee { get; } = new PayeeChannelState(ChannelId).Apply(new PayeeChannelEvents.Opened(Payer.PeerId.ToString(), Terms));

    public static PeerIdentity Identity(byte seed)
    {
        var keys = KeyPair.FromSeed(Enumerable.Repeat(seed, 32).ToArray());
        var wallet = Secp256k1Wallet.FromPrivateKey(Enumerable.Repeat(seed, 32).ToArray());
        return new PeerIdentity(keys, wallet, IdentityBindings.Create(keys, wallet, DateTimeOffset.UnixEpoch.AddDays(20_000)));
    }

    public static PayerChannelCommands.Pay Pay(string requestId, ulong priceMicro) =>
        new(Key, requestId, Amount.MicroUsdc(priceMicro), Payee.PeerId.ToString(), PayeeTerms, Payee.Binding);

    public static PayeeChannelCommands.Open Open(Action<ChannelTerms>? change = null)
    {
        var terms = Terms.Clone();
        change?.Invoke(terms);
        return new PayeeChannelCommands.Open(ChannelIds.ToText(ChannelIds.Of(terms)), Payer.PeerId.ToString(), terms, Payer.Binding);
    }

    public static Voucher Voucher(ulong cumulativeMicro, PeerIdentity? signer = null) => new VoucherSigner((signer ?? Payer).Wallet).Sign(Terms, cumulativeMicro);

    public static PayeeChannelCommands.Accept Accept(string requestId, ulong cumulativeMicro, ulong priceMicro) =>
        new(ChannelId, Payer.PeerId.ToString(), requestId, Voucher(cumulativeMicro), Amount.MicroUsdc(priceMicro));

    public static ByteString Bytes(byte value, int count) => ByteString.CopyFrom(Enumerable.Repeat(value, count).ToArray());
}
