namespace Hyperspace.Actors.Learning;

/// <summary>What a bullet did in a run that used it (the tags of ACE's reflector, arXiv:2510.04618).</summary>
internal enum BulletEffect
{
    /// <summary>It made no difference.</summary>
    Neutral,

    /// <summary>The run went better for it.</summary>
    Helpful,

    /// <summary>The run went worse for it.</summary>
    Harmful,
}

/// <summary>A bullet that a run used, and what it did there.</summary>
internal sealed record BulletTag(string BulletId, BulletEffect Effect);

/// <summary>A sentence that was learnt.</summary>
/// <param name="Section">A heading of the playbook.</param>
/// <param name="Text">The sentence, within <see cref="PlaybookRules.IsText"/>.</param>
/// <param name="Effect">What the outcome says of it; null when it is only proposed and still has to prove itself.</param>
internal sealed record Insight(string Section, string Text, BulletEffect? Effect);

/// <summary>What was learnt from one run.</summary>
internal sealed record Reflection(IReadOnlyList<BulletTag> Tags, IReadOnlyList<Insight> Insights)
{
    /// <summary>Nothing.</summary>
    public static Reflection None { get; } = new([], []);

    /// <summary>Whether both say the same in the same order.</summary>
    public bool IsSame(Reflection other) => Tags.SequenceEqual(other.Tags) && Insights.SequenceEqual(other.Insights);
}
