using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Contracts;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.Methods;

/// <summary>Asks the peer's actors on behalf of the local API; a <see cref="Refusal"/> becomes the call's error.</summary>
internal sealed class PeerActors(IReadOnlyActorRegistry registry)
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(20);

    /// <summary>Asks the actor of that key and returns its reply of the expected type.</summary>
    public async Task<TReply> AskAsync<TKey, TReply>(object message, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var actor = await registry.GetAsync<TKey>(cancellationToken);
        object reply;
        try
        {
            reply = await actor.Ask<object>(message, timeout ?? DefaultTimeout, cancellationToken);
        }
        catch (AskTimeoutException)
        {
            throw JsonRpcException.Refused(new Refusal(ErrorCodes.Timeout, "The peer did not answer in time; try again, or look into its log."));
        }

        return reply switch
        {
            TReply expected => expected,
            Refusal refusal => throw JsonRpcException.Refused(refusal),
            _ => throw new InvalidOperationException($"{typeof(TKey).Name} answered {message.GetType().Name} with {reply.GetType().Name} instead of {typeof(TReply).Name}."),
        };
    }

    /// <summary>The actor of that key.</summary>
    public Task<IActorRef> GetAsync<TKey>(CancellationToken cancellationToken) => registry.GetAsync<TKey>(cancellationToken);
}
