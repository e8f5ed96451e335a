namespace Hyperspace.Benchmarks.Learn;

/// <summary>What liars have achieved; shares of queries, and weights from 0 to 1.</summary>
/// <param name="Accuracy">How often the right tool comes first with honest peers.</param>
/// <param name="Promotion">The promoted tool comes first for queries of others, whichever.</param>
/// <param name="Aimed">The promoted tool comes first for its rival's queries.</param>
/// <param name="Fresh">The same with a peer that has heard all and has had no run of its own.</param>
/// <param name="Liar">What a liar weighs with honest peers.</param>
/// <param name="Honest">What another honest peer weighs with them.</param>
internal sealed record Harm(double Accuracy, double Promotion, double Aimed, double Fresh, double Liar, double Honest);
