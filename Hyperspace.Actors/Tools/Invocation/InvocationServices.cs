using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Reputation;
using Hyperspace.Contracts.State;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>What an invocation talks to: the session, the payer's channels, and other peers.</summary>
internal sealed class InvocationServices(PeerServices peer, ToolCatalog catalog, CapabilityStore store, CapabilityFetcher fetcher, IReadOnlyActorRegistry registry)
{
    private static readonly TimeSpan SessionTimeout = TimeSpan.FromSeconds(10);

    // A payment may wait for the vouchers before it; whoever gives up must still learn whether one was signed.
    private static readonly TimeSpan PaymentTimeout = TimeSpan.FromSeconds(60);

    public PeerServices Peer => peer;

    public ToolCatalog Catalog => catalog;

    public CapabilityStore Store => store;

    public CapabilityFetcher Fetcher => fetcher;

    /// <summary>Asks the session; no answer in time is a refusal too.</summary>
    public Task<object> AskSessionAsync(ISessionMessage message) => AskAsync<ActorKeys.Sessions>(message, SessionTimeout, "This peer keeps no sessions.");

    /// <summary>Asks the payer's channel; no answer in time is a refusal too.</summary>
    public Task<object> AskChannelAsync(IPayerChannelMessage message) => AskAsync<ActorKeys.PayerChannels>(message, PaymentTimeout, "This peer has no payment channels, so it can only call free tools.");

    /// <summary>What a provider is known to offer, asked for when its tool of that name is not known; null when it can't be had in time.</summary>
    public async Task<PeerCapabilities?> RecordAsync(PeerId provider, string tool, CancellationToken deadline)
    {
        if (store.Use(provider)?.Record is { } known && known.Find(tool) is not null)
        {
            return known;
        }

        try
        {
            return await fetcher.GetAsync(provider, Tiers.Dht, deadline).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Tells what came of a call of another peer's tool; a peer that keeps no reputations hears nothing.</summary>
    public void Tell(ReputationCommands.Called called)
    {
        if (registry.TryGet<ActorKeys.Reputation>(out var reputation))
        {
            reputation.Tell(called, ActorRefs.NoSender);
        }
    }

    private async Task<object> AskAsync<TKey>(object message, TimeSpan timeout, string absent)
    {
        if (!registry.TryGet<TKey>(out var actor))
        {
            return new Refusal(ErrorCodes.Internal, absent);
        }

        try
        {
            return await actor.Ask<object>(message, timeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.PaymentPending, $"{message.GetType().Name} was not answered within {timeout.TotalSeconds} seconds; look at the session before you try again.");
        }
    }
}
