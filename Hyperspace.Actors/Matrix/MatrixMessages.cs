using Hyperspace.Contracts.Matrix;

namespace Hyperspace.Actors.Matrix;

/// <summary>What other primitives of this peer tell <c>ActorKeys.Matrix</c>, beside <see cref="MatrixCommands"/>.</summary>
internal static class MatrixMessages
{
    /// <summary>All that a peer offers now; replaces what it offered before. No answer.</summary>
    /// <param name="PeerId">The peer.</param>
    /// <param name="Capabilities">Its capabilities; others' are ignored.</param>
    /// <param name="Expires">When they are forgotten unless they are told again.</param>
    public sealed record Offered(string PeerId, IReadOnlyList<Capability> Capabilities, DateTimeOffset Expires);

    /// <summary>How well some capabilities fit a query. Answered with <see cref="Scores"/>.</summary>
    public sealed record Score(string Query);

    /// <summary>The capabilities that fit, with scores from 0 (exclusive) to 1; those that are missing do not fit.</summary>
    public sealed record Scores(IReadOnlyDictionary<string, double> ById);

    /// <summary>Whether two peers have learnt and heard the same. Answered with <see cref="Digest"/>.</summary>
    public sealed record GetDigest;

    /// <summary>A hash of all that peers share of the model.</summary>
    public sealed record Digest(byte[] Sha256);
}
