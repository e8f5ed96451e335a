namespace Hyperspace.Contracts;

/// <summary>Gossip topics, DHT keys and rpc methods that peers agree on.</summary>
public static class Topics
{
    /// <summary>Parent of all capability topics: newcomers listen here.</summary>
    public const string Capabilities = "hyperspace/capabilities";

    /// <summary>Prefix of the trajectory topics.</summary>
    public const string TrajectoriesPrefix = "hyperspace/trajectories/";

    /// <summary>Parent of all settlement topics: ledger peers listen here.</summary>
    public const string Settlements = "hyperspace/settlements";

    /// <summary>Parent of all reputation topics: newcomers listen here.</summary>
    public const string Reputation = "hyperspace/reputation";

    /// <summary>Votes on what a search found.</summary>
    public const string MatrixFeedback = "hyperspace/matrix/feedback";

    /// <summary>What each peer learnt from its own votes and runs, as sums.</summary>
    public const string MatrixModel = "hyperspace/matrix/model";

    /// <summary>One peer's capability topic.</summary>
    public static string CapabilitiesOf(string peerId) => $"{Capabilities}/{peerId}";

    /// <summary>A task type's trajectory topic.</summary>
    public static string Trajectories(string taskType) => TrajectoriesPrefix + taskType;

    /// <summary>Topic of the ratings of one peer.</summary>
    public static string ReputationOf(string peerId) => $"{Reputation}/{peerId}";

    /// <summary>A round's settlement topic.</summary>
    public static string SettlementsOf(string round) => $"{Settlements}/{round}";
}

/// <summary>The types that an envelope may have.</summary>
public static class EnvelopeTypes
{
    /// <summary>Payload <c>CapabilityRecord</c>.</summary>
    public const string Capabilities = "hyperspace.capabilities";

    /// <summary>Payload <c>CapabilityQuery</c>.</summary>
    public const string CapabilityQuery = "hyperspace.capability-query";

    /// <summary>Payload <c>Trajectory</c>.</summary>
    public const string Trajectory = "hyperspace.trajectory";

    /// <summary>Payload <c>ExemplarCredits</c>.</summary>
    public const string ExemplarCredits = "hyperspace.exemplar-credits";

    /// <summary>Payload <c>PlaybookDelta</c>.</summary>
    public const string PlaybookDelta = "hyperspace.playbook-delta";

    /// <summary>Payload <c>MatrixVotes</c>.</summary>
    public const string MatrixVotes = "hyperspace.matrix-votes";

    /// <summary>Payload <c>MatrixDelta</c>.</summary>
    public const string MatrixDelta = "hyperspace.matrix-delta";

    /// <summary>Payload <c>Rating</c>.</summary>
    public const string Rating = "hyperspace.rating";

    /// <summary>Payload <c>ServiceReceipt</c>.</summary>
    public const string ServiceReceipt = "hyperspace.service-receipt";

    /// <summary>Payload <c>Settlement</c>.</summary>
    public const string Settlement = "hyperspace.settlement";
}

/// <summary>Methods of <c>/hyperspace/rpc/1.0.0</c>.</summary>
public static class RpcMethods
{
    /// <summary>Server streaming: <c>ToolInvocation</c> → <c>ToolInvocationFrame</c>….</summary>
    public const string ToolInvoke = "tool.invoke";

    /// <summary>Server streaming: <c>ToolStreamRequest</c> → <c>ToolStreamFrame</c>….</summary>
    public const string ToolStream = "tool.stream";

    /// <summary>Unary: <c>ToolStreamPayment</c> → <c>VoucherPaymentReply</c>.</summary>
    public const string ToolStreamPay = "tool.stream.pay";

    /// <summary>Unary: <c>OpenChannel</c> → <c>OpenChannelReply</c>.</summary>
    public const string ChannelOpen = "channel.open";

    /// <summary>Unary: <c>ChannelQuery</c> → <c>ChannelStanding</c>.</summary>
    public const string ChannelStatus = "channel.status";

    /// <summary>Unary: <c>ChannelTermsQuery</c> → <c>ChannelTermsReply</c>.</summary>
    public const string ChannelTerms = "channel.terms";

    /// <summary>Unary: <c>VoucherPayment</c> → <c>VoucherPaymentReply</c>.</summary>
    public const string ChannelVoucher = "channel.voucher";

    /// <summary>Unary: <c>TopUpChannel</c> → <c>ChannelReply</c>.</summary>
    public const string ChannelTopUp = "channel.topUp";

    /// <summary>Unary: <c>CloseChannel</c> → <c>ChannelReply</c>.</summary>
    public const string ChannelClose = "channel.close";

    /// <summary>Unary: empty → <c>Envelope</c> of a <c>CapabilityRecord</c>.</summary>
    public const string CapabilitiesGet = "capabilities.get";

    /// <summary>Unary: <c>TrajectorySyncRequest</c> → <c>TrajectorySyncReply</c>.</summary>
    public const string TrajectoriesSync = "trajectories.sync";

    /// <summary>Unary: <c>TrajectoryBodyRequest</c> → <c>TrajectoryBodyReply</c>.</summary>
    public const string TrajectoriesBody = "trajectories.body";

    /// <summary>Unary: <c>MatrixSyncRequest</c> → <c>MatrixSyncReply</c>.</summary>
    public const string MatrixSync = "matrix.sync";
}
