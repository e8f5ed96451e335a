using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>The payer's calls to a payee: <c>channel.*</c>. A call that fails is a value: the reply, or why there is none.</summary>
internal sealed class PayeeClient(IRpc rpc, TimeSpan deadline)
{
    /// <summary>Asks for the terms on which the payee is paid, on a chain or (0) as it prefers.</summary>
    public Task<(ChannelTermsReply? Reply, string? Failure)> TermsAsync(string payeePeerId, string currency, ulong chainId) =>
        CallAsync(payeePeerId, RpcMethods.ChannelTerms, new ChannelTermsQuery { Currency = currency, ChainId = chainId }, ChannelTermsReply.Parser);

    /// <summary>Asks the payee to open a channel.</summary>
    public Task<(OpenChannelReply? Reply, string? Failure)> OpenAsync(string payeePeerId, ChannelTerms terms, IdentityBinding binding, bool funded) =>
        CallAsync(payeePeerId, RpcMethods.ChannelOpen, new OpenChannel { Terms = terms, Binding = binding, Funded = funded }, OpenChannelReply.Parser);

    /// <summary>Asks the payee whether a request was paid; if not, it won't be.</summary>
    public Task<(ChannelStanding? Reply, string? Failure)> StatusAsync(string payeePeerId, byte[] channelId, string requestId) =>
        CallAsync(payeePeerId, RpcMethods.ChannelStatus, new ChannelQuery { ChannelId = ByteString.CopyFrom(channelId), RequestId = requestId }, ChannelStanding.Parser);

    /// <summary>Pays the payee itself.</summary>
    public Task<(VoucherPaymentReply? Reply, string? Failure)> PayAsync(string payeePeerId, VoucherPayment payment) =>
        CallAsync(payeePeerId, RpcMethods.ChannelVoucher, payment, VoucherPaymentReply.Parser);

    /// <summary>Asks the payee to raise the deposit.</summary>
    public Task<(ChannelReply? Reply, string? Failure)> TopUpAsync(string payeePeerId, byte[] channelId, ulong depositMicro) =>
        CallAsync(payeePeerId, RpcMethods.ChannelTopUp, new TopUpChannel { ChannelId = ByteString.CopyFrom(channelId), DepositMicro = depositMicro }, ChannelReply.Parser);

    /// <summary>Asks the payee to close the channel with the final voucher.</summary>
    public Task<(ChannelReply? Reply, string? Failure)> CloseAsync(string payeePeerId, Voucher final) =>
        CallAsync(payeePeerId, RpcMethods.ChannelClose, new CloseChannel { Voucher = final }, ChannelReply.Parser);

    private async Task<(T? Reply, string? Failure)> CallAsync<T>(string peer, string method, IMessage request, MessageParser<T> parser)
        where T : class, IMessage<T>
    {
        try
        {
            var frame = await rpc.CallUnaryAsync(PeerId.Parse(peer), method, request.ToByteArray(), deadline).ConfigureAwait(false);
            return (parser.ParseFrom(frame.Span), null);
        }
        catch (Exception e) when (e is RpcException or InvalidProtocolBufferException)
        {
            return (null, e.Message);
        }
    }
}
