using System.Text;
using Hyperspace.Actors.Tools.Schemas;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Actors.Tools;

/// <summary>What a tool may look like, here and at other peers; pure.</summary>
internal static class ToolRules
{
    public const int MaxName = 128;
    public const int MaxDescription = 8 * 1024;
    public const int MaxCapabilities = 32;
    public const int MaxCapability = 64;
    public const int MaxTools = 512;

    /// <summary>The id that names a tool on the mesh.</summary>
    public static string IdOf(string peerId, string name) => $"{peerId}/{name}";

    /// <summary>The definition in its normal form (tags trimmed, lower-case, each once), or why it can't be taken.</summary>
    public static (ToolDefinition? Definition, Refusal? Refusal) Normalise(ToolDefinition definition)
    {
        if (!IsName(definition.Name))
        {
            return Invalid($"A tool's name has 1 to {MaxName} of A-Z a-z 0-9 _ . -, unlike '{Cut(definition.Name)}'.");
        }

        if (Encoding.UTF8.GetByteCount(definition.Description) > MaxDescription)
        {
            return (null, new Refusal(ErrorCodes.TooLarge, $"A tool's description has at most {MaxDescription} bytes."));
        }

        var tags = definition.Capabilities.Select(c => c.Trim().ToLowerInvariant()).Distinct(StringComparer.Ordinal).ToList();
        if (tags.Count > MaxCapabilities)
        {
            return Invalid($"A tool has at most {MaxCapabilities} capabilities, not {tags.Count}.");
        }

        if (tags.Find(t => !IsCapability(t)) is { } bad)
        {
            return Invalid($"A capability is a tag of 1 to {MaxCapability} of a-z 0-9 _ . : -, unlike '{Cut(bad)}'.");
        }

        if (definition.Price.MicroUnits > Amount.MaxMicroUnits)
        {
            return (null, new Refusal(ErrorCodes.InvalidAmount, "The price is over the largest amount."));
        }

        if (definition.PerTokens is < 0 or > ToolDefinition.MaxPerTokens)
        {
            return Invalid($"perTokens is 0 (priced per call) to {ToolDefinition.MaxPerTokens}, not {definition.PerTokens}.");
        }

        var schema = string.IsNullOrWhiteSpace(definition.InputSchema) ? """{"type":"object"}""" : definition.InputSchema;
        return JsonSchema.TryCompile(schema, out _, out var error)
            ? (definition with { Capabilities = tags, InputSchema = schema }, null)
            : Invalid($"The inputSchema of '{definition.Name}': {error}");
    }

    /// <summary>A skill or an agent in its normal form, or why it can't be taken: the rules of tools.</summary>
    public static (DescribedCapability? Capability, Refusal? Refusal) Normalise(DescribedCapability capability)
    {
        if (!IsDescribedType(capability.Type))
        {
            return (null, new Refusal(ErrorCodes.InvalidParams, "type is \"skill\" or \"agent\"; tools are registered with tool.register."));
        }

        var (definition, refusal) = Normalise(new ToolDefinition(capability.Name, capability.Description, capability.Tags, "", Amount.Zero(Currency.Usdc)));
        return definition is null ? (null, refusal) : (capability with { Tags = definition.Capabilities }, null);
    }

    public static bool IsDescribedType(string type) => type is "skill" or "agent";

    public static bool IsName(string name) => name.Length is >= 1 and <= MaxName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    public static bool IsCapability(string tag) =>
        tag.Length is >= 1 and <= MaxCapability && tag.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '.' or ':' or '-');

    /// <summary>A text with every character that a name may not have replaced, cut to the length of a name.</summary>
    public static string Sanitise(string text)
    {
        var clean = new string([.. text.Take(MaxName).Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' ? c : '_')]);
        return clean.Length > 0 ? clean : "_";
    }

    private static (ToolDefinition?, Refusal?) Invalid(string message) => (null, new Refusal(ErrorCodes.InvalidParams, message));

    private static string Cut(string text) => text.Length <= 80 ? text : text[..80] + "…";
}
