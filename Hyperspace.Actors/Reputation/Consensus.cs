using System.Numerics.Tensors;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Reputation;

/// <summary>One author's experience as opinions.</summary>
/// <param name="PeerId">The author.</param>
/// <param name="Signs">Keys and what the author thinks of them, 1 or −1; sorted by key.</param>
internal sealed record Voice(string PeerId, IReadOnlyList<(ulong Key, int Sign)> Signs)
{
    private const int MostKeys = 4096;
    private const int LeastKeys = 256;
    private const int AllKeys = 262_144;

    /// <summary>A voice of at most 4,096 keys, fewer the more voices there are; the same sample of keys for every author.</summary>
    /// <param name="peerId">The author.</param>
    /// <param name="opinions">By key (a hash of a capability and a term): more good outcomes than bad (positive), fewer, or as many. Each key once.</param>
    /// <param name="voices">How many there are to be compared.</param>
    public static Voice Of(string peerId, IEnumerable<KeyValuePair<ulong, int>> opinions, int voices) => new(
        peerId,
        [
            .. opinions
                .Where(o => o.Value != 0)
                .Select(o => (Key: Mixed(o.Key), Sign: Math.Sign(o.Value)))
                .OrderBy(o => o.Key)
                .Take(Math.Clamp(AllKeys / Math.Max(1, voices), LeastKeys, MostKeys)),
        ]);

    /// <summary>One to one, and without the order that keys may have (as splitmix64 does).</summary>
    private static ulong Mixed(ulong key)
    {
        var mixed = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}

/// <summary>
/// Compares authors with each other, for a peer that has few outcomes of its own; pure. An author has one vote on each
/// other author, however much it says, weighed by what its word counts; authors whose experience is nearly the same and which nobody else bears out have one
/// vote together.
/// </summary>
internal static class Consensus
{
    /// <summary>Authors that judge the others; when there are more, those that count most, and a random choice of equals, so that nobody can become one by choosing an id.</summary>
    public const int MaxJury = 96;

    private const int Dimensions = 256;
    private const float NearlyTheSame = 0.95f;
    private const double SureDeviations = 2;

    /// <summary>
    /// How many others bear each author out, and how many contradict it. A vote is how surely two authors' signs agree, from
    /// −1 to 1, on the keys that both have an opinion of. Who is contradicted more than borne out has no vote. Report the
    /// result under <see cref="ReplaySources.Consensus"/>.
    /// </summary>
    /// <param name="voices">All authors but this peer; each once.</param>
    /// <param name="random">Chooses the jury, among those that count the same.</param>
    /// <param name="witnessWeightOf">0 to 1: what an author's word on others counts (<see cref="ITrust.WitnessWeightOf"/>); null: everybody's counts in full.</param>
    public static IReadOnlyList<Replay> Of(IReadOnlyList<Voice> voices, Random random, Func<string, double>? witnessWeightOf = null)
    {
        var signs = voices.Select(v => v.Signs).ToArray();
        var weights = voices.Select(v => witnessWeightOf?.Invoke(v.PeerId) ?? 1).ToArray();
        var jury = Enumerable.Range(0, voices.Count).ToArray();
        if (jury.Length > MaxJury)
        {
            random.Shuffle(jury);
            jury = [.. jury.OrderByDescending(j => weights[j]).Take(MaxJury)];
        }

        var votes = signs.Select((s, i) => jury.Select(j => i == j ? 0 : Vote(s, signs[j])).ToArray()).ToArray();
        var shares = Shares(signs, jury, votes).Select((share, j) => share * weights[jury[j]]).ToArray();
        var first = votes.Select(v => Count(v, shares)).ToArray();
        var heard = shares.Select((share, j) => first[jury[j]].For > first[jury[j]].Against ? share : 0).ToArray();
        return [.. votes.Select((v, i) => Count(v, heard)).Select((tally, i) => new Replay(voices[i].PeerId, tally.For, tally.Against))];
    }

    /// <summary>What each juror's vote counts: 1, or its share of the one vote of those that say the same as it does.</summary>
    private static double[] Shares(IReadOnlyList<(ulong Key, int Sign)>[] signs, int[] jury, double[][] votes)
    {
        var shares = Enumerable.Repeat(1.0, jury.Length).ToArray();
        var sketches = jury.Select(j => Sketch(signs[j])).ToArray();
        for (var i = 0; i < jury.Length; i++)
        {
            var same = Enumerable.Range(0, jury.Length).Where(j => TensorPrimitives.Dot<float>(sketches[i], sketches[j]) >= NearlyTheSame).ToHashSet();
            var outside = Enumerable.Range(0, jury.Length).Where(j => !same.Contains(j)).Select(j => votes[jury[i]][j]).ToList();

            // When there is nobody else, agreeing is no sign of a plot.
            shares[i] = same.Count > 1 && outside.Count > 0 && outside.Sum() <= 0 ? 1.0 / same.Count : 1;
        }

        return shares;
    }

    private static Tally Count(double[] votes, double[] shares) =>
        votes.Zip(shares, (vote, share) => new Tally(Math.Max(0, vote) * share, Math.Max(0, -vote) * share)).Aggregate(default(Tally), (sum, t) => sum + t);

    /// <summary>−1 to 1: the deviation from chance of how often two authors agree, in units of what is surely none. Both are sorted by key.</summary>
    private static double Vote(IReadOnlyList<(ulong Key, int Sign)> left, IReadOnlyList<(ulong Key, int Sign)> right)
    {
        var (both, agreed) = (0, 0);
        for (int l = 0, r = 0; l < left.Count && r < right.Count;)
        {
            var order = left[l].Key.CompareTo(right[r].Key);
            if (order == 0)
            {
                both++;
                agreed += left[l].Sign == right[r].Sign ? 1 : 0;
            }

            l += order <= 0 ? 1 : 0;
            r += order >= 0 ? 1 : 0;
        }

        return both == 0 ? 0 : Math.Clamp(((2 * agreed) - both) / Math.Sqrt(both) / SureDeviations, -1, 1) * Math.Min(1, both / TrustRules.LeastEvidence);
    }

    /// <summary>A unit vector of few dimensions whose products are, nearly, the cosines of the authors' signs (count sketch).</summary>
    private static float[] Sketch(IReadOnlyList<(ulong Key, int Sign)> signs)
    {
        var sketch = new float[Dimensions];
        foreach (var (key, sign) in signs)
        {
            sketch[key % Dimensions] += (key >> 32 & 1) == 0 ? sign : -sign;
        }

        var length = TensorPrimitives.Norm(sketch);
        if (length > 0)
        {
            TensorPrimitives.Divide(sketch, length, sketch);
        }

        return sketch;
    }
}
