using Hyperspace.Actors.Identity;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Chooses what a newcomer is given; pure.</summary>
internal static class TrajectoryShare
{
    /// <summary>Successes, failures and <paramref name="others"/> in turn, the best of each first, within both limits.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Pick(IReadOnlyList<KeptTrajectory> bestFirst, IReadOnlyList<SignedEnvelope> others, int maxEnvelopes, int maxBytes)
    {
        var runs = bestFirst.Where(run => !run.IsFailure).Select(run => run.Envelope);
        var failures = bestFirst.Where(run => run.IsFailure).Select(run => run.Envelope);
        var shared = new List<ReadOnlyMemory<byte>>();
        var bytes = 0;
        foreach (var envelope in InTurn([runs, failures, others]))
        {
            if (shared.Count == maxEnvelopes)
            {
                break;
            }

            if (bytes + envelope.Bytes.Length <= maxBytes)
            {
                bytes += envelope.Bytes.Length;
                shared.Add(envelope.Bytes);
            }
        }

        return shared;
    }

    private static IEnumerable<SignedEnvelope> InTurn(IReadOnlyList<IEnumerable<SignedEnvelope>> kinds) =>
        kinds.SelectMany((kind, index) => kind.Select((envelope, turn) => (envelope, turn, index)))
            .OrderBy(entry => entry.turn).ThenBy(entry => entry.index).Select(entry => entry.envelope);
}
