using System.CommandLine;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Host.CommandLine;

/// <summary>The option of <c>start</c> that names the model which embeds: one behind an endpoint, or one in a folder of this machine.</summary>
internal sealed class EmbedderOption
{
    private const string Folder = "onnx=FOLDER, with " + OnnxModel.ModelFile + " and " + OnnxModel.VocabularyFile + " in the folder";

    /// <summary>The option, for the command.</summary>
    public Option<string?> Option { get; } = new("--embedder")
    {
        Description = $"Model that embeds queries and capabilities for the search; without one words and character n-grams find them. As openai=http://127.0.0.1:8000/v1,model=NAME, ollama=http://127.0.0.1:11434,model=NAME or {Folder}; a key, if an endpoint needs one, is in {ModelEndpointOption.KeyVariable}, the path of ONNX Runtime's library, if the system does not find it, in HYPERSPACE_ONNXRUNTIME (environment: HYPERSPACE_EMBEDDER; default: none).",
    };

    /// <summary>The model; null when none is given.</summary>
    public IEmbeddingModel? Read(ParseResult parsed)
    {
        var (text, source) = StartCommand.Given(parsed.GetValue(Option), Option.Name, "EMBEDDER", "");
        return text.Length == 0 ? null : Parse(text, ModelEndpointOption.Key(), out var error) ?? throw CommandException.Usage($"{source}: {error}");
    }

    /// <summary>Reads the option's text; null with what to do instead.</summary>
    internal static IEmbeddingModel? Parse(string text, string? key, out string error)
    {
        const string Prefix = "onnx=";
        if (!text.TrimStart().StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            var endpoint = ModelEndpointOption.Parse(text, key, out error);
            error += endpoint is null ? $" For a model on this machine give {Folder}." : "";
            return endpoint;
        }

        var folder = text.TrimStart()[Prefix.Length..].Trim();
        if (folder.Length == 0 || folder.Contains('\0', StringComparison.Ordinal))
        {
            error = $"this names no folder; give {Folder}.";
            return null;
        }

        var model = new OnnxModel(Path.GetFullPath(folder));
        string[] missing = [.. new[] { OnnxModel.ModelFile, OnnxModel.VocabularyFile }.Where(f => !File.Exists(model.PathOf(f)))];
        error = missing.Length == 0 ? "" : $"there is no {string.Join(" and no ", missing)} in {model.Folder}; give {Folder}.";
        return missing.Length == 0 ? model : null;
    }
}
