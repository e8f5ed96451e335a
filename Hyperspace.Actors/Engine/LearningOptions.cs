namespace Hyperspace.Actors.Engine;

/// <summary>The wire that a model's endpoint speaks.</summary>
public enum ModelWire
{
    /// <summary>OpenAI's: chat completions and embeddings under a base address such as <c>http://127.0.0.1:8000/v1</c>.</summary>
    OpenAI,

    /// <summary>Ollama's own, at a base address such as <c>http://127.0.0.1:11434</c>.</summary>
    Ollama,
}

/// <summary>A model that embeds texts: a <see cref="ModelEndpoint"/> or an <see cref="OnnxModel"/>.</summary>
public interface IEmbeddingModel
{
    /// <summary>What its vectors are kept under; those under another name are made anew.</summary>
    string NameOfVectors();
}

/// <summary>A model in a folder of this machine, which ONNX Runtime runs.</summary>
/// <param name="Folder">Its absolute path; <see cref="ModelFile"/> and <see cref="VocabularyFile"/> lie in it.</param>
public sealed record OnnxModel(string Folder) : IEmbeddingModel
{
    /// <summary>The file of the network.</summary>
    public const string ModelFile = "model.onnx";

    /// <summary>The file of BERT's word pieces, one in a line.</summary>
    public const string VocabularyFile = "vocab.txt";

    /// <summary>The path of one of its files.</summary>
    public string PathOf(string file) => Path.Combine(Folder, file);

    /// <inheritdoc/>
    public string NameOfVectors()
    {
        // Another model may be put into the same folder. Reading hundreds of megabytes at each start to tell would take too long.
        return $"onnx {Folder} {Stamp(ModelFile)} {Stamp(VocabularyFile)}";

        string Stamp(string file) => new FileInfo(PathOf(file)) is { Exists: true } there ? FormattableString.Invariant($"{there.Length}-{there.LastWriteTimeUtc.Ticks}") : "none";
    }
}

/// <summary>A model behind an endpoint.</summary>
/// <param name="Wire">What it speaks.</param>
/// <param name="Url">Its base address.</param>
/// <param name="Model">The model's name there.</param>
/// <param name="ApiKey">Sent as a bearer token; null: none. Never logged.</param>
public sealed record ModelEndpoint(ModelWire Wire, Uri Url, string Model, string? ApiKey) : IEmbeddingModel
{
    /// <inheritdoc/>
    public string NameOfVectors() => Model;

    /// <inheritdoc/>
    public override string ToString() => $"{Model} at {Url.GetLeftPart(UriPartial.Authority)} ({Wire})";
}

/// <summary>How much experience a peer keeps on disk. A peer's own runs are bounded apart: no stranger's run displaces them.</summary>
public sealed record ExperienceLimits
{
    /// <summary>Most runs of other peers, over all task types; the task types with most runs give way first.</summary>
    public int Records { get; init; } = 1_000_000;

    /// <summary>Most runs of a task type: of other peers together, and as many of one's own.</summary>
    public int RecordsPerTaskType { get; init; } = 65_536;

    /// <summary>Most runs of one author in a task type.</summary>
    public int RecordsPerAuthor { get; init; } = 16_384;

    /// <summary>Most bytes of envelopes of a task type: of other peers together, and as many of one's own.</summary>
    public long BytesPerTaskType { get; init; } = 256L << 20;

    /// <summary>Most bytes of other peers' large bodies, over all task types.</summary>
    public long BodyBytes { get; init; } = 1L << 30;
}

/// <summary>How a peer learns; everything works without a model.</summary>
public sealed record LearningOptions
{
    /// <summary>The model that reflects on runs; null: they are only contrasted and counted.</summary>
    public ModelEndpoint? Reflector { get; init; }

    /// <summary>The model that embeds queries and capabilities; null: words and character n-grams do.</summary>
    public IEmbeddingModel? Embedder { get; init; }

    /// <summary>Records of one author that are taken in within a minute, per task type; the rest is caught up with later.</summary>
    public int RecordsPerAuthorAndMinute { get; init; } = 120;

    /// <summary>How often a followed task type is compared with a random neighbour, on average.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Bytes of memory that the working sets of all task types of a process take together, roughly; the one that was used last
    /// stays even when it is larger. Who was not used for longest falls asleep, and wakes with the next question.
    /// </summary>
    public long WorkingSetBytes { get; init; } = 128L << 20;

    /// <summary>How much experience is kept.</summary>
    public ExperienceLimits Experience { get; init; } = new();

    /// <summary>Independent peers that must have had the same outcome before what an unknown peer says counts.</summary>
    public int Confirmations { get; init; } = 2;
}
