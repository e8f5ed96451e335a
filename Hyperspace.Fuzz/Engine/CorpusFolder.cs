using System.Reflection;
using System.Security.Cryptography;

namespace Hyperspace.Fuzz.Engine;

/// <summary>The inputs of a target that are kept in the source tree, one small file each, named by the hash of its content.</summary>
/// <remarks>Files whose name starts with <c>crash-</c> once broke a promise; they are never minimised away.</remarks>
public sealed class CorpusFolder(string folder)
{
    private const string CrashPrefix = "crash-";

    /// <summary>Where the corpus of every target lies: below the project's folder in the source tree.</summary>
    public static string Root { get; } = typeof(CorpusFolder).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == "FuzzCorpusFolder").Value!;

    /// <summary>The corpus of a target.</summary>
    public static CorpusFolder Of(FuzzTarget target) => new(Path.Combine(Root, target.Name));

    /// <summary>All inputs, crashes first; empty when there is no folder.</summary>
    public IReadOnlyList<byte[]> Read() => [.. Files().Select(File.ReadAllBytes)];

    /// <summary>Keeps an input that broke a promise and returns the file's name.</summary>
    public string AddCrash(byte[] input) => Write(CrashPrefix, input);

    /// <summary>Replaces everything but the crashes.</summary>
    public void Replace(IEnumerable<byte[]> inputs)
    {
        foreach (var file in Files().Where(f => !IsCrash(f)))
        {
            File.Delete(file);
        }

        foreach (var input in inputs)
        {
            Write("", input);
        }
    }

    /// <summary>The inputs that once broke a promise.</summary>
    public IReadOnlyList<byte[]> Crashes() => [.. Files().Where(IsCrash).Select(File.ReadAllBytes)];

    private static bool IsCrash(string file) => Path.GetFileName(file).StartsWith(CrashPrefix, StringComparison.Ordinal);

    private IEnumerable<string> Files() => Directory.Exists(folder)
        ? Directory.GetFiles(folder).OrderBy(f => !IsCrash(f)).ThenBy(f => f, StringComparer.Ordinal)
        : [];

    private string Write(string prefix, byte[] input)
    {
        Directory.CreateDirectory(folder);
        var name = prefix + Convert.ToHexStringLower(SHA256.HashData(input))[..16];
        File.WriteAllBytes(Path.Combine(folder, name), input);
        return name;
    }
}
