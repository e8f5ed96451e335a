using System.Text.Json.Nodes;

namespace Hyperspace.Host.JsonRpc;

/// <summary>One parameter of a method, for the documentation.</summary>
internal sealed record ApiParam(string Name, string Type, bool Required, string Description);

/// <summary>Sends notifications to the client of a call; null over plain HTTP.</summary>
internal interface INotifications
{
    /// <summary>Ends with the client's connection.</summary>
    CancellationToken Closed { get; }

    /// <summary>What the client is subscribed to.</summary>
    Subscriptions Subscriptions { get; }

    /// <summary>Queues a notification; false when the client reads too slowly and it was dropped.</summary>
    bool TryNotify(string method, JsonObject parameters);
}

/// <summary>Serves one call; throws <see cref="JsonRpcException"/> to refuse it.</summary>
internal delegate Task<JsonNode?> ApiHandler(Params parameters, INotifications? client, CancellationToken cancellationToken);

/// <summary>A method of the local API: what it is called, what it takes and gives, and what serves it.</summary>
internal sealed record ApiMethod(string Name, string Summary, IReadOnlyList<ApiParam> Params, string Result, ApiHandler Handler);
