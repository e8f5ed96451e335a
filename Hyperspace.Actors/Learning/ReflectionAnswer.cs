using System.Text.Json;

namespace Hyperspace.Actors.Learning;

/// <summary>Reads a model's answer, strictly and within bounds; pure.</summary>
internal static class ReflectionAnswer
{
    /// <summary>Longest answer, in characters.</summary>
    public const int MaxLength = 16 * 1024;

    /// <summary>Most insights that are taken from one answer.</summary>
    public const int MaxInsights = 4;

    private const string Fence = "```";
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8 };

    /// <summary>
    /// The reflection; null with a reason when the answer is not of the form that was asked for. A bullet that was shown and that the answer
    /// leaves out is neutral; of one that was not shown the outcome tells. Sentences that cannot be bullets, or are of sections that runs
    /// alone may write, are left out.
    /// </summary>
    public static Reflection? Read(string answer, FinishedRun finished, out string reason)
    {
        if (answer.Length > MaxLength)
        {
            reason = $"its answer has more than {MaxLength} characters";
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(Unfenced(answer), Strict);
            return Read(json.RootElement, finished, out reason);
        }
        catch (JsonException)
        {
            reason = "its answer is no JSON";
            return null;
        }
    }

    private static Reflection? Read(JsonElement root, FinishedRun finished, out string reason)
    {
        reason = "its answer is not an object with the lists 'tags' and 'insights'";
        if (root.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty("tags", out var tags) || tags.ValueKind != JsonValueKind.Array
            || !root.TryGetProperty("insights", out var insights) || insights.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var tagged = finished.Used.Select((bullet, i) => new BulletTag(bullet.Id, i < ReflectionPrompt.MaxBullets ? BulletEffect.Neutral : OutcomeReflector.EffectOf(finished.Run))).ToArray();
        foreach (var tag in tags.EnumerateArray())
        {
            var index = IndexOf(TextOf(tag, "bullet"), tagged.Length);
            if (index < 0 || EffectOf(TextOf(tag, "tag")) is not { } effect)
            {
                reason = "its answer tags a bullet that was not used, or with another word than helpful, harmful or neutral";
                return null;
            }

            tagged[index] = tagged[index] with { Effect = effect };
        }

        var learnt = new List<Insight>();
        foreach (var insight in insights.EnumerateArray())
        {
            if (TextOf(insight, "section") is not { } section || TextOf(insight, "text") is not { } text)
            {
                reason = "its answer has an insight without a section or a text";
                return null;
            }

            var sentence = PlaybookRules.Sanitise(text);
            if (learnt.Count < MaxInsights && PlaybookSections.OfSentences.Contains(section) && PlaybookRules.IsText(sentence))
            {
                learnt.Add(new Insight(section, sentence, Effect: null));
            }
        }

        reason = "";
        return new Reflection(tagged, learnt);
    }

    /// <summary>Many models put their JSON into a code block, asked or not.</summary>
    private static string Unfenced(string answer)
    {
        var text = answer.Trim();
        var begin = text.IndexOf('\n', StringComparison.Ordinal);
        return text.StartsWith(Fence, StringComparison.Ordinal) && text.EndsWith(Fence, StringComparison.Ordinal) && begin >= 0 && text.Length - Fence.Length > begin
            ? text[begin..^Fence.Length]
            : text;
    }

    private static string? TextOf(JsonElement item, string property) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int IndexOf(string? label, int count) =>
        Enumerable.Range(0, Math.Min(count, ReflectionPrompt.MaxBullets)).Where(i => ReflectionPrompt.Label(i) == label).DefaultIfEmpty(-1).First();

    private static BulletEffect? EffectOf(string? tag) => tag switch
    {
        "helpful" => BulletEffect.Helpful,
        "harmful" => BulletEffect.Harmful,
        "neutral" => BulletEffect.Neutral,
        _ => null,
    };
}
