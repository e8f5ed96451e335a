using Hyperspace.Actors.Tools.Runners;
using Hyperspace.Actors.Tools.Schemas;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Tools;

/// <summary>
/// The registry as of its last journalled event, for readers on other threads: the rpc handlers and running invocations.
/// Only the registry actor writes it.
/// </summary>
internal sealed class ToolCatalog(PeerId self, ToolRunners runners, SchemaCache schemas)
{
    private volatile ToolRegistryState _state = ToolRegistryState.Empty;

    /// <summary>Whose tools these are.</summary>
    public PeerId Self { get; } = self;

    /// <summary>Who carries them out.</summary>
    public ToolRunners Runners { get; } = runners;

    /// <summary>Who checks parameters, of own tools and of others'.</summary>
    public SchemaCache Schemas { get; } = schemas;

    /// <summary>The registered tools.</summary>
    public ToolRegistryState State
    {
        get => _state;
        set => _state = value;
    }
}
