namespace Hyperspace.Actors.Learning;

/// <summary>The headings of a playbook. Peers may use others; a reader shows what it gets.</summary>
internal static class PlaybookSections
{
    /// <summary>Which tools to use.</summary>
    public const string Tools = "tools";

    /// <summary>At whom to call a tool.</summary>
    public const string Providers = "providers";

    /// <summary>How to call a tool, in the form of <see cref="ParameterAdvice"/>.</summary>
    public const string Parameters = ParameterAdvice.Section;

    /// <summary>What goes wrong, and when.</summary>
    public const string Pitfalls = "pitfalls";

    /// <summary>How to go about a task.</summary>
    public const string Strategies = "strategies";

    /// <summary>What was learnt otherwise.</summary>
    public const string Insights = "insights";

    /// <summary>Where a reflector that writes sentences may put them: the other sections are read by programs, and follow from runs alone.</summary>
    public static IReadOnlyList<string> OfSentences { get; } = [Strategies, Pitfalls, Insights];
}
