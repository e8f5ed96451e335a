namespace Hyperspace.Fuzz.Engine;

/// <summary>Gives an input to a decoder and checks what comes out; throws <see cref="BrokenInvariantException"/> when it is wrong.</summary>
public delegate void FuzzBody(ReadOnlySpan<byte> input);

/// <summary>A decoder under test, with the promises that hold for any input.</summary>
/// <param name="Name">The name on the command line, and of the corpus folder.</param>
/// <param name="Run">Executes one input. Pure: what it does depends on the input alone.</param>
/// <param name="Seeds">Valid inputs to start from, besides the corpus.</param>
public sealed record FuzzTarget(string Name, FuzzBody Run, Func<IEnumerable<byte[]>> Seeds)
{
    /// <summary>Longest input that is tried, in bytes.</summary>
    public int MaxLength { get; init; } = 4096;

    /// <summary>Bytes that an input may make the decoder (and the check around it) allocate, whatever its length.</summary>
    public long AllocationConstant { get; init; } = 96 * 1024;

    /// <summary>Bytes that each byte of the input may add to that.</summary>
    public long AllocationPerByte { get; init; } = 128;

    /// <summary>The errors that the protocol itself throws at bad input; every other exception is a finding.</summary>
    public required Func<Exception, bool> Expects { get; init; }

    /// <summary>Byte strings that mean something to the protocol.</summary>
    public IReadOnlyList<byte[]> Dictionary { get; init; } = [];
}

/// <summary>A decoder broke a promise that its target checks.</summary>
public sealed class BrokenInvariantException(string message) : Exception(message);

/// <summary>What targets state about results.</summary>
internal static class Invariant
{
    /// <exception cref="BrokenInvariantException">The statement is false.</exception>
    public static void Holds(bool statement, string what)
    {
        if (!statement)
        {
            throw new BrokenInvariantException(what);
        }
    }
}
