namespace Hyperspace.Actors.Engine;

/// <summary>
/// Keys of the <c>ActorRegistry</c>: a primitive asks for another by its key and talks to it in the records of
/// Hyperspace.Contracts, so that no folder needs another's actor classes.
/// </summary>
public static class ActorKeys
{
    /// <summary>Shard region of sessions (<c>SessionCommands</c>).</summary>
    public sealed class Sessions;

    /// <summary>Shard region of channels that this peer pays over (<c>PayerChannelCommands</c>).</summary>
    public sealed class PayerChannels;

    /// <summary>Shard region of channels that pay this peer (<c>PayeeChannelCommands</c>).</summary>
    public sealed class PayeeChannels;

    /// <summary>Tells the totals of all channels (<c>GetChannelTotals</c>).</summary>
    public sealed class Channels;

    /// <summary>Transactions on the configured chains (<c>ChainCommands</c>).</summary>
    public sealed class Chain;

    /// <summary>Claims what channels on chain owe this peer, in time; takes no messages.</summary>
    public sealed class ChannelWatch;

    /// <summary>Moves channels to other chains (<c>TransferCommands</c>).</summary>
    public sealed class Transfers;

    /// <summary>The double-entry ledger (<c>LedgerCommands</c>).</summary>
    public sealed class Ledger;

    /// <summary>Credentials of HTTP 402 charges (<c>ChargeCommands</c>).</summary>
    public sealed class Charges;

    /// <summary>Payers whose charges are open (<c>ChargedPayerCommands</c>).</summary>
    public sealed class ChargedPayers;

    /// <summary>Fetches over HTTP that may be paid for (<c>FetchCommands</c>).</summary>
    public sealed class Fetches;

    /// <summary>The tool registry, discovery and invocation (<c>ToolCommands</c>).</summary>
    public sealed class Tools;

    /// <summary>Trajectories and playbooks per task type (<c>TrajectoryCommands</c>).</summary>
    public sealed class Learning;

    /// <summary>Search over every capability that this peer knows, and what is learnt of its use (<c>MatrixCommands</c>).</summary>
    public sealed class Matrix;

    /// <summary>How peers stand with this one (<c>ReputationCommands</c>).</summary>
    public sealed class Reputation;

    /// <summary>Topics of the mesh (<c>GossipCommands</c>).</summary>
    public sealed class Gossip;

    /// <summary>Connections to peers (<c>ConnectionCommands</c>).</summary>
    public sealed class Connections;

    /// <summary>The distributed hash table (<c>DhtCommands</c>).</summary>
    public sealed class Dht;
}
