using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Hyperspace.Tests.Matrix;

/// <summary>An embedder on loopback that speaks OpenAI's wire at <c>/v1/embeddings</c> and Ollama's at <c>/api/embed</c>.</summary>
internal sealed class StubEmbedder : IAsyncDisposable
{
    private WebApplication _app = null!;

    private StubEmbedder()
    {
    }

    /// <summary>The vector of a text.</summary>
    public required Func<string, float[]> Embed { get; init; }

    /// <summary>It answers with an error from now on.</summary>
    public bool Fails { get; set; }

    public Uri Url => new(_app.Urls.First());

    public static async Task<StubEmbedder> StartAsync(Func<string, float[]> embed)
    {
        var stub = new StubEmbedder { Embed = embed };
        stub._app = await LoopbackSite.StartAsync(app => app.MapPost("/{**path}", stub.AnswerAsync));
        return stub;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!;
        if (Fails || context.Request.Path.Value is not ("/v1/embeddings" or "/api/embed"))
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        var texts = body["input"] is JsonArray many ? many.Select(t => (string)t!).ToList() : [(string)body["input"]!];
        var vectors = texts.Select(Embed).ToList();
        if (context.Request.Path == "/api/embed")
        {
            await context.Response.WriteAsJsonAsync(new { model = (string)body["model"]!, embeddings = vectors });
            return;
        }

        var base64 = (string?)body["encoding_format"] == "base64";
        await context.Response.WriteAsJsonAsync(new
        {
            @object = "list",
            model = (string)body["model"]!,
            data = vectors.Select((vector, index) => new { @object = "embedding", index, embedding = base64 ? (object)Base64(vector) : vector }),
            usage = new { prompt_tokens = 1, total_tokens = 1 },
        });
    }

    private static string Base64(float[] vector)
    {
        var bytes = new byte[vector.Length * sizeof(float)];
        for (var i = 0; i < vector.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), vector[i]);
        }

        return Convert.ToBase64String(bytes);
    }
}
