using System.IO.MemoryMappedFiles;

namespace Hyperspace.Fuzz;

/// <summary>The input at hand in a mapped file: it is there even when the process dies of it (an overflown stack cannot be caught).</summary>
internal sealed class LastInput : IDisposable
{
    private const int LengthPrefix = 4;
    private const int Capacity = LengthPrefix + (64 * 1024);
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public LastInput(string target)
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"hyperspace-fuzz-{target}-{Environment.ProcessId}.last");
        _file = MemoryMappedFile.CreateFromFile(Path, FileMode.Create, null, Capacity);
        _view = _file.CreateViewAccessor();
    }

    /// <summary>The file: an int32 length, then the input.</summary>
    public string Path { get; }

    /// <summary>Notes the input that will be executed next.</summary>
    public void Write(byte[] input)
    {
        var length = Math.Min(input.Length, Capacity - LengthPrefix);
        _view.Write(0, length);
        _view.WriteArray(LengthPrefix, input, 0, length);
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
        File.Delete(Path);
    }
}
