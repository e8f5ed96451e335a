using System.Reflection;
using System.Runtime.Loader;
using SharpFuzz;

namespace Hyperspace.Fuzz.Engine;

/// <summary>
/// A world in which Hyperspace.Libp2p counts the edges it takes: SharpFuzz rewrites a copy of the library, and a second copy
/// of this program is loaded that is bound to it. The files that were built stay as they are.
/// </summary>
public sealed class InstrumentedLibrary : AssemblyLoadContext
{
    private const string Library = "Hyperspace.Libp2p";
    private readonly byte[] _instrumented = Instrument();

    /// <summary>Loads the world.</summary>
    public InstrumentedLibrary()
        : base("instrumented")
    {
        CoverageMap.Provide();
        Program = LoadFromAssemblyPath(typeof(InstrumentedLibrary).Assembly.Location);
    }

    /// <summary>This program once more, bound to the instrumented library.</summary>
    public Assembly Program { get; }

    /// <summary>True inside such a world.</summary>
    public static bool IsEntered => GetLoadContext(typeof(InstrumentedLibrary).Assembly) is { } context && context != Default;

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName) =>
        assemblyName.Name == Library ? LoadFromStream(new MemoryStream(_instrumented)) : null;

    private static byte[] Instrument()
    {
        var folder = Directory.CreateTempSubdirectory("hyperspace-fuzz-");
        try
        {
            var copy = Path.Combine(folder.FullName, Library + ".dll");
            File.Copy(Path.Combine(AppContext.BaseDirectory, Library + ".dll"), copy);
            _ = Fuzzer.Instrument(copy, _ => true, Options.Value);
            return File.ReadAllBytes(copy);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
