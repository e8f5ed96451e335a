using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Hyperspace.Tests.Learning;

/// <summary>What came to the stub.</summary>
/// <param name="Path">As <c>/v1/chat/completions</c>.</param>
/// <param name="Authorization">The header, or empty.</param>
/// <param name="Body">The request.</param>
internal sealed record ModelRequest(string Path, string Authorization, JsonNode Body);

/// <summary>A model's endpoint on loopback that speaks OpenAI's wire at <c>/v1/chat/completions</c> and Ollama's at <c>/api/chat</c>.</summary>
internal sealed class StubModel : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopped = new();
    private WebApplication _app = null!;

    private StubModel()
    {
    }

    /// <summary>What the model says, by the number of the request from 0.</summary>
    public Func<int, string> Says { get; set; } = _ => "{}";

    /// <summary>The status of all answers.</summary>
    public int Status { get; set; } = StatusCodes.Status200OK;

    /// <summary>The model takes the request and never answers.</summary>
    public bool Hangs { get; set; }

    /// <summary>The model answers one request for each turn that it is given; null: all at once.</summary>
    public SemaphoreSlim? Turns { get; set; }

    /// <summary>Where to redirect to instead of answering.</summary>
    public string? Elsewhere { get; set; }

    public ConcurrentQueue<ModelRequest> Requests { get; } = new();

    public Uri Url => new(_app.Urls.First());

    public static async Task<StubModel> StartAsync()
    {
        var stub = new StubModel();
        stub._app = await LoopbackSite.StartAsync(app => app.MapPost("/{**path}", stub.AnswerAsync));
        return stub;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await _app.DisposeAsync();
        _stopped.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!;
        var number = Requests.Count;
        Requests.Enqueue(new ModelRequest(context.Request.Path, context.Request.Headers.Authorization.ToString(), body));
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopped.Token);
        try
        {
            await (Hangs ? Task.Delay(Timeout.Infinite, gone.Token) : Turns?.WaitAsync(gone.Token) ?? Task.CompletedTask);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        if (Elsewhere is not null)
        {
            context.Response.Redirect(Elsewhere, permanent: false, preserveMethod: true);
            return;
        }

        context.Response.StatusCode = Status;
        if (Status != StatusCodes.Status200OK)
        {
            await context.Response.WriteAsync($"{{\"error\":{{\"message\":\"Incorrect API key provided: {context.Request.Headers.Authorization}\"}}}}");
        }
        else if (context.Request.Path == "/v1/chat/completions")
        {
            await WriteOpenAiAsync(context.Response, (string)body["model"]!, Says(number));
        }
        else
        {
            await WriteOllamaAsync(context.Response, (string)body["model"]!, Says(number), body["stream"]?.GetValue<bool>() ?? true);
        }
    }

    private static Task WriteOpenAiAsync(HttpResponse response, string model, string text) => response.WriteAsJsonAsync(new
    {
        id = "chatcmpl-1",
        @object = "chat.completion",
        created = 1_800_000_000,
        model,
        choices = new[] { new { index = 0, message = new { role = "assistant", content = text }, finish_reason = "stop" } },
        usage = new { prompt_tokens = 10, completion_tokens = 10, total_tokens = 20 },
    });

    /// <summary>Streamed, as Ollama does: a JSON object a line, the text in pieces, the last one done.</summary>
    private static async Task WriteOllamaAsync(HttpResponse response, string model, string text, bool stream)
    {
        response.ContentType = stream ? "application/x-ndjson" : "application/json";
        foreach (var piece in stream ? text.Chunk(7).Select(chars => new string(chars)) : [])
        {
            await response.WriteAsync(Line(piece, done: false) + "\n");
            await response.Body.FlushAsync();
        }

        await response.WriteAsync(Line(stream ? "" : text, done: true) + "\n");

        string Line(string content, bool done) => JsonSerializer.Serialize(new
        {
            model,
            created_at = "2027-01-15T08:00:00Z",
            message = new { role = "assistant", content },
            done,
            done_reason = done ? "stop" : null,
        });
    }
}
