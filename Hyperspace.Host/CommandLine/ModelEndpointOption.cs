using System.CommandLine;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Host.CommandLine;

/// <summary>An option of <c>start</c> that names a model: <c>--reflector openai=http://127.0.0.1:8000/v1,model=NAME</c>.</summary>
/// <param name="name">The option, as <c>--reflector</c>.</param>
/// <param name="variable">The environment variable that stands for it, without <c>HYPERSPACE_</c>.</param>
/// <param name="use">What the model is for, and what happens without one.</param>
internal sealed class ModelEndpointOption(string name, string variable, string use)
{
    internal const string KeyVariable = "HYPERSPACE_MODEL_KEY";
    private const string Form = "give openai=URL,model=NAME or ollama=URL,model=NAME";

    /// <summary>The option, for the command.</summary>
    public Option<string?> Option { get; } = new(name)
    {
        Description = $"{use} As openai=http://127.0.0.1:8000/v1,model=NAME or ollama=http://127.0.0.1:11434,model=NAME; a key, if it needs one, is in {KeyVariable} (environment: HYPERSPACE_{variable}; default: none).",
    };

    /// <summary>The endpoint; null when none is given.</summary>
    public ModelEndpoint? Read(ParseResult parsed)
    {
        var (text, source) = StartCommand.Given(parsed.GetValue(Option), Option.Name, variable, "");
        return text.Length == 0 ? null : Parse(text, Key(), out var error) ?? throw CommandException.Usage($"{source}: {error}");
    }

    /// <summary>The key of the models' endpoints; null when none is set.</summary>
    internal static string? Key() => Environment.GetEnvironmentVariable(KeyVariable) is { Length: > 0 } key ? key : null;

    /// <summary>Reads the option's text; null with what to do instead. The text is not repeated: people paste keys into addresses.</summary>
    internal static ModelEndpoint? Parse(string text, string? key, out string error)
    {
        var parts = text.Split(',', 2, StringSplitOptions.TrimEntries);
        var (wire, address) = Pair(parts[0]);
        var (label, model) = parts.Length == 2 ? Pair(parts[1]) : ("", "");
        ModelWire? spoken = wire switch { "openai" => ModelWire.OpenAI, "ollama" => ModelWire.Ollama, _ => null };
        if (spoken is null || label != "model" || model.Length is 0 or > 256 || model.Any(char.IsControl))
        {
            error = $"this names no model; {Form}.";
            return null;
        }

        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length + url.Query.Length + url.Fragment.Length > 0)
        {
            error = $"this is no address of a model; {Form}, with an http(s) URL without a user, a query or a fragment. A key goes into {KeyVariable}.";
            return null;
        }

        if (key is not null && key.Any(c => !char.IsAscii(c) || char.IsControl(c)))
        {
            error = $"the key in {KeyVariable} has characters that no header may have; copy it again.";
            return null;
        }

        error = "";
        return new ModelEndpoint(spoken.Value, url, model, key);
    }

    private static (string Name, string Value) Pair(string text) =>
        text.IndexOf('=', StringComparison.Ordinal) is >= 0 and var at ? (text[..at].Trim().ToLowerInvariant(), text[(at + 1)..].Trim()) : (text, "");
}
