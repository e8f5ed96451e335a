using Hyperspace.Actors.Engine;
using Microsoft.Extensions.AI;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Embeds with an ONNX model on this machine. The model is loaded at the first text, on a thread of the pool, and runs a few texts at a
/// time: a query waits for those few at most, not for all capabilities. Needs <see cref="OnnxLibrary"/>.
/// </summary>
internal sealed class OnnxEmbedder(OnnxModel model) : IEmbeddingGenerator<string, Embedding<float>>
{
    // Most texts of one run.
    private const int TextsPerRun = 8;

    // Neither is disposed: neither holds anything of the system, and a run may end after this does.
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _closing = new();
    private OnnxTextModel? _loaded;

    /// <summary>The vectors of texts, in their order, not normalised.</summary>
    /// <exception cref="ModelAnswerException">The model cannot be loaded, or does not give vectors of texts.</exception>
    /// <exception cref="OperationCanceledException">The time is over, or this is disposed.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        var token = stop.Token;
        var made = new GeneratedEmbeddings<Embedding<float>>();
        foreach (var texts in values.Chunk(TextsPerRun))
        {
            await _turn.WaitAsync(token).ConfigureAwait(false);

            // Loading cannot be interrupted; whoever has no patience leaves it alone, and the next finds it done.
            var vectors = await Task.Run(() => InTurn(texts, token), CancellationToken.None).WaitAsync(token).ConfigureAwait(false);
            made.AddRange(vectors.Select(v => new Embedding<float>(v)));
        }

        return made;
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    /// <summary>Interrupts what runs, and frees the model as soon as it has ended.</summary>
    public void Dispose()
    {
        _closing.Cancel();
        _ = FreeAsync();
    }

    private IReadOnlyList<float[]> InTurn(string[] texts, CancellationToken cancellationToken)
    {
        try
        {
            return (_loaded ??= OnnxTextModel.Load(model)).Embed(texts, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task FreeAsync()
    {
        await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        _loaded?.Dispose();
        _loaded = null;
        _turn.Release();
    }
}
