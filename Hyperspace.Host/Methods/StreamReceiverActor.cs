using Akka.Actor;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Host.Methods;

/// <summary>Takes a stream on behalf of one call of the local API; ends with the call.</summary>
internal sealed class StreamReceiverActor : ReceiveActor
{
    /// <param name="tools">The tool registry.</param>
    /// <param name="stream">What is asked of it.</param>
    /// <param name="take">Told tokens in order, while the provider is held back; false ends the stream.</param>
    /// <param name="ended">Told what the stream came to.</param>
    public StreamReceiverActor(IActorRef tools, ToolCommands.Stream stream, Func<StreamedTokens, bool> take, TaskCompletionSource<object> ended)
    {
        Receive<StreamedTokens>(tokens =>
        {
            Sender.Tell(take(tokens) ? TokensTaken.Instance : new Refusal(ErrorCodes.RateLimited, "The client does not take the tokens."));
        });
        ReceiveAny(result =>
        {
            ended.TrySetResult(result);
            Context.Stop(Self);
        });
        tools.Tell(stream);
    }
}
