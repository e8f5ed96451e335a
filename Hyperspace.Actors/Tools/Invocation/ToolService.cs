using System.Diagnostics;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>What serving a tool of this peer takes, whichever wire the call came by: rpc or HTTP.</summary>
internal sealed class ToolService(PeerOptions options, ToolCatalog catalog)
{
    /// <summary>The tool of that name, if this peer serves it and the parameters fit its schema; else why not.</summary>
    public (RegisteredTool? Tool, Refusal? Refusal) Find(string name, string parameters)
    {
        if (options.Profile != PeerProfile.Full || catalog.State.Tools.GetValueOrDefault(name) is not { } tool)
        {
            return (null, new Refusal(ErrorCodes.ToolNotFound, $"This peer offers no tool '{(name.Length <= ToolRules.MaxName ? name : "…")}'; discover again."));
        }

        return catalog.Schemas.Check(tool.Definition.InputSchema, parameters) is { } invalid ? (null, invalid) : (tool, null);
    }

    /// <summary>Can the tool run now? Asked before money is taken; null when it can.</summary>
    public ValueTask<Refusal?> PrepareAsync(RegisteredTool tool, CancellationToken cancellationToken) =>
        catalog.Runners.For(tool.Provider).PrepareAsync(tool.Definition, tool.Provider.Configuration, cancellationToken);

    /// <summary>Runs the tool with parameters that were checked.</summary>
    public async Task<ToolOutcome> RunAsync(RegisteredTool tool, string parameters, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var run = await catalog.Runners.For(tool.Provider)
            .RunAsync(tool.Definition, tool.Provider.Configuration, parameters.Length == 0 ? "{}" : parameters, cancellationToken)
            .ConfigureAwait(false);
        return new ToolOutcome
        {
            Ok = run.Ok,
            Content = run.Content,
            Structured = run.Structured ?? "",
            Error = run.Error ?? "",
            DurationUs = (ulong)Stopwatch.GetElapsedTime(started).TotalMicroseconds,
        };
    }
}
