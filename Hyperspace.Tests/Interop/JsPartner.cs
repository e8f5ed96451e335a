namespace Hyperspace.Tests.Interop;

/// <summary>Marks tests that need js-libp2p; they run one class at a time, after its packages are installed.</summary>
[CollectionDefinition(Name)]
public sealed class JsPartnerCollection : ICollectionFixture<JsPartner>
{
    public const string Name = "js-libp2p";
}

/// <summary>
/// Installs js-libp2p's version lines (folders <c>Interop/js/libp2p-2</c> and <c>libp2p-3</c>) once per checkout, and
/// again when a lock file changes. Without node and npm the tests are skipped with the reason.
/// </summary>
public sealed class JsPartner : IAsyncLifetime
{
    private string? _missing;

    public static string Folder(int line) => NpmFolder.PathOf($"libp2p-{line}");

    public async Task InitializeAsync()
    {
        foreach (var line in (int[])[2, 3])
        {
            _missing ??= await NpmFolder.InstallAsync($"libp2p-{line}");
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>Starts a node of the line (2 or 3), or skips the test when there is no node to start it with.</summary>
    public async Task<JsPeer> StartAsync(int line, object? options = null)
    {
        Skip.If(_missing is not null, _missing);
        return await JsPeer.StartAsync(line, options);
    }
}
