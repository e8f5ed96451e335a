using Hyperspace.Actors.Engine;
using Hyperspace.Libp2p.Kademlia;

namespace Hyperspace.Actors.Transport;

/// <summary>The DHT's routing table in the data directory, replaced whole.</summary>
internal sealed class RoutingTableFile(string dataDirectory) : IRoutingTableStore
{
    /// <summary>The file's name.</summary>
    public const string FileName = "dht-peers";

    private readonly string _path = Path.Combine(dataDirectory, FileName);

    /// <inheritdoc/>
    public async ValueTask<ReadOnlyMemory<byte>?> LoadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var file = File.OpenRead(_path);
            await using (file.ConfigureAwait(false))
            {
                // One byte too many is enough to know that it is not ours.
                var bytes = new byte[Math.Min(file.Length, RoutingTableSnapshot.MaxBytes + 1)];
                var length = await file.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                return bytes.AsMemory(0, length);
            }
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public ValueTask SaveAsync(ReadOnlyMemory<byte> snapshot, CancellationToken cancellationToken)
    {
        PrivateFiles.Write(_path, snapshot.Span);
        return ValueTask.CompletedTask;
    }
}
