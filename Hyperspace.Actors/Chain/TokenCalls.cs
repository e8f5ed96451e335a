using System.Numerics;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Actors.Chain;

/// <summary>An EIP-3009 authorization: a signed wish to move tokens, which another may bring onto the chain.</summary>
/// <param name="From">Whose tokens, and who signs; 20 bytes.</param>
/// <param name="To">Who gets them; 20 bytes.</param>
/// <param name="Value">Token units.</param>
/// <param name="ValidAfter">Unix seconds after which it is good.</param>
/// <param name="ValidBefore">Unix seconds at which it ends.</param>
/// <param name="Nonce">32 bytes; a signer's authorization is used once per nonce.</param>
internal sealed record TokenAuthorization(
    ReadOnlyMemory<byte> From, ReadOnlyMemory<byte> To, BigInteger Value, BigInteger ValidAfter, BigInteger ValidBefore, ReadOnlyMemory<byte> Nonce)
{
    private const string Transfer = "TransferWithAuthorization";
    private const string Receive = "ReceiveWithAuthorization";

    private static readonly IReadOnlyList<TypedDataField> Fields =
        [new("from", "address"), new("to", "address"), new("value", "uint256"), new("validAfter", "uint256"), new("validBefore", "uint256"), new("nonce", "bytes32")];

    private static readonly TypedData Types = new(new Dictionary<string, IReadOnlyList<TypedDataField>> { [Transfer] = Fields, [Receive] = Fields });

    /// <summary>What is signed for <c>transferWithAuthorization</c>, which anybody may send.</summary>
    public byte[] TransferDigest(ulong chainId, ChainToken token) => Digest(chainId, token, Transfer);

    /// <summary>What is signed for <c>receiveWithAuthorization</c>, which only <see cref="To"/> may send: the funding of a channel.</summary>
    public byte[] ReceiveDigest(ulong chainId, ChainToken token) => Digest(chainId, token, Receive);

    private byte[] Digest(ulong chainId, ChainToken token, string primaryType) => Types.Digest(
        new TypedDataDomain(token.Name, token.Version, chainId, token.Address.ToArray()).Separator(),
        primaryType,
        new Dictionary<string, object>
        {
            ["from"] = From.ToArray(),
            ["to"] = To.ToArray(),
            ["value"] = Value,
            ["validAfter"] = ValidAfter,
            ["validBefore"] = ValidBefore,
            ["nonce"] = Nonce.ToArray(),
        });
}

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
    public static byte[] TransferWithAuthorization(TokenAuthorization authorization, ReadOnlySpan<byte> signature) => Abi.Call(
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
