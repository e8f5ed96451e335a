using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Hosting;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Matrix;

/// <summary>How the matrix is wired in.</summary>
public static class MatrixExtensions
{
    private const int MaxServed = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    /// <summary>
    /// Registers <see cref="ActorKeys.Matrix"/> and serves <c>matrix.sync</c>. Needs as services <see cref="PeerOptions"/>,
    /// <see cref="PeerIdentity"/>, <see cref="HybridClock"/>, <see cref="TimeProvider"/>, <see cref="ISwitch"/> and <see cref="IRpc"/>, takes
    /// <c>ITrust</c> if it is there, and needs <see cref="ActorKeys.Gossip"/> in the registry before it. Set
    /// <see cref="MatrixGossip.Validator"/> on the mesh for <see cref="Topics.MatrixFeedback"/> and <see cref="Topics.MatrixModel"/>.
    /// </summary>
    public static AkkaConfigurationBuilder WithMatrix(this AkkaConfigurationBuilder builder) => builder
        .WithActors((system, registry, resolver) =>
        {
            var services = new MatrixServices(
                resolver.GetService<PeerOptions>().DataDirectory,
                resolver.GetService<PeerIdentity>(),
                resolver.GetService<HybridClock>(),
                resolver.GetService<TimeProvider>(),
                resolver.GetService<IRpc>(),
                resolver.GetService<ISwitch>(),
                Random.Shared,
                resolver.GetService<ITrust>(),
                resolver.GetService<PeerOptions>().Learning.Embedder);
            var matrix = system.ActorOf(Props.Create(() => new MatrixActor(services, registry)), "matrix");
            registry.Register<ActorKeys.Matrix>(matrix);
            services.Rpc.Handle(RpcMethods.MatrixSync, new Server(matrix).Serve);
        });

    private sealed class Server(IActorRef matrix)
    {
        private int _running;

        public async IAsyncEnumerable<ReadOnlyMemory<byte>> Serve(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            MatrixSyncRequest request;
            try
            {
                request = MatrixSyncRequest.Parser.ParseFrom(call.Payload.Span);
            }
            catch (InvalidProtocolBufferException e)
            {
                throw new RpcException(RpcStatus.InvalidArgument, "That is no MatrixSyncRequest: " + e.Message);
            }

            if (Interlocked.Increment(ref _running) > MaxServed)
            {
                Interlocked.Decrement(ref _running);
                throw new RpcException(RpcStatus.ResourceExhausted, "Too many peers ask for the matrix right now; try again later.");
            }

            MatrixSyncReply reply;
            try
            {
                reply = await matrix.Ask<MatrixSyncReply>(new MatrixActor.SyncRequest(request), Patience, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                Interlocked.Decrement(ref _running);
            }

            yield return reply.ToByteArray();
        }
    }
}
