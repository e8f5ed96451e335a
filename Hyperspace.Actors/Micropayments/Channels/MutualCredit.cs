using System.Security.Cryptography;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>The terms on which this peer is paid while no chain stands behind a channel: on trust, up to its credit limit.</summary>
internal static class MutualCredit
{
    // Both addresses only separate these vouchers from those of a real escrow.
    private static readonly ByteString Token = ByteString.CopyFrom(new byte[20]);
    private static readonly ByteString Escrow = ByteString.CopyFrom(SHA256.HashData("hyperspace mutual credit"u8)[..20]);

    /// <summary>This peer's terms.</summary>
    public static PaymentTerms TermsOf(PeerIdentity identity, PeerOptions options) => new()
    {
        Payee = ByteString.CopyFrom(identity.Wallet.Address.Span),
        Token = Token,
        Escrow = Escrow,
        ChainId = options.ChainId,
        MaxCreditMicro = options.MaxCreditMicro,
        Currency = Currency.Usdc.Code,
    };
}
