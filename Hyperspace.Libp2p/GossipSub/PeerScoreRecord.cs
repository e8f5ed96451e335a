using System.Net;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>One peer's counters; <see cref="PeerScore"/> changes them and says what they come to.</summary>
internal sealed class PeerScoreRecord(PeerScore owner, PeerId peer)
{
    private double _value;
    private bool _known;

    public PeerId Peer { get; } = peer;

    /// <summary>The score, computed when a counter has changed since it was last asked for.</summary>
    public double Value
    {
        get
        {
            if (!_known)
            {
                _value = owner.PartsOf(this).Sum;
                _known = true;
            }

            return _value;
        }
    }

    /// <summary>P7.</summary>
    public double Behaviour { get; set; }

    /// <summary>P5, as the application said last.</summary>
    public double AppSpecific { get; set; }

    /// <summary>P1 to P4 by topic; null when there is nothing to remember.</summary>
    public Dictionary<string, TopicCounters>? Topics { get; set; }

    /// <summary>P6: the addresses that the peer is counted under.</summary>
    public HashSet<IPAddress>? Addresses { get; set; }

    /// <summary>When the peer left; null while it is connected.</summary>
    public long? DisconnectedAt { get; set; }

    /// <summary>There is something that coming back under the same name must not wash off.</summary>
    public bool InDebt => Behaviour > 0 || (Topics?.Values.Any(static t => t.Invalid > 0 || t.MeshFailure > 0) ?? false);

    public void Changed() => _known = false;
}

/// <summary>One peer's counters in one topic.</summary>
internal sealed class TopicCounters(TopicScoreParameters parameters)
{
    public TopicScoreParameters Parameters { get; } = parameters;

    public bool InMesh { get; set; }

    public long GraftedAt { get; set; }

    /// <summary>P1: milliseconds in the mesh, as of the last decay.</summary>
    public long TimeInMesh { get; set; }

    /// <summary>P3 counts: the peer has been in the mesh for longer than the activation time.</summary>
    public bool MeshActive { get; set; }

    /// <summary>P2.</summary>
    public double First { get; set; }

    /// <summary>P3.</summary>
    public double Mesh { get; set; }

    /// <summary>P3b: sum of squared deficits.</summary>
    public double MeshFailure { get; set; }

    /// <summary>P4.</summary>
    public double Invalid { get; set; }

    /// <summary>P3: messages that an active mesh peer has brought too little.</summary>
    public double Deficit => MeshActive ? Math.Max(0, Parameters.MeshDeliveriesThreshold - Mesh) : 0;

    public bool Empty => !InMesh && First == 0 && Mesh == 0 && MeshFailure == 0 && Invalid == 0;
}

/// <summary>The weighed parts of a score.</summary>
internal readonly record struct PeerScoreParts(double Topics, double AppSpecific, double Colocation, double Behaviour)
{
    public double Sum => Topics + AppSpecific + Colocation + Behaviour;
}

/// <summary>What one topic adds to a peer's score: the counters, and the sum weighed by the topic.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Score">P1 to P4 weighed and added up, times the topic's weight.</param>
/// <param name="TimeInMesh">P1: how long the peer has been in the mesh.</param>
/// <param name="FirstDeliveries">P2: messages that it brought first.</param>
/// <param name="MeshDeliveries">P3: messages that it brought in time as a mesh peer.</param>
/// <param name="MeshDeficit">P3: how many of those are missing.</param>
/// <param name="MeshFailure">P3b: squares of the deficits with which it left the mesh.</param>
/// <param name="InvalidMessages">P4: invalid messages that it brought.</param>
public sealed record TopicScoreBreakdown(string Topic, double Score, TimeSpan TimeInMesh, double FirstDeliveries, double MeshDeliveries, double MeshDeficit, double MeshFailure, double InvalidMessages);

/// <summary>Where a peer's score comes from. <paramref name="Score"/> is the sum of the weighed parts.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Score">The score.</param>
/// <param name="TopicScore">P1 to P4 of all topics, capped.</param>
/// <param name="AppSpecific">P5, weighed.</param>
/// <param name="Colocation">P6, weighed.</param>
/// <param name="Behaviour">P7, weighed.</param>
/// <param name="Topics">What each topic adds.</param>
public sealed record PeerScoreBreakdown(PeerId Peer, double Score, double TopicScore, double AppSpecific, double Colocation, double Behaviour, IReadOnlyList<TopicScoreBreakdown> Topics);
