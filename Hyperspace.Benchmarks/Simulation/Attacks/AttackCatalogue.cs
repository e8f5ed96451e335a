namespace Hyperspace.Benchmarks.Simulation.Attacks;

/// <summary>The attacks by name.</summary>
internal static class AttackCatalogue
{
    private static readonly Dictionary<string, Func<Attack>> Attacks = new Func<Attack>[]
    {
        static () => new SybilAttack(),
        static () => new EclipsePeerAttack(),
        static () => new EclipsePublisherAttack(),
        static () => new CensorAttack(),
        static () => new CovertFlashAttack(),
        static () => new ColdBootAttack(),
        static () => new ColocationAttack(),
        static () => new IHaveSpamAttack(),
        static () => new IWantSpamAttack(),
        static () => new GraftSpamAttack(),
        static () => new InvalidMessagesAttack(),
        static () => new BrokenPromisesAttack(),
    }.ToDictionary(static make => make().Name);

    public static IReadOnlyCollection<string> Names => Attacks.Keys;

    /// <summary>A new attack of that name; null when there is none.</summary>
    public static Attack? Find(string name) => Attacks.TryGetValue(name, out var make) ? make() : null;
}
