using System.ClientModel;
using System.ClientModel.Primitives;
using Hyperspace.Actors.Engine;
using Microsoft.Extensions.AI;
using OllamaSharp;
using OpenAI;
using OpenAI.Chat;

namespace Hyperspace.Actors.Learning;

/// <summary>Makes chat clients of endpoints.</summary>
internal static class ModelChat
{
    // The package insists on a key; what goes out is that of the HTTP client, or none.
    private const string NoKey = "none";

    /// <summary>A client of the endpoint's wire. It never tries again by itself: whoever reflects has something better to do.</summary>
    public static IChatClient Of(ModelEndpoint endpoint)
    {
        var http = ModelHttp.Create(endpoint);
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
        return new ChatClient(endpoint.Model, new ApiKeyCredential(NoKey), options).AsIChatClient();
    }
}
