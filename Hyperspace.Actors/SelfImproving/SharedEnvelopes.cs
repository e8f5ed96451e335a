using System.Collections.Immutable;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>
/// What neighbours are given of a task type besides its runs: deltas of playbooks, credits of exemplars. While the task type
/// is awake they are all here; while it sleeps only their ids are, and the few that came meanwhile. Immutable.
/// </summary>
internal sealed class SharedEnvelopes
{
    /// <summary>Most envelopes that wait for the task type to wake.</summary>
    public const int MaxWaiting = 64;

    private static readonly ImmutableDictionary<string, SignedEnvelope?> None = ImmutableDictionary.Create<string, SignedEnvelope?>(StringComparer.Ordinal);

    // By id; null: the task type has it, and sleeps.
    private readonly ImmutableDictionary<string, SignedEnvelope?> _told;

    private SharedEnvelopes(bool isKnown, ImmutableDictionary<string, SignedEnvelope?> told, ImmutableList<SignedEnvelope> waiting) =>
        (IsKnown, _told, Waiting) = (isKnown, told, waiting);

    /// <summary>Nothing told yet: the task type has not been awake since the start.</summary>
    public static SharedEnvelopes Unknown { get; } = new(false, None, []);

    /// <summary>Whether <see cref="Ids"/> are all of them.</summary>
    public bool IsKnown { get; }

    /// <summary>What came while it slept, in order of coming.</summary>
    public ImmutableList<SignedEnvelope> Waiting { get; }

    /// <summary>Ids of everything, in no order.</summary>
    public IEnumerable<string> Ids => _told.Keys.Concat(Waiting.Select(envelope => envelope.Id));

    /// <summary>The envelope of that id; null when it is not here.</summary>
    public SignedEnvelope? Find(string id) => _told.GetValueOrDefault(id) ?? Waiting.Find(envelope => envelope.Id == id);

    /// <summary>Whether the task type has to be awake to give the envelope of that id.</summary>
    public bool Sleeps(string id) => _told.TryGetValue(id, out var envelope) && envelope is null;

    /// <summary>The task type is awake and has these.</summary>
    public SharedEnvelopes Told(IEnumerable<SignedEnvelope> envelopes) =>
        new(true, None.SetItems(envelopes.Select(envelope => KeyValuePair.Create(envelope.Id, (SignedEnvelope?)envelope))), Waiting);

    /// <summary>The task type fell asleep.</summary>
    public SharedEnvelopes Asleep() => new(IsKnown, None.SetItems(_told.Keys.Select(id => KeyValuePair.Create(id, default(SignedEnvelope)))), Waiting);

    /// <summary>One more came while it sleeps; this very state when it is here already, or too many wait.</summary>
    public SharedEnvelopes Wait(SignedEnvelope envelope) =>
        Waiting.Count >= MaxWaiting || _told.ContainsKey(envelope.Id) || Waiting.Exists(known => known.Id == envelope.Id) ? this : new(IsKnown, _told, Waiting.Add(envelope));

    /// <summary>None waits any more.</summary>
    public SharedEnvelopes HandedOver() => new(IsKnown, _told, []);
}
