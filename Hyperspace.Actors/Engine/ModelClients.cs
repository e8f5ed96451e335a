using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using OllamaSharp;
using OpenAI;

namespace Hyperspace.Actors.Engine;

/// <summary>Makes clients of models' endpoints, of each endpoint's wire. None tries again by itself: whoever asks has something better to do.</summary>
internal static class ModelClients
{
    // The package insists on a key; what goes out is that of the HTTP client, or none.
    private const string NoKey = "none";

    /// <summary>A client to chat with the model.</summary>
    public static IChatClient Chat(ModelEndpoint endpoint) => endpoint.Wire == ModelWire.Ollama
        ? Ollama(endpoint, ModelHttp.MaxAnswerBytes)
        : OpenAi(endpoint, ModelHttp.MaxAnswerBytes).GetChatClient(endpoint.Model).AsIChatClient();

    /// <summary>An embedder of texts, whose answers have at most <paramref name="maxAnswerBytes"/>.</summary>
    public static IEmbeddingGenerator<string, Embedding<float>> Embedder(ModelEndpoint endpoint, int maxAnswerBytes) => endpoint.Wire == ModelWire.Ollama
        ? Ollama(endpoint, maxAnswerBytes)
        : OpenAi(endpoint, maxAnswerBytes).GetEmbeddingClient(endpoint.Model).AsIEmbeddingGenerator();

    private static OllamaApiClient Ollama(ModelEndpoint endpoint, int maxAnswerBytes) => new(ModelHttp.Create(endpoint, maxAnswerBytes), endpoint.Model);

    private static OpenAIClient OpenAi(ModelEndpoint endpoint, int maxAnswerBytes) => new(new ApiKeyCredential(NoKey), new OpenAIClientOptions
    {
        Endpoint = endpoint.Url,
        Transport = new HttpClientPipelineTransport(ModelHttp.Create(endpoint, maxAnswerBytes)),
        RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
        NetworkTimeout = Timeout.InfiniteTimeSpan,
    });
}
