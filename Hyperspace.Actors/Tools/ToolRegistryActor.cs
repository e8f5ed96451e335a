using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Reputation;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Actors.Tools.Invocation;
using Hyperspace.Actors.Tools.Mcp;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Actors.Tools;

/// <summary>
/// The tools of this peer: persists, then replies; keeps the catalog and the cluster's replica in step, and tells the
/// publisher. Discovery goes to one actor, each invocation to one of its own.
/// </summary>
internal sealed class ToolRegistryActor : JournaledActor
{
    private const int MaxInvocations = 2048;
    private const int MaxRegistrations = 8;
    private const int SnapshotEvery = 200;
    private static readonly TimeSpan RegistrationTimeout = TimeSpan.FromSeconds(45);

    private readonly ToolCatalog _catalog;
    private readonly McpServers _servers;
    private readonly RegistryReplica _replica;
    private readonly InvocationServices _services;
    private readonly CapabilityFeed _feed;
    private readonly IActorRef _discovery;
    private readonly IActorRef? _publisher;
    private readonly CancellationTokenSource _stopping = new();
    private ToolRegistryState _state = ToolRegistryState.Empty;
    private int _registrations;
    private int _invocations;

    /// <summary>Makes the registry; a light peer has no publisher.</summary>
    public ToolRegistryActor(ToolCatalog catalog, McpServers servers, RegistryReplica replica, InvocationServices services, CapabilityFeed feed, IActorRef discovery, IActorRef? publisher)
        : base("tool-registry", Journals.Default)
    {
        _catalog = catalog;
        _servers = servers;
        _replica = replica;
        _services = services;
        _feed = feed;
        _discovery = discovery;
        _publisher = publisher;

        Recover<SnapshotOffer>(offer => _state = (ToolRegistryState)offer.Snapshot);
        Recover<IToolRegistryEvent>(happened => _state = _state.Apply(happened));
        Recover<RecoveryCompleted>(_ => Resume());

        Command<ToolCommands.Register>(Register);
        Command<ToolCommands.Unregister>(command => Carry(_state.Decide(command), names => new ToolRegistered(IdOf(names[0]))));
        Command<ToolCommands.RegisterMcpServer>(Connect);
        Command<ToolCommands.Describe>(Describe);
        Command<ToolCommands.Withdraw>(command => Carry(_state.Decide(command), names => new ToolRegistered(IdOf(names[0]))));
        Command<Connected>(Attach);
        Command<ToolCommands.List>(_ => Sender.Tell(new ToolList([.. _state.Tools.Values.Select(t => new DiscoveredTool(IdOf(t.Definition.Name), t.Definition, _catalog.Self.ToString(), Standing.Unknown, 1, Tiers.Registry))])));
        Command<ToolCommands.Discover>(_discovery.Forward);
        Command<ToolCommands.Invoke>(invoke => Call((id, _) => ToolCall.Of(_services, invoke, id), invoke.Timeout));
        Command<ToolCommands.Stream>(stream => Call((id, asker) => ToolStreamCall.Of(_services, stream, id, asker), stream.Timeout));
        Command<Terminated>(_ => _invocations--);
        Command<Akka.Done>(_ => { });
        Command<Reconnected>(reconnected => Log.Warning("An MCP server could not be reached after the start; its tools connect when they are called. {0}", reconnected.Refusal.Message));
    }

    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
        base.PostStop();
    }

    protected override object Unwritten => new Refusal(ErrorCodes.JournalFailed, "The journal refused the registration, so nothing changed; check the disk of the data directory and try again.");

    private string IdOf(string name) => ToolRules.IdOf(_catalog.Self.ToString(), name);

    private void Resume()
    {
        _catalog.State = _state;
        _feed.Own(_state);
        foreach (var tool in _state.Tools.Values)
        {
            _replica.Put(tool.Definition);
        }

        foreach (var (key, server) in _state.Servers)
        {
            _servers.Add(server.Spec);
            ReconnectAsync(key).PipeTo(Self, failure: e => new Reconnected(new Refusal(ErrorCodes.BridgeFailed, e.Message)));
        }
    }

    private async Task<object> ReconnectAsync(string key) =>
        (await _servers.ConnectAsync(key, _stopping.Token).ConfigureAwait(false)).Refusal is { } refusal ? new Reconnected(refusal) : Akka.Done.Instance;

    // A light peer announces and serves nothing, so its tools would be registered for nobody.
    private bool RefusedAsLight()
    {
        if (_publisher is not null)
        {
            return false;
        }

        Sender.Tell(new Refusal(ErrorCodes.OperationDenied, "A light peer offers no tools: nobody could find or call them. Start it with --profile full."));
        return true;
    }

    private void Register(ToolCommands.Register command)
    {
        if (RefusedAsLight())
        {
            return;
        }

        if (command.Provider.Type == McpRunner.TypeName)
        {
            Sender.Tell(new Refusal(ErrorCodes.InvalidParams, "Tools of MCP servers are registered with bridge.registerMCPServer."));
            return;
        }

        if (_catalog.Runners.Accept(command.Provider) is { } refusal)
        {
            Sender.Tell(refusal);
            return;
        }

        var definition = string.IsNullOrWhiteSpace(command.Definition.InputSchema)
            ? command.Definition with { InputSchema = _catalog.Runners.SchemaOf(command.Provider) ?? "" }
            : command.Definition;
        Carry(_state.Decide(command with { Definition = definition }), names => new ToolRegistered(IdOf(names[0])));
    }

    private void Describe(ToolCommands.Describe command)
    {
        if (!RefusedAsLight())
        {
            Carry(_state.Decide(command), names => new ToolRegistered(IdOf(names[0])));
        }
    }

    private void Connect(ToolCommands.RegisterMcpServer command)
    {
        if (RefusedAsLight())
        {
            return;
        }

        var spec = new McpServerSpec(command.Url, command.Args, command.Env);
        var refusal = spec.Check() ?? (_registrations >= MaxRegistrations ? new Refusal(ErrorCodes.RateLimited, $"{MaxRegistrations} MCP servers are being registered; try again when one is done.") : null);
        if (refusal is not null)
        {
            Sender.Tell(refusal);
            return;
        }

        _registrations++;
        _servers.Add(spec);
        var asker = Sender;
        ListAsync(spec).PipeTo(
            Self,
            success: result => new Connected(asker, command, spec, result.Connection, result.Refusal),
            failure: e => new Connected(asker, command, spec, null, new Refusal(ErrorCodes.BridgeFailed, $"The MCP server did not answer within {RegistrationTimeout.TotalSeconds} seconds: {e.Message}")));
    }

    private async Task<(McpConnection? Connection, Refusal? Refusal)> ListAsync(McpServerSpec spec)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        timeout.CancelAfter(RegistrationTimeout);
        return await _servers.ReconnectAsync(spec.Key, timeout.Token).ConfigureAwait(false);
    }

    private void Attach(Connected connected)
    {
        _registrations--;
        var decision = connected.Connection is { } connection
            ? _state.Decide(new AttachMcpServer(connected.Spec, connection.ServerName, [.. connection.Tools.Values], connected.Command.Tools, connected.Command.Price, connected.Command.Capabilities))
            : ToolDecision.Refused(connected.Refusal!);
        if (decision.Refusal is not null && !_state.Servers.ContainsKey(connected.Spec.Key))
        {
            Forget(connected.Spec.Key);
        }

        foreach (var skipped in decision.Skipped)
        {
            Log.Warning("A tool was left out. {0}", skipped.Message);
        }

        Carry(decision, names => new McpServerRegistered([.. names.Select(IdOf)], [.. decision.Skipped.Select(s => s.Message)]), connected.Asker);
    }

    private void Call(Func<string, IActorRef, (ToolCall? Call, Refusal? Refusal)> make, TimeSpan timeout)
    {
        if (_invocations >= MaxInvocations)
        {
            Sender.Tell(new Refusal(ErrorCodes.RateLimited, $"{MaxInvocations} calls are running; try again when some have ended."));
            return;
        }

        var asker = Sender;
        var (call, refusal) = make(Guid.CreateVersion7().ToString("N"), asker);
        if (call is null)
        {
            asker.Tell(refusal);
            return;
        }

        Context.Watch(Context.ActorOf(Props.Create(() => new ToolInvocationActor(call, asker, timeout))));
        _invocations++;
    }

    private void Carry(ToolDecision decision, Func<IReadOnlyList<string>, object> reply, IActorRef? to = null)
    {
        var asker = to ?? Sender;
        if (decision.Refusal is { } refusal)
        {
            asker.Tell(refusal);
            return;
        }

        if (decision.Events.Count == 0)
        {
            asker.Tell(reply(decision.Names));
            return;
        }

        PersistAllFor(asker, decision.Events, Apply, () =>
        {
            _catalog.State = _state;
            _feed.Own(_state);
            _publisher?.Tell(new PublisherCommands.Publish());
            asker.Tell(reply(decision.Names));
        });
    }

    private void Apply(IToolRegistryEvent happened)
    {
        _state = _state.Apply(happened);
        SaveSnapshotEvery(SnapshotEvery, () => _state);
        switch (happened)
        {
            case ToolAdded added:
                _replica.Put(added.Tool.Definition);
                break;
            case ToolRemoved removed:
                _replica.Remove(removed.Name);
                break;
            case McpServerRemoved server:
                Forget(server.Key);
                break;
            default:
                break;
        }
    }

    private void Forget(string key) => _servers.RemoveAsync(key).PipeTo(Self, success: () => Akka.Done.Instance, failure: e => new Reconnected(new Refusal(ErrorCodes.BridgeFailed, e.Message)));

    private sealed record Connected(IActorRef Asker, ToolCommands.RegisterMcpServer Command, McpServerSpec Spec, McpConnection? Connection, Refusal? Refusal);

    private sealed record Reconnected(Refusal Refusal);
}
