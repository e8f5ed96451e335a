using Hyperspace.Actors.Reputation;

namespace Hyperspace.Tests.Reputation;

/// <summary>Weights that never change, all of them earned.</summary>
internal sealed class FixedTrust(Func<string, double> weightOf) : ITrust
{
    public long Version => 1;

    public double WeightOf(string peerId) => weightOf(peerId);

    public double EarnedBy(string peerId) => weightOf(peerId);

    public double WitnessWeightOf(string peerId) => weightOf(peerId);

    public double ReputationOf(string peerId) => Standing.Unknown;
}
