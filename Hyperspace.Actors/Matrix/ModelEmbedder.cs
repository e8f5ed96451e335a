using Hyperspace.Actors.Engine;
using Microsoft.Extensions.AI;

namespace Hyperspace.Actors.Matrix;

/// <summary>Makes embedders of models.</summary>
internal static class ModelEmbedder
{
    /// <summary>Most texts of one request.</summary>
    public const int MaxTexts = 32;

    /// <summary>Longest text, in characters; many models refuse more than some 500 tokens.</summary>
    public const int MaxText = 2000;

    /// <summary>Most places of a vector.</summary>
    public const int MaxDimensions = 8192;

    // A place in JSON takes 12 to 24 bytes.
    private const int MaxAnswerBytes = MaxTexts * MaxDimensions * 24;

    /// <summary>The beginning of a text, as far as a model reads.</summary>
    public static string Cut(string text) => text.Length <= MaxText ? text : text[..(char.IsHighSurrogate(text[MaxText - 1]) ? MaxText - 1 : MaxText)];

    /// <summary>An embedder that never tries again by itself; null with what to do when this machine lacks what it runs on.</summary>
    public static IEmbeddingGenerator<string, Embedding<float>>? Of(IEmbeddingModel model, out string missing)
    {
        missing = "";
        return model switch
        {
            OnnxModel onnx => OnnxLibrary.IsThere(out missing) ? new OnnxEmbedder(onnx) : null,
            ModelEndpoint endpoint => ModelClients.Embedder(endpoint, MaxAnswerBytes),
            _ => throw new ArgumentException($"Nothing embeds with a {model.GetType().Name}.", nameof(model)),
        };
    }
}
