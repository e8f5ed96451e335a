using System.ClientModel;
using System.ClientModel.Primitives;
using Hyperspace.Actors.Engine;
using Microsoft.Extensions.AI;
using OllamaSharp;
using OpenAI;
using OpenAI.Embeddings;

namespace Hyperspace.Actors.Matrix;

/// <summary>Makes embedders of models.</summary>
internal static class ModelEmbedder
{
    /// <summary>Most texts of one request.</summary>
    public const int MaxTexts = 32;

    /// <summary>Most places of a vector.</summary>
    public const int MaxDimensions = 8192;

    // A place in JSON takes 12 to 24 bytes.
    private const int MaxAnswerBytes = MaxTexts * MaxDimensions * 24;

    // The package insists on a key; what goes out is that of the HTTP client, or none.
    private const string NoKey = "none";

    /// <summary>An embedder that never tries again by itself; null with what to do when this machine lacks what it runs on.</summary>
    public static IEmbeddingGenerator<string, Embedding<float>>? Of(IEmbeddingModel model, out string missing)
    {
        missing = "";
        return model switch
        {
            OnnxModel onnx => OnnxLibrary.IsThere(out missing) ? new OnnxEmbedder(onnx) : null,
            ModelEndpoint endpoint => Of(endpoint),
            _ => throw new ArgumentException($"Nothing embeds with a {model.GetType().Name}.", nameof(model)),
        };
    }

    private static IEmbeddingGenerator<string, Embedding<float>> Of(ModelEndpoint endpoint)
    {
        var http = ModelHttp.Create(endpoint, MaxAnswerBytes);
        if (endpoint.Wire == ModelWire.Ollama)
        {
            return new OllamaApiClient(http, endpoint.Model);
        }

        var options = new OpenAIClientOptions
        {
            Endpoint = endpoint.Url,
            Transport = new HttpClientPipelineTransport(http),
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        };
        return new EmbeddingClient(endpoint.Model, new ApiKeyCredential(NoKey), options).AsIEmbeddingGenerator();
    }
}
