using System.Text.Json;

namespace Hyperspace.Tests.Interop;

/// <summary>What <c>contracts/</c> compiles to, as it is checked in.</summary>
internal static class Contracts
{
    /// <summary>The folder in the source tree.</summary>
    public static string Folder { get; } = Path.GetFullPath(Path.Combine(NpmFolder.PathOf("."), "..", "..", "..", "contracts"));

    /// <summary>The code that creates a contract; its constructor's arguments follow.</summary>
    public static byte[] BytecodeOf(string contract)
    {
        using var artefact = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "compiled", contract + ".json")));
        return Convert.FromHexString(artefact.RootElement.GetProperty("bytecode").GetString()!.AsSpan(2));
    }
}
