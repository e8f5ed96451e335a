using System.Buffers.Binary;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Chain;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>
/// A channel's transactions in the escrow. Each is a wish with a name made of the channel, so that asking again after a crash
/// is the same wish; its call data are the same each time too.
/// </summary>
internal sealed class EscrowTransactions(IReadOnlyActorRegistry registry, IChains? chains, IWallet wallet)
{
    // An authorization is bound to its channel by its nonce and to the escrow by its payee, so it need not run out.
    private const ulong ValidBefore = 4_102_444_800;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Puts the deposit of the terms into the escrow. Null once that is final; otherwise why not.</summary>
    public async Task<Refusal?> OpenAsync(ChannelTerms terms)
    {
        if (ChainOf(terms) is not { } chain)
        {
            return NotConfigured(terms);
        }

        var id = ChannelIds.Of(terms);
        var authorization = Authorize(terms, terms.DepositMicro, id);
        var data = EscrowCalls.OpenWithAuthorization(terms.Payee.Span, terms.Token.Span, terms.Salt.Span, terms.AuthorizedSigner.Span, authorization, Sign(chain, authorization));
        return await RunAsync($"open-{ChannelIds.ToText(id)}", terms, data).ConfigureAwait(false);
    }

    /// <summary>Adds to the deposit so that it comes to the new one. Null once that is final; otherwise why not.</summary>
    public async Task<Refusal?> TopUpAsync(ChannelTerms terms, ulong depositMicro, ulong newDepositMicro)
    {
        if (ChainOf(terms) is not { } chain)
        {
            return NotConfigured(terms);
        }

        var id = ChannelIds.Of(terms);
        var salt = new byte[32];
        BinaryPrimitives.WriteUInt64BigEndian(salt.AsSpan(24), newDepositMicro);
        var authorization = Authorize(terms, newDepositMicro - depositMicro, EscrowCalls.TopUpNonce(id, salt));
        return await RunAsync($"top-up-{ChannelIds.ToText(id)}-{newDepositMicro}", terms, EscrowCalls.TopUpWithAuthorization(id, salt, authorization, Sign(chain, authorization))).ConfigureAwait(false);
    }

    /// <summary>Has the payee paid by the final voucher and the rest refunded. Null once that is final; otherwise why not.</summary>
    /// <param name="channelId">32 bytes.</param>
    /// <param name="terms">The channel's.</param>
    /// <param name="finalMicro">What the voucher signs.</param>
    /// <param name="signature">Its signature.</param>
    /// <param name="attempt">1 for the first.</param>
    public Task<Refusal?> CloseAsync(byte[] channelId, ChannelTerms terms, ulong finalMicro, ReadOnlyMemory<byte> signature, int attempt) =>
        RunAsync($"close-{ChannelIds.ToText(channelId)}{(attempt > 1 ? $"-{attempt}" : "")}", terms, EscrowCalls.Close(channelId, finalMicro, signature.Span));

    /// <summary>Whether a refusal is the transaction's own: it changed nothing, and this wish never will.</summary>
    public static bool IsFinal(Refusal refusal) => refusal.Code == ErrorCodes.ChannelRefused;

    private async Task<Refusal?> RunAsync(string intentId, ChannelTerms terms, byte[] data)
    {
        if (!registry.TryGet<ActorKeys.Chain>(out var chain))
        {
            return NotConfigured(terms);
        }

        try
        {
            var reply = await chain.Ask<object>(new ChainCommands.Submit(intentId, terms.ChainId, "0x" + Convert.ToHexStringLower(terms.Escrow.Span), "0x" + Convert.ToHexStringLower(data)), ChannelLimits.AskTimeout).ConfigureAwait(false);
            if (reply is ChainIntentView { Status: ChainIntentStatus.Pending })
            {
                reply = await chain.Ask<object>(new ChainCommands.Await(intentId, Patience), Patience + ChannelLimits.AskTimeout).ConfigureAwait(false);
            }

            return reply switch
            {
                ChainIntentView { Status: ChainIntentStatus.Confirmed } => null,
                ChainIntentView { Status: ChainIntentStatus.Pending } => new Refusal(ErrorCodes.PaymentPending, $"The transaction {intentId} is not final yet; it goes on by itself."),
                ChainIntentView view => new Refusal(ErrorCodes.ChannelRefused, $"The transaction {intentId} has changed nothing: {view.Error}"),
                Refusal refusal => new Refusal(ErrorCodes.PaymentPending, refusal.Message),
                _ => throw new InvalidOperationException($"The chain does not answer with {reply.GetType().Name}."),
            };
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.PaymentPending, $"The transaction {intentId} is not known to be final; it goes on by itself.");
        }
    }

    // Only an escrow that this peer was set up with holds its money, whatever a payee's terms say.
    private ChainOptions? ChainOf(ChannelTerms terms) =>
        chains?.Find(terms.ChainId)?.Options is { Escrow: { } escrow } chain && escrow.Span.SequenceEqual(terms.Escrow.Span) && chain.Token.Address.Span.SequenceEqual(terms.Token.Span) ? chain : null;

    private TransferAuthorization Authorize(ChannelTerms terms, ulong micro, byte[] nonce) => new(wallet.Address, terms.Escrow.Memory, micro, 0, ValidBefore, nonce);

    private byte[] Sign(ChainOptions chain, TransferAuthorization authorization) =>
        wallet.SignDigest(authorization.ReceiveDigest(new TokenDomain(chain.Token.Name, chain.Token.Version, chain.ChainId, chain.Token.Address.Span)));

    private static Refusal NotConfigured(ChannelTerms terms) =>
        new(ErrorCodes.ChannelRefused, $"This peer is not set up for that escrow and token on chain {terms.ChainId}; give it the chain at start.");
}
