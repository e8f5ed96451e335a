using System.Numerics;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Actors.Chain;

/// <summary>An EIP-1559 transaction (type 2) with an empty access list and no value: this peer moves tokens, never ether.</summary>
/// <param name="ChainId">EIP-155 id.</param>
/// <param name="Nonce">The sender's.</param>
/// <param name="MaxPriorityFeePerGas">Wei that the block's proposer gets per gas.</param>
/// <param name="MaxFeePerGas">Wei per gas at most, base fee included.</param>
/// <param name="GasLimit">Gas at most.</param>
/// <param name="To">The contract, 20 bytes; empty: the data is the code of a new contract.</param>
/// <param name="Data">Call data.</param>
internal sealed record Eip1559Transaction(
    ulong ChainId, ulong Nonce, BigInteger MaxPriorityFeePerGas, BigInteger MaxFeePerGas, ulong GasLimit, ReadOnlyMemory<byte> To, ReadOnlyMemory<byte> Data)
{
    private const byte Type = 2;

    /// <summary>The digest that the sender signs.</summary>
    public byte[] SigningHash() => Keccak256.Hash([Type, .. Rlp.List(Fields())]);

    /// <summary>Signs it with the wallet that sends it.</summary>
    public SignedTransaction Sign(IWallet wallet)
    {
        var signature = wallet.SignDigest(SigningHash());
        byte[] raw =
        [
            Type,
            .. Rlp.List(
            [
                .. Fields(),
                Rlp.Integer(signature[64] - 27),
                Rlp.Integer(new BigInteger(signature.AsSpan(0, 32), isUnsigned: true, isBigEndian: true)),
                Rlp.Integer(new BigInteger(signature.AsSpan(32, 32), isUnsigned: true, isBigEndian: true)),
            ]),
        ];
        return new SignedTransaction(raw, Keccak256.Hash(raw));
    }

    private byte[][] Fields() =>
    [
        Rlp.Integer(ChainId),
        Rlp.Integer(Nonce),
        Rlp.Integer(MaxPriorityFeePerGas),
        Rlp.Integer(MaxFeePerGas),
        Rlp.Integer(GasLimit),
        Rlp.Bytes(To.Span),
        Rlp.Integer(BigInteger.Zero),
        Rlp.Bytes(Data.Span),
        Rlp.List(),
    ];
}

/// <summary>A transaction as it is sent.</summary>
/// <param name="Raw">What <c>eth_sendRawTransaction</c> takes.</param>
/// <param name="Hash">Its 32-byte hash.</param>
internal sealed record SignedTransaction(ReadOnlyMemory<byte> Raw, ReadOnlyMemory<byte> Hash);
