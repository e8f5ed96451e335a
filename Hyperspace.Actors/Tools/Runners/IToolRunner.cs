using System.Runtime.CompilerServices;
using System.Text.Json;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Actors.Tools.Runners;

/// <summary>Carries out the tools of one provider type. The token is cancelled at the deadline and when the caller goes away.</summary>
internal interface IToolRunner
{
    /// <summary>"builtin", "http" or "mcp".</summary>
    string Type { get; }

    /// <summary>Is the configuration one that this runner can work with? Asked at registration; null when it is.</summary>
    Refusal? Accept(string configuration);

    /// <summary>The schema of a tool that is registered without one, if the runner knows it.</summary>
    string? SchemaOf(string configuration) => null;

    /// <summary>Can the tool run now? Asked before any money is taken; null when it can.</summary>
    ValueTask<Refusal?> PrepareAsync(ToolDefinition definition, string configuration, CancellationToken cancellationToken);

    /// <summary>Runs the tool with parameters that fit its schema. A failure is a value.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    Task<ToolRun> RunAsync(ToolDefinition definition, string configuration, string parameters, CancellationToken cancellationToken);

    /// <summary>
    /// Runs a tool that streams, token by token, no faster than they are taken. A failure is the last token's error. A runner
    /// that cannot stream gives its whole result as one token.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    async IAsyncEnumerable<ToolToken> StreamAsync(ToolDefinition definition, string configuration, string parameters, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var run = await RunAsync(definition, configuration, parameters, cancellationToken).ConfigureAwait(false);
        yield return new ToolToken(run.Content, run.Ok ? null : run.Error);
    }
}

/// <summary>A piece of a streamed result: what one token's price is charged for.</summary>
/// <param name="Text">What the tool said; nothing is charged for an error.</param>
/// <param name="Error">A code and a sentence when the tool failed here; it is the last one.</param>
internal sealed record ToolToken(string Text, string? Error = null);

/// <summary>What a run gave, bounded.</summary>
/// <param name="Ok">Whether the tool did what was asked.</param>
/// <param name="Content">Text for a model or a person.</param>
/// <param name="Structured">JSON, when the tool gives some.</param>
/// <param name="Error">A code and a sentence when it failed.</param>
internal sealed record ToolRun(bool Ok, string Content, string? Structured, string? Error)
{
    /// <summary>Longest content and longest structured result, in characters.</summary>
    public const int MaxCharacters = 256 * 1024;

    private const int MaxErrorCharacters = 2000;

    /// <summary>A success; over-long text is cut and says so, over-long JSON is left out and the text says so.</summary>
    public static ToolRun Success(string content, string? structured = null)
    {
        if (structured is { Length: > MaxCharacters })
        {
            content += $"\n[the structured result had {structured.Length} characters and was left out]";
            structured = null;
        }

        return new ToolRun(true, Cut(content, MaxCharacters), structured, null);
    }

    /// <summary>A failure.</summary>
    public static ToolRun Failure(string code, string message, string content = "") =>
        new(false, Cut(content, MaxCharacters), null, $"{code}: {Cut(message, MaxErrorCharacters)}");

    private static string Cut(string text, int length) =>
        text.Length <= length ? text : string.Concat(text.AsSpan(0, length), $"\n[cut: {text.Length - length} more characters]");
}

/// <summary>The runners by type.</summary>
internal sealed class ToolRunners(IEnumerable<IToolRunner> runners)
{
    private readonly Dictionary<string, IToolRunner> _runners = runners.ToDictionary(r => r.Type, StringComparer.Ordinal);

    /// <summary>Could a tool be registered with that provider? Null when it could.</summary>
    public Refusal? Accept(ToolProvider provider)
    {
        if (!_runners.TryGetValue(provider.Type, out var runner))
        {
            return new Refusal(ErrorCodes.InvalidParams, $"A provider's type is one of {string.Join(", ", _runners.Keys.Order(StringComparer.Ordinal))}, not '{provider.Type}'.");
        }

        try
        {
            return runner.Accept(provider.Configuration);
        }
        catch (JsonException e)
        {
            return new Refusal(ErrorCodes.InvalidParams, $"The provider's configuration is not what '{provider.Type}' takes: {e.Message}");
        }
    }

    /// <summary>The schema of a tool that is registered without one, if its runner knows it; the provider was accepted before.</summary>
    public string? SchemaOf(ToolProvider provider) => For(provider).SchemaOf(provider.Configuration);

    /// <summary>The runner of a registered tool.</summary>
    public IToolRunner For(ToolProvider provider) => _runners[provider.Type];
}
