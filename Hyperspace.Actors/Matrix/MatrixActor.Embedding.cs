using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Guard;
using Hyperspace.Contracts.Matrix;
using Microsoft.Extensions.AI;

namespace Hyperspace.Actors.Matrix;

/// <summary>The leg of an embedder, when one is configured. While it does not answer the other legs go on alone.</summary>
internal sealed partial class MatrixActor
{
    private const int MaxAsking = 32;
    private const int RememberedQueries = 256;
    private static readonly TimeSpan QueryPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BatchPatience = TimeSpan.FromSeconds(30);

    private readonly IEmbeddingGenerator<string, Embedding<float>>? _embedder;
    private readonly EmbeddingLeg? _embeddings;
    private readonly Dictionary<string, float[]> _queries = new(StringComparer.Ordinal);
    private readonly Queue<string> _queryOrder = new();
    private readonly EmbeddingTurns _turns = new();
    private bool _embedding;
    private int _asking;

    private void ReceivesOfEmbedding()
    {
        Receive<Embedded>(OnEmbedded);
        Receive<QueryEmbedded>(OnQueryEmbedded);
        Receive<EmbedTick>(_ => EmbedSome());
    }

    // What the embedder says of a query that was asked before; nothing when it was not, for a vote does not wait for a model.
    private IReadOnlyList<Scored> EmbeddedHits(string query) => _embeddings is not null && _queries.TryGetValue(query, out var vector) ? _embeddings.Rank(vector) : [];

    /// <summary>Answers with the embedder's help if there is any to be had in time.</summary>
    private void WithEmbedding(string query, IActorRef asker, Func<IReadOnlyList<Scored>, object> answer)
    {
        if (_embedder is null || _embeddings is not { Count: > 0 } || _queries.ContainsKey(query) || _asking >= MaxAsking)
        {
            asker.Tell(answer(EmbeddedHits(query)));
            return;
        }

        _asking++;
        VectorsAsync(_embedder, [ModelEmbedder.Cut(Redaction.Apply(query))], QueryPatience).PipeTo(
            Self,
            success: vectors => new QueryEmbedded(query, asker, answer, vectors[0], null),
            failure: e => new QueryEmbedded(query, asker, answer, null, ModelHttp.ReasonOf(e)));
    }

    private void OnQueryEmbedded(QueryEmbedded embedded)
    {
        _asking--;
        if (embedded.Vector is { } vector)
        {
            if (_queries.TryAdd(embedded.Query, vector))
            {
                _queryOrder.Enqueue(embedded.Query);
            }

            if (_queryOrder.Count > RememberedQueries)
            {
                _queries.Remove(_queryOrder.Dequeue());
            }
        }
        else
        {
            _log.Info("The embedder gave no vector of a query: {0}", embedded.Failure ?? "its answer is no vector");
        }

        embedded.Asker.Tell(embedded.Answer(EmbeddedHits(embedded.Query)));
    }

    private void EmbedSome()
    {
        if (_embedder is null || _embeddings is null || _embedding || Timers.IsTimerActive(EmbedTick.Instance))
        {
            return;
        }

        var next = _turns.Next(_state.Index.Ids.Where(id => !_embeddings.Contains(id))).Select(_state.Index.Find).OfType<Capability>().ToList();
        if (next.Count == 0)
        {
            return;
        }

        _embedding = true;
        VectorsAsync(_embedder, next.ConvertAll(TextOf), BatchPatience).PipeTo(
            Self,
            success: vectors => new Embedded(next, vectors, null),
            failure: e => new Embedded(next, [], ModelHttp.ReasonOf(e)));
    }

    private void OnEmbedded(Embedded embedded)
    {
        _embedding = false;
        List<string> given = [], failed = [];
        for (var i = 0; i < embedded.Of.Count; i++)
        {
            // It may have gone, or say something else by now.
            var capability = embedded.Of[i];
            if (_state.Index.Find(capability.Id) is not { } known || TextOf(known) != TextOf(capability))
            {
                continue;
            }

            if (embedded.Vectors.ElementAtOrDefault(i) is { } vector)
            {
                _embeddings!.Put(capability.Id, vector);
                given.Add(capability.Id);
            }
            else
            {
                failed.Add(capability.Id);
            }
        }

        _turns.Ended(given, failed);
        CommitSoon();
        if (_turns.Pause > TimeSpan.Zero)
        {
            _log.Warning("The embedder gave no vectors of {0} capabilities, and is asked again in {1} s: {2}", embedded.Of.Count, _turns.Pause.TotalSeconds, embedded.Failure ?? "its answer holds none");
            Timers.StartSingleTimer(EmbedTick.Instance, EmbedTick.Instance, _turns.Pause);
        }
        else
        {
            EmbedSome();
        }
    }

    private static string TextOf(Capability capability) => ModelEmbedder.Cut($"{CapabilityIndex.Spaced(capability.Name)}: {capability.Description} {string.Join(' ', capability.Tags)}");

    private static async Task<IReadOnlyList<float[]?>> VectorsAsync(IEmbeddingGenerator<string, Embedding<float>> embedder, IReadOnlyList<string> texts, TimeSpan patience)
    {
        using var timeout = new CancellationTokenSource(patience);
        var made = await embedder.GenerateAsync(texts, cancellationToken: timeout.Token).ConfigureAwait(false);
        return made.Count == texts.Count ? [.. made.Select(m => EmbeddingLeg.Normalised(m.Vector.Span))] : [.. texts.Select(_ => (float[]?)null)];
    }

    private sealed record Embedded(IReadOnlyList<Capability> Of, IReadOnlyList<float[]?> Vectors, string? Failure);

    private sealed record QueryEmbedded(string Query, IActorRef Asker, Func<IReadOnlyList<Scored>, object> Answer, float[]? Vector, string? Failure);

    private sealed record EmbedTick
    {
        public static readonly EmbedTick Instance = new();
    }
}
