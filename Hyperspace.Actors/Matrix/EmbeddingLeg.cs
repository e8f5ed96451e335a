using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Hyperspace.Actors.Matrix;

/// <summary>Vectors that a model made of capabilities, in memory and in the file; those of another model are made anew. For one thread at a time.</summary>
internal sealed class EmbeddingLeg
{
    private readonly MatrixStore _store;
    private readonly string _model;
    private readonly Dictionary<string, float[]> _vectors = new(StringComparer.Ordinal);

    /// <summary>Reads the vectors of a model, after those of capabilities that are gone have been removed.</summary>
    public EmbeddingLeg(MatrixStore store, string model)
    {
        (_store, _model) = (store, model);
        store.Write("DELETE FROM embeddings WHERE id NOT IN (SELECT id FROM capabilities)");
        using var reader = store.Read("SELECT id, vector FROM embeddings WHERE model = $model", ("$model", model));
        while (reader.Read())
        {
            _vectors[reader.GetString(0)] = MemoryMarshal.Cast<byte, float>((byte[])reader[1]).ToArray();
        }
    }

    /// <summary>How many capabilities have a vector.</summary>
    public int Count => _vectors.Count;

    /// <summary>Whether a capability has one.</summary>
    public bool Contains(string id) => _vectors.ContainsKey(id);

    /// <summary>A vector at length 1; null when it is none: of no length, or not finite, or too long.</summary>
    public static float[]? Normalised(ReadOnlySpan<float> vector)
    {
        var norm = vector.Length is 0 or > ModelEmbedder.MaxDimensions ? 0 : TensorPrimitives.Norm(vector);
        if (!float.IsFinite(norm) || norm <= 0)
        {
            return null;
        }

        var unit = new float[vector.Length];
        TensorPrimitives.Divide(vector, norm, unit);
        return unit;
    }

    /// <summary>Keeps the vector of a capability, which is at length 1.</summary>
    public void Put(string id, float[] vector)
    {
        _vectors[id] = vector;
        _store.Write("INSERT OR REPLACE INTO embeddings VALUES ($id, $model, $vector)", ("$id", id), ("$model", _model), ("$vector", MemoryMarshal.AsBytes(vector.AsSpan()).ToArray()));
    }

    /// <summary>Forgets a capability, or what it said before; in the file the index has done so already.</summary>
    public void Remove(string id) => _vectors.Remove(id);

    /// <summary>The capabilities nearest to a query, best first; scores are cosines above 0.</summary>
    public IReadOnlyList<Scored> Rank(float[] query) =>
    [
        .. _vectors.Where(v => v.Value.Length == query.Length)
            .Select(v => new Scored(v.Key, TensorPrimitives.Dot<float>(query, v.Value)))
            .Where(s => s.Score > 0)
            .OrderByDescending(s => s.Score).ThenBy(s => s.Capability, StringComparer.Ordinal)
            .Take(CapabilityIndex.MaxHits),
    ];
}
