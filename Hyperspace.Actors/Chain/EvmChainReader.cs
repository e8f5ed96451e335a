using System.Numerics;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Chain;

/// <inheritdoc/>
internal sealed class EvmChainReader(ChainOptions options, IEvmNode node) : IChainReader
{
    /// <inheritdoc/>
    public ChainOptions Options => options;

    /// <inheritdoc/>
    public Task<BigInteger> TokenBalanceAsync(ReadOnlyMemory<byte> owner, CancellationToken cancellationToken) =>
        AskAsync(options.Token.Address, TokenCalls.BalanceOf(owner.Span), answer => new AbiWords(answer).UInt256(0), cancellationToken);

    /// <inheritdoc/>
    public Task<bool> IsAuthorizationUsedAsync(ReadOnlyMemory<byte> authorizer, ReadOnlyMemory<byte> nonce, CancellationToken cancellationToken) =>
        AskAsync(options.Token.Address, TokenCalls.AuthorizationState(authorizer.Span, nonce.Span), answer => new AbiWords(answer).Bool(0), cancellationToken);

    /// <inheritdoc/>
    public Task<EscrowChannel?> ChannelAsync(ReadOnlyMemory<byte> escrow, ReadOnlyMemory<byte> channelId, CancellationToken cancellationToken) =>
        AskAsync(escrow, EscrowCalls.GetChannel(channelId.Span), answer => EscrowCalls.ReadChannel(answer), cancellationToken);

    private async Task<T> AskAsync<T>(ReadOnlyMemory<byte> to, ReadOnlyMemory<byte> data, Func<byte[], T> read, CancellationToken cancellationToken)
    {
        var answer = await node.CallAsync(to, data, cancellationToken);
        try
        {
            return read(answer);
        }
        catch (FormatException e)
        {
            throw new IOException($"Chain {options.ChainId} ({options.Name}): {e.Message}", e);
        }
    }
}
