using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// A text as a unit vector of its words' character 3- to 5-grams, hashed into <see cref="Dimensions"/> signed places (random
/// indexing), in bytes. Finds what words miss: other inflections, compounds, misspellings. Pure.
/// </summary>
internal static class CharVectors
{
    /// <summary>Places of a vector: one byte each.</summary>
    public const int Dimensions = 512;

    // Each gram goes to two places, so that two grams rarely collide in both.
    private const int Places = 2;

    // A unit vector's places hold about ±1/√512; this spreads them over a byte and cuts only outliers.
    private const float Scale = 480;

    /// <summary>The vector of a text; all zero when it has no words.</summary>
    public static sbyte[] Of(string text)
    {
        var grams = new Dictionary<uint, int>();
        foreach (var word in MatrixTerms.Words(text))
        {
            var whole = $"<{word}>";
            Count(grams, MatrixTerms.Hash(whole + "#"));
            for (var length = 3; length <= 5; length++)
            {
                for (var i = 0; i + length <= whole.Length; i++)
                {
                    Count(grams, MatrixTerms.Hash(whole.Substring(i, length)));
                }
            }
        }

        Span<float> sums = stackalloc float[Dimensions];
        sums.Clear();
        foreach (var (gram, times) in grams)
        {
            var weight = 1 + MathF.Log(times);
            var mixed = unchecked(gram * 0x9E3779B1u);
            for (var place = 0; place < Places; place++)
            {
                mixed = unchecked((mixed ^ (mixed >> 15)) * 0x85EBCA6Bu);
                mixed ^= mixed >> 13;
                sums[(int)((mixed >> 1) % Dimensions)] += (mixed & 1) == 0 ? weight : -weight;
            }
        }

        var vector = new sbyte[Dimensions];
        var norm = TensorPrimitives.Norm<float>(sums);
        for (var i = 0; norm > 0 && i < Dimensions; i++)
        {
            vector[i] = (sbyte)Math.Clamp(MathF.Round(sums[i] / norm * Scale), -127, 127);
        }

        return vector;
    }

    /// <summary>The cosine of two vectors, −1 to 1, as nearly as bytes tell it.</summary>
    public static double Cosine(ReadOnlySpan<sbyte> a, ReadOnlySpan<sbyte> b) => Dot(a, b) / (Scale * (double)Scale);

    // Two products of bytes fit a short, so they are summed there before they are widened.
    private static int Dot(ReadOnlySpan<sbyte> a, ReadOnlySpan<sbyte> b)
    {
        var left = MemoryMarshal.Cast<sbyte, Vector<sbyte>>(a);
        var right = MemoryMarshal.Cast<sbyte, Vector<sbyte>>(b);
        var sums = Vector<int>.Zero;
        for (var i = 0; i < left.Length; i++)
        {
            Vector.Widen(left[i], out var a0, out var a1);
            Vector.Widen(right[i], out var b0, out var b1);
            Vector.Widen((a0 * b0) + (a1 * b1), out var low, out var high);
            sums += low + high;
        }

        return Vector.Sum(sums);
    }

    private static void Count(Dictionary<uint, int> grams, uint gram) => CollectionsMarshal.GetValueRefOrAddDefault(grams, gram, out _)++;
}
