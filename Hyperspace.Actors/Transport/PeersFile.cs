using System.Text;
using Hyperspace.Actors.Engine;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary><see cref="RememberedPeers"/> in the data directory. Best effort: a peer runs without it.</summary>
internal sealed partial class PeersFile(string dataDirectory, ILoggerFactory loggers)
{
    /// <summary>Text, one multiaddr a line.</summary>
    public const string FileName = "peers";

    private readonly string _path = Path.Combine(dataDirectory, FileName);
    private readonly ILogger _logger = loggers.CreateLogger<PeersFile>();
    private string _written = "";

    public RememberedPeers Read()
    {
        try
        {
            using var file = File.OpenRead(_path);
            var bytes = new byte[Math.Min(file.Length, RememberedPeers.MaxBytes)];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return RememberedPeers.Parse(_written = Encoding.UTF8.GetString(bytes, 0, length));
        }
        catch (FileNotFoundException)
        {
            return RememberedPeers.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFailed("read", _path, e.Message);
            return RememberedPeers.None;
        }
    }

    /// <summary>Writes them if they differ from what is there.</summary>
    public void Write(RememberedPeers peers)
    {
        var text = peers.ToText();
        if (text == _written || (_written.Length == 0 && !peers.Addresses.Any()))
        {
            return;
        }

        try
        {
            PrivateFiles.Write(_path, Encoding.UTF8.GetBytes(text));
            _written = text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFailed("written", _path, e.Message);
        }
    }

    [LoggerMessage(EventId = 2103, Level = LogLevel.Warning, Message = "Known peers cannot be {Done} ({Path}): {Error}. The peer runs on, but needs --bootstrap at its next start.")]
    private partial void LogFailed(string done, string path, string error);
}
