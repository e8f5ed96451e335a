using System.Text.Json;

namespace Hyperspace.Host.Net;

/// <summary>A line of standard input: which command, and whatever that command takes. <c>docs/net.md</c> lists them.</summary>
internal sealed record NetRequest
{
    /// <summary>Comes back with the answer; any JSON.</summary>
    public JsonElement? Id { get; init; }

    public string? Cmd { get; init; }

    public string? Ma { get; init; }

    public string? Peer { get; init; }

    public string? Protocol { get; init; }

    public string? Topic { get; init; }

    public string? Data { get; init; }

    public byte[]? DataBase64 { get; init; }

    public int? Size { get; init; }

    public int? Count { get; init; }

    /// <summary>Messages per second.</summary>
    public double? Rate { get; init; }

    public bool Quiet { get; init; }

    public bool Reset { get; init; }

    public bool Collect { get; init; }

    public string? Key { get; init; }

    public byte[]? KeyBase64 { get; init; }

    public string? Value { get; init; }

    public byte[]? ValueBase64 { get; init; }

    public int? Limit { get; init; }

    public int? Bytes { get; init; }

    public ulong Upload { get; init; }

    public ulong Download { get; init; }

    /// <summary>How long the command may take, in milliseconds.</summary>
    public int? TimeoutMs { get; init; }
}

/// <summary>A line of standard input cannot be meant; the message says what is wrong with it.</summary>
internal sealed class NetRequestException(string message) : Exception(message);
