using System.Text;

namespace Hyperspace.Actors.Engine;

/// <summary>The FNV-1a hash of 32 bits: the same for a word on every peer and in every version.</summary>
internal static class Fnv1a
{
    private const uint Basis = 2166136261;
    private const uint Prime = 16777619;

    /// <summary>The hash of the text's UTF-8 bytes.</summary>
    public static uint Of(string text)
    {
        var hash = Basis;
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            hash = unchecked((hash ^ b) * Prime);
        }

        return hash;
    }
}
