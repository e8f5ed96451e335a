using System.CommandLine;
using Hyperspace.Actors.Engine;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace api-docs FILE</c>: writes docs/api.md from the methods that a peer really serves.</summary>
internal static class ApiDocsCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "Where to write the page." };
        return new Command("api-docs", "Write the documentation of the local API.") { file }.Does(async (parsed, cancellationToken) =>
        {
            await File.WriteAllTextAsync(parsed.GetValue(file)!.FullName, await GenerateAsync(cancellationToken), cancellationToken);
            return 0;
        });
    }

    /// <summary>The page, from a peer that is started for it and stopped again.</summary>
    public static async Task<string> GenerateAsync(CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-api-docs-");
        try
        {
            await using var peer = await PeerProcess.StartAsync(new PeerOptions { DataDirectory = directory.FullName }, apiPort: 0, cancellationToken);
            return OpenRpc.ToMarkdown(peer.Methods);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
