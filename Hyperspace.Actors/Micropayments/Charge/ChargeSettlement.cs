using System.Globalization;
using Hyperspace.Actors.Evm;
using Hyperspace.Contracts.Chain;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>The transaction that settles an authorization: EIP-3009's <c>transferWithAuthorization</c>, which anyone may send and which pays the payee only.</summary>
internal static class ChargeSettlement
{
    private static readonly string Selector = "0x" + Convert.ToHexStringLower(
        Keccak256.Hash("transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"u8).AsSpan(0, 4));

    /// <summary>The wish to have it on chain.</summary>
    public static ChainCommands.Submit Of(ChargePayment payment)
    {
        var a = payment.Authorization;
        return new ChainCommands.Submit(payment.IntentId, a.ChainId, a.Token, Data(a));
    }

    private static string Data(ChargeAuthorization a)
    {
        var signature = a.Signature.AsSpan(2);
        return string.Concat(
        [
            Selector,
            Address(a.From),
            Address(a.To),
            Number(a.Value.MicroUnits),
            Number(a.ValidAfter),
            Number(a.ValidBefore),
            a.Nonce[2..],
            Number(ulong.Parse(signature[128..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)),
            signature[..64].ToString(),
            signature[64..128].ToString(),
        ]);
    }

    private static string Address(string address) => address[2..].PadLeft(64, '0');

    private static string Number(ulong number) => number.ToString("x64", CultureInfo.InvariantCulture);
}
