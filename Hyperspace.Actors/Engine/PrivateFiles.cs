namespace Hyperspace.Actors.Engine;

/// <summary>Files of the data directory that only their owner may read; on Windows the directory's rights rule.</summary>
internal static class PrivateFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Creates an empty file unless it is there, and takes it from everybody else.</summary>
    public static void Touch(string path)
    {
        using (Open(path, FileMode.OpenOrCreate))
        {
        }

        Close(path);
    }

    /// <summary>Takes a file from everybody but its owner, if it is there.</summary>
    public static void Close(string path)
    {
        if (!OperatingSystem.IsWindows() && File.Exists(path))
        {
            File.SetUnixFileMode(path, OwnerOnly);
        }
    }

    /// <summary>Writes a whole file: readers see the old one or the new one.</summary>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        var written = path + ".new";
        using (var file = Open(written, FileMode.Create))
        {
            file.Write(bytes);
        }

        Close(written);
        File.Move(written, path, overwrite: true);
    }

    private static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return new FileStream(path, options);
    }
}
