namespace Hyperspace.Actors.Engine;

/// <summary>The wire that a model's endpoint speaks.</summary>
public enum ModelWire
{
    /// <summary>OpenAI's: chat completions and embeddings under a base address such as <c>http://127.0.0.1:8000/v1</c>.</summary>
    OpenAI,

    /// <summary>Ollama's own, at a base address such as <c>http://127.0.0.1:11434</c>.</summary>
    Ollama,
}

/// <summary>A model behind an endpoint.</summary>
/// <param name="Wire">What it speaks.</param>
/// <param name="Url">Its base address.</param>
/// <param name="Model">The model's name there.</param>
/// <param name="ApiKey">Sent as a bearer token; null: none. Never logged.</param>
public sealed record ModelEndpoint(ModelWire Wire, Uri Url, string Model, string? ApiKey)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Model} at {Url.GetLeftPart(UriPartial.Authority)} ({Wire})";
}

/// <summary>How a peer learns; everything works without a model.</summary>
public sealed record LearningOptions
{
    /// <summary>The model that reflects on runs; null: they are only contrasted and counted.</summary>
    public ModelEndpoint? Reflector { get; init; }

    /// <summary>The model that embeds queries and capabilities; null: words and character n-grams do.</summary>
    public ModelEndpoint? Embedder { get; init; }

    /// <summary>Records of one author that are taken in within a minute, per task type; the rest is caught up with later.</summary>
    public int RecordsPerAuthorAndMinute { get; init; } = 120;

    /// <summary>Independent peers that must have had the same outcome before what an unknown peer says counts.</summary>
    public int Confirmations { get; init; } = 2;
}
