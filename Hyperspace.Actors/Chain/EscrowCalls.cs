using Hyperspace.Actors.Evm;

namespace Hyperspace.Actors.Chain;

/// <summary>
/// Call data for the escrow contract (<c>contracts/src/PaymentEscrow.sol</c>), and its answers. Addresses are 20 bytes,
/// ids and salts 32, amounts token units, signatures 65 bytes <c>r ‖ s ‖ v</c>.
/// </summary>
internal static class EscrowCalls
{
    /// <summary>Seconds between a payer's wish to close and its withdrawal: the payee must claim before.</summary>
    public const ulong CloseGraceSeconds = 15 * 60;

    /// <summary>Opens a channel from the sender, who has approved the deposit.</summary>
    public static byte[] Open(ReadOnlySpan<byte> payee, ReadOnlySpan<byte> token, UInt128 deposit, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> authorizedSigner) =>
        Abi.Call("open", AbiValue.Address(payee), AbiValue.Address(token), AbiValue.UInt128(deposit), AbiValue.Bytes32(salt), AbiValue.Address(authorizedSigner));

    /// <summary>
    /// Opens a channel from the authorization's signer. The authorization is one of <c>receiveWithAuthorization</c> to the
    /// escrow (<see cref="TransferAuthorization.ReceiveDigest"/>) whose nonce is the channel's id.
    /// </summary>
    public static byte[] OpenWithAuthorization(
        ReadOnlySpan<byte> payee, ReadOnlySpan<byte> token, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> authorizedSigner, TransferAuthorization authorization, ReadOnlySpan<byte> signature) =>
        Abi.Call(
            "openWithAuthorization",
            AbiValue.Address(payee),
            AbiValue.Address(token),
            AbiValue.UInt128(authorization.Value),
            AbiValue.Bytes32(salt),
            AbiValue.Address(authorizedSigner),
            AbiValue.Address(authorization.From.Span),
            AbiValue.UInt256(authorization.ValidAfter),
            AbiValue.UInt256(authorization.ValidBefore),
            AbiValue.Bytes32(authorization.Nonce.Span),
            AbiValue.UInt8(signature[64]),
            AbiValue.Bytes32(signature[..32]),
            AbiValue.Bytes32(signature[32..64]));

    /// <summary>Adds to a channel's deposit from the payer, who has approved it; a pending close request is cancelled.</summary>
    public static byte[] TopUp(ReadOnlySpan<byte> channelId, UInt128 additionalDeposit) =>
        Abi.Call("topUp", AbiValue.Bytes32(channelId), AbiValue.UInt256(additionalDeposit));

    /// <summary>As <see cref="TopUp"/>, on the payer's <c>receiveWithAuthorization</c> to the escrow whose nonce is <see cref="TopUpNonce"/> of this salt.</summary>
    public static byte[] TopUpWithAuthorization(ReadOnlySpan<byte> channelId, ReadOnlySpan<byte> salt, TransferAuthorization authorization, ReadOnlySpan<byte> signature) => Abi.Call(
        "topUpWithAuthorization",
        AbiValue.Bytes32(channelId),
        AbiValue.UInt128(authorization.Value),
        AbiValue.Address(authorization.From.Span),
        AbiValue.UInt256(authorization.ValidAfter),
        AbiValue.UInt256(authorization.ValidBefore),
        AbiValue.Bytes32(salt),
        AbiValue.UInt8(signature[64]),
        AbiValue.Bytes32(signature[..32]),
        AbiValue.Bytes32(signature[32..64]));

    /// <summary>The nonce that binds an authorization to one top-up of one channel.</summary>
    public static byte[] TopUpNonce(ReadOnlySpan<byte> channelId, ReadOnlySpan<byte> salt) => Keccak256.Hash([.. channelId, .. salt]);

    /// <summary>Pays the payee, who sends it, up to the voucher's amount.</summary>
    public static byte[] Settle(ReadOnlySpan<byte> channelId, UInt128 cumulative, ReadOnlySpan<byte> signature) =>
        Abi.Call("settle", AbiValue.Bytes32(channelId), AbiValue.UInt128(cumulative), AbiValue.Bytes(signature));

    /// <summary>As <see cref="Settle"/>, and the remainder goes back to the payer. Without a claim above what is settled, the signature may be empty.</summary>
    public static byte[] Close(ReadOnlySpan<byte> channelId, UInt128 cumulative, ReadOnlySpan<byte> signature) =>
        Abi.Call("close", AbiValue.Bytes32(channelId), AbiValue.UInt128(cumulative), AbiValue.Bytes(signature));

    /// <summary>The payer asks to close: after <see cref="CloseGraceSeconds"/> it may withdraw.</summary>
    public static byte[] RequestClose(ReadOnlySpan<byte> channelId) => Abi.Call("requestClose", AbiValue.Bytes32(channelId));

    /// <summary>The payer takes back what the payee has not claimed in the grace period.</summary>
    public static byte[] Withdraw(ReadOnlySpan<byte> channelId) => Abi.Call("withdraw", AbiValue.Bytes32(channelId));

    /// <summary>Reads a channel.</summary>
    public static byte[] GetChannel(ReadOnlySpan<byte> channelId) => Abi.Call("getChannel", AbiValue.Bytes32(channelId));

    /// <summary>The answer to <see cref="GetChannel"/>; null when the channel was never opened.</summary>
    /// <exception cref="FormatException">Not such an answer.</exception>
    public static EscrowChannel? ReadChannel(ReadOnlySpan<byte> answer)
    {
        var words = new AbiWords(answer);
        var channel = new EscrowChannel(
            words.Address(2).ToArray(), words.Address(3).ToArray(), words.Address(4).ToArray(), words.Address(5).ToArray(), words.UInt128(6), words.UInt128(7), words.UInt64(1), words.Bool(0));
        return channel.Payer.Span.ContainsAnyExcept((byte)0) ? channel : null;
    }
}
