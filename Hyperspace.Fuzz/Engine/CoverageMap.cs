using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace Hyperspace.Fuzz.Engine;

/// <summary>
/// The edges that an execution took, as instrumented code counts them (one byte an edge, hashed into 64 Ki), and those that
/// any execution took so far. As in AFL, the counts of an edge fall into eight classes; a new class is something new.
/// </summary>
internal sealed unsafe class CoverageMap
{
    private const int Size = 1 << 16;
    private static readonly byte[] Classes = BuildClasses();
    private readonly byte[] _seen = new byte[Size];

    public CoverageMap() => Provide();

    /// <summary>Gives instrumented code the map to count in; it is there as long as the process, because such code may run on any thread at any time.</summary>
    public static void Provide()
    {
        if (Trace.SharedMem is null)
        {
            Trace.SharedMem = (byte*)NativeMemory.AllocZeroed(Size);
        }
    }

    /// <summary>Edges seen so far.</summary>
    public int Edges { get; private set; }

    /// <summary>Starts an execution.</summary>
    public void Begin()
    {
        new Span<byte>(Trace.SharedMem, Size).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Ends an execution: true when it took an edge, or a class of an edge, that none took before. Remembers them.</summary>
    public bool End()
    {
        var news = false;
        var words = new ReadOnlySpan<ulong>(Trace.SharedMem, Size / sizeof(ulong));
        for (var word = 0; word < words.Length; word++)
        {
            if (words[word] == 0)
            {
                continue;
            }

            for (var edge = word * sizeof(ulong); edge < (word + 1) * sizeof(ulong); edge++)
            {
                var newBits = Classes[Trace.SharedMem[edge]] & ~_seen[edge];
                if (newBits != 0)
                {
                    Edges += _seen[edge] == 0 ? 1 : 0;
                    _seen[edge] |= (byte)newBits;
                    news = true;
                }
            }
        }

        return news;
    }

    /// <summary>The edges of the execution that just ended.</summary>
    public HashSet<int> Footprint()
    {
        var footprint = new HashSet<int>();
        for (var edge = 0; edge < Size; edge++)
        {
            if (Trace.SharedMem[edge] != 0)
            {
                footprint.Add(edge);
            }
        }

        return footprint;
    }

    private static byte[] BuildClasses()
    {
        var classes = new byte[256];
        for (var count = 1; count < classes.Length; count++)
        {
            classes[count] = count switch
            {
                <= 3 => (byte)(1 << (count - 1)),
                < 8 => 8,
                < 16 => 16,
                < 32 => 32,
                < 128 => 64,
                _ => 128,
            };
        }

        return classes;
    }
}
