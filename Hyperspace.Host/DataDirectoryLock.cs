using Hyperspace.Host.CommandLine;

namespace Hyperspace.Host;

/// <summary>One process per data directory: two would share a journal.</summary>
internal sealed class DataDirectoryLock : IDisposable
{
    private const int WindowsSharingViolation = 32;
    private const int LinuxWouldBlock = 11;
    private const int BsdWouldBlock = 35;
    private readonly FileStream _file;

    private DataDirectoryLock(FileStream file) => _file = file;

    /// <summary>Takes the lock of a data directory until it is disposed.</summary>
    /// <exception cref="CommandException">Another process holds it.</exception>
    /// <exception cref="IOException">The lock file cannot be made.</exception>
    public static DataDirectoryLock Take(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, "lock");
        try
        {
            return new DataDirectoryLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (IsHeldByAnother(e))
        {
            throw new CommandException($"Another peer runs on {dataDirectory}; stop it, or name another directory with --data.");
        }
    }

    public void Dispose() => _file.Dispose();

    private static bool IsHeldByAnother(IOException e) => OperatingSystem.IsWindows()
        ? (e.HResult & 0xFFFF) == WindowsSharingViolation
        : e.HResult is LinuxWouldBlock or BsdWouldBlock;
}
