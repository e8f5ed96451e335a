using System.Security.Cryptography;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>
/// The terms on which this peer is paid. A channel without an escrow behind it is on trust, up to the credit limit; once a
/// chain is configured the terms are of that chain, so that what was paid on trust can be settled there.
/// </summary>
internal static class MutualCredit
{
    // Both addresses only separate these vouchers from those of a real escrow.
    private static readonly ByteString Token = ByteString.CopyFrom(new byte[20]);
    private static readonly ByteString Escrow = ByteString.CopyFrom(SHA256.HashData("hyperspace mutual credit"u8)[..20]);

    /// <summary>This peer's preferred terms: those of the first chain that has an escrow, or of no chain.</summary>
    public static PaymentTerms TermsOf(PeerIdentity identity, PeerOptions options) => AllTermsOf(identity, options)[0];

    /// <summary>All terms that it takes, the preferred ones first.</summary>
    public static IReadOnlyList<PaymentTerms> AllTermsOf(PeerIdentity identity, PeerOptions options)
    {
        var credit = new PaymentTerms
        {
            Payee = ByteString.CopyFrom(identity.Wallet.Address.Span),
            Token = Token,
            Escrow = Escrow,
            ChainId = options.ChainId,
            MaxCreditMicro = options.MaxCreditMicro,
            Currency = Currency.Usdc.Code,
        };
        return [.. options.Chains.Where(chain => chain.Escrow is not null).Select(chain => TermsOf(credit, chain, chain.Escrow!.Value)), credit];
    }

    /// <summary>The same with a chain's token and an escrow of it.</summary>
    public static PaymentTerms TermsOf(PaymentTerms own, ChainOptions chain, ReadOnlyMemory<byte> escrow) => new(own)
    {
        Token = ByteString.CopyFrom(chain.Token.Address.Span),
        Escrow = ByteString.CopyFrom(escrow.Span),
        ChainId = chain.ChainId,
        Currency = chain.Token.Currency,
    };
}
