using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>The payer's calls to a payee: <c>channel.open</c> and <c>channel.status</c>. A call that fails is a value.</summary>
internal sealed class PayeeClient(IRpc rpc, TimeSpan deadline)
{
    /// <summary>Asks the payee to open a channel. The reply, or why there is none.</summary>
    public Task<(OpenChannelReply? Reply, string? Failure)> OpenAsync(string payeePeerId, ChannelTerms terms, IdentityBinding binding) =>
        CallAsync(payeePeerId, RpcMethods.ChannelOpen, new OpenChannel { Terms = terms, Binding = binding }, OpenChannelReply.Parser);

    /// <summary>Asks the payee whether a request was paid; if not, it won't be. The standing, or why there is none.</summary>
    public Task<(ChannelStanding? Reply, string? Failure)> StatusAsync(string payeePeerId, byte[] channelId, string requestId) =>
        CallAsync(payeePeerId, RpcMethods.ChannelStatus, new ChannelQuery { ChannelId = ByteString.CopyFrom(channelId), RequestId = requestId }, ChannelStanding.Parser);

    private async Task<(T? Reply, string? Failure)> CallAsync<T>(string peer, string method, IMessage request, MessageParser<T> parser)
        where T : class, IMessage<T>
    {
        try
        {
            var frame = await rpc.CallUnaryAsync(PeerId.Parse(peer), method, request.ToByteArray(), deadline);
            return (parser.ParseFrom(frame.Span), null);
        }
        catch (Exception e) when (e is RpcException or InvalidProtocolBufferException)
        {
            return (null, e.Message);
        }
    }
}
