using System.Numerics;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Actors.Chain;

/// <summary>Call data for an ERC-20 token with EIP-3009. A signature is 65 bytes <c>r ‖ s ‖ v</c>.</summary>
internal static class TokenCalls
{
    public static byte[] BalanceOf(ReadOnlySpan<byte> owner) => Abi.Call("balanceOf", AbiValue.Address(owner));

    public static byte[] Allowance(ReadOnlySpan<byte> owner, ReadOnlySpan<byte> spender) => Abi.Call("allowance", AbiValue.Address(owner), AbiValue.Address(spender));

    public static byte[] Approve(ReadOnlySpan<byte> spender, BigInteger value) => Abi.Call("approve", AbiValue.Address(spender), AbiValue.UInt256(value));

    public static byte[] Transfer(ReadOnlySpan<byte> to, BigInteger value) => Abi.Call("transfer", AbiValue.Address(to), AbiValue.UInt256(value));

    /// <summary>Whether an authorization was used or cancelled.</summary>
    public static byte[] AuthorizationState(ReadOnlySpan<byte> authorizer, ReadOnlySpan<byte> nonce) =>
        Abi.Call("authorizationState", AbiValue.Address(authorizer), AbiValue.Bytes32(nonce));

    /// <summary>Moves the tokens of an authorization; anybody may send it.</summary>
    public static byte[] TransferWithAuthorization(TransferAuthorization authorization, ReadOnlySpan<byte> signature) => Abi.Call(
        "transferWithAuthorization",
        AbiValue.Address(authorization.From.Span),
        AbiValue.Address(authorization.To.Span),
        AbiValue.UInt256(authorization.Value),
        AbiValue.UInt256(authorization.ValidAfter),
        AbiValue.UInt256(authorization.ValidBefore),
        AbiValue.Bytes32(authorization.Nonce.Span),
        AbiValue.UInt8(signature[64]),
        AbiValue.Bytes32(signature[..32]),
        AbiValue.Bytes32(signature[32..64]));
}
