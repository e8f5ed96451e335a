namespace Hyperspace.Actors.Reputation;

/// <summary>
/// How much what a peer says counts here. Reads are safe from any thread and cost a lookup; the values are those of the
/// last decision of the reputation actor.
/// </summary>
internal interface ITrust
{
    /// <summary>Grows whenever a weight or a reputation has changed, so that what was derived from them can be kept until then.</summary>
    long Version { get; }

    /// <summary>0 to 1: what an author's experience weighs here. 0 while it is in quarantine or was found to lie; 1 for this peer itself.</summary>
    double WeightOf(string peerId);

    /// <summary>0 to 1: the part of <see cref="WeightOf"/> that an author has earned; 0 of one that is only lent something while nobody can confirm it.</summary>
    double EarnedBy(string peerId);

    /// <summary>
    /// 0 to 1: what an author's word on other authors counts. As more are borne out by own outcomes, those that are not lose
    /// theirs: identities that vouch for each other are nobody's witnesses.
    /// </summary>
    double WitnessWeightOf(string peerId);

    /// <summary>0 to 1: how a provider stands; 0.5 while nothing is known.</summary>
    double ReputationOf(string peerId);
}
