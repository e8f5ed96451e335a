namespace Hyperspace.Contracts.Matrix;

/// <summary>Something that a peer can be asked for.</summary>
/// <param name="Id">Of a tool its tool id, <c>{peerId}/{name}</c>; of others <c>{peerId}/{type}/{name}</c>.</param>
/// <param name="Type">"tool", "skill" or "agent".</param>
/// <param name="Name">Its name at its provider.</param>
/// <param name="Description">What it does, in words.</param>
/// <param name="Tags">Lower-case tags.</param>
/// <param name="PeerId">Its provider.</param>
public sealed record Capability(string Id, string Type, string Name, string Description, IReadOnlyList<string> Tags, string PeerId);

/// <summary>A capability that fits a query.</summary>
/// <param name="Capability">The capability.</param>
/// <param name="Score">0 to 1.</param>
/// <param name="Why">A sentence: which legs found it.</param>
public sealed record MatrixHit(Capability Capability, double Score, string Why);

/// <summary>Messages of the matrix.</summary>
public static class MatrixCommands
{
    /// <summary>The capabilities that fit a task, best first. Answered with <see cref="MatrixHits"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Search(string Query, IReadOnlyList<string> Types, int Limit);

    /// <summary>A vote on a hit; journalled, and gossiped to every peer. Answered with <see cref="MatrixVoteTaken"/> or a <see cref="Refusal"/>.</summary>
    /// <param name="Id">The capability.</param>
    /// <param name="Query">What was asked.</param>
    /// <param name="Vote">+1 or -1.</param>
    public sealed record Feedback(string Id, string Query, int Vote);

    /// <summary>
    /// A run of this peer showed how well capabilities serve a query. It goes out with the next model delta, not as a vote. Answered with
    /// <see cref="RunObserved"/> when that is written; no answer when it could not be.
    /// </summary>
    /// <param name="RunId">The run, of which nothing is learnt a second time.</param>
    /// <param name="Query">What the run was asked.</param>
    /// <param name="Outcomes">What came of each capability.</param>
    public sealed record Observe(string RunId, string Query, IReadOnlyList<CapabilityOutcome> Outcomes);
}

/// <summary>What came of a capability in a run.</summary>
/// <param name="Id">The capability; ignored when it has not the form of one.</param>
/// <param name="Ok">Whether it went well.</param>
public sealed record CapabilityOutcome(string Id, bool Ok);

/// <summary>What a run showed is written.</summary>
/// <param name="RunId">The run.</param>
public sealed record RunObserved(string RunId);

/// <summary>What fits, best first.</summary>
public sealed record MatrixHits(IReadOnlyList<MatrixHit> Hits);

/// <summary>The vote is journalled and on its way.</summary>
/// <param name="Outcomes">This peer's outcomes of that capability so far: votes and runs.</param>
public sealed record MatrixVoteTaken(ulong Outcomes);
