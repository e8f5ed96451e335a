using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Contracts.Chain;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>The transaction that settles an authorization: EIP-3009's <c>transferWithAuthorization</c>, which anyone may send and which pays the payee only.</summary>
internal static class ChargeSettlement
{
    /// <summary>The wish to have it on chain.</summary>
    public static ChainCommands.Submit Of(ChargePayment payment)
    {
        var a = payment.Authorization;
        var transfer = new TransferAuthorization(Bytes(a.From), Bytes(a.To), a.Value.MicroUnits, a.ValidAfter, a.ValidBefore, Bytes(a.Nonce));
        return new ChainCommands.Submit(payment.IntentId, a.ChainId, a.Token, EvmText.Of(TokenCalls.TransferWithAuthorization(transfer, Bytes(a.Signature))));
    }

    private static byte[] Bytes(string text) => Convert.FromHexString(text.AsSpan(2));
}
