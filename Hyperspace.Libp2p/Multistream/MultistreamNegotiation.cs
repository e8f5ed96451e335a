using System.Buffers;

namespace Hyperspace.Libp2p.Multistream;

/// <summary>What a negotiation wants next: bytes to send, and the protocol once it is settled.</summary>
internal readonly record struct NegotiationStep(ReadOnlyMemory<byte> Send, string? Selected);

/// <summary>One side of multistream-select 1.0 as a state machine: bytes in, <see cref="NegotiationStep"/> out.</summary>
internal abstract class MultistreamNegotiation
{
    /// <summary>The token that opens a negotiation.</summary>
    public const string Header = "/multistream/1.0.0";

    /// <summary>The token that refuses a proposal.</summary>
    protected const string NotAvailable = "na";

    private readonly MultistreamToken _token = new();

    /// <summary>How many bytes to push next, at most.</summary>
    public int Wanted => _token.Wanted;

    /// <summary>What to send before anything was received.</summary>
    public abstract ReadOnlyMemory<byte> Start();

    /// <summary>Takes up to <see cref="Wanted"/> bytes from the remote.</summary>
    /// <exception cref="MultistreamException">The remote broke the rules or refused every proposal.</exception>
    public NegotiationStep Receive(ReadOnlySpan<byte> bytes) => _token.Push(bytes) is { } token ? Receive(token) : default;

    /// <summary>Takes one token from the remote.</summary>
    protected abstract NegotiationStep Receive(string token);

    /// <summary>The bytes of tokens, one after the other.</summary>
    protected static ReadOnlyMemory<byte> Encode(params ReadOnlySpan<string> tokens)
    {
        var writer = new ArrayBufferWriter<byte>(64);
        foreach (var token in tokens)
        {
            MultistreamToken.Write(writer, token);
        }

        return writer.WrittenMemory;
    }
}

/// <summary>The side that proposes protocols, in order of preference.</summary>
internal sealed class MultistreamDialer(IReadOnlyList<string> protocols) : MultistreamNegotiation
{
    private bool _headerSeen;
    private int _proposed;

    public override ReadOnlyMemory<byte> Start() => Encode(Header, protocols[0]);

    protected override NegotiationStep Receive(string token)
    {
        if (!_headerSeen)
        {
            _headerSeen = token == Header;
            return _headerSeen ? default : throw new MultistreamException("The remote did not answer with multistream-select 1.0.");
        }

        if (token == protocols[_proposed])
        {
            return new NegotiationStep(default, token);
        }

        if (token != NotAvailable)
        {
            throw new MultistreamException("The remote answered a multistream-select proposal with neither the protocol nor 'na'.");
        }

        return ++_proposed < protocols.Count
            ? new NegotiationStep(Encode(protocols[_proposed]), null)
            : throw new MultistreamException($"The remote speaks none of: {string.Join(", ", protocols)}.");
    }
}

/// <summary>The side that picks among proposals.</summary>
internal sealed class MultistreamListener(Func<string, bool> supports) : MultistreamNegotiation
{
    /// <summary>Proposals that are answered before the remote is given up.</summary>
    public const int MaxProposals = 64;

    private bool _headerSeen;
    private int _proposals;

    public override ReadOnlyMemory<byte> Start() => default;

    protected override NegotiationStep Receive(string token)
    {
        if (!_headerSeen)
        {
            _headerSeen = token == Header;
            return _headerSeen
                ? new NegotiationStep(Encode(Header), null)
                : throw new MultistreamException("The remote did not open with multistream-select 1.0.");
        }

        if (supports(token))
        {
            return new NegotiationStep(Encode(token), token);
        }

        // `ls` is answered with `na` too: who may know what this peer speaks is told by Identify.
        return ++_proposals < MaxProposals
            ? new NegotiationStep(Encode(NotAvailable), null)
            : throw new MultistreamException($"The remote proposed more than {MaxProposals} protocols.");
    }
}

/// <summary>Runs a negotiation over a channel.</summary>
internal static class MultistreamExchange
{
    /// <summary>Runs to the end and returns the protocol; nothing behind the last token is read.</summary>
    /// <exception cref="IOException">The remote broke the rules, refused every proposal, went away or was too slow.</exception>
    public static async Task<string> NegotiateAsync(this IByteChannel channel, MultistreamNegotiation negotiation, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(MultistreamToken.MaxLength);
        try
        {
            var start = negotiation.Start();
            if (!start.IsEmpty)
            {
                await channel.WriteAsync(start, both.Token).ConfigureAwait(false);
            }

            while (true)
            {
                var read = await channel.ReadAsync(buffer.AsMemory(0, negotiation.Wanted), both.Token).ConfigureAwait(false);
                if (read == 0)
                {
                    throw new MultistreamException("The remote went away in the middle of multistream-select.");
                }

                var step = negotiation.Receive(buffer.AsSpan(0, read));
                if (!step.Send.IsEmpty)
                {
                    await channel.WriteAsync(step.Send, both.Token).ConfigureAwait(false);
                }

                if (step.Selected is { } protocol)
                {
                    return protocol;
                }
            }
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new MultistreamException($"The remote did not settle on a protocol within {timeout.TotalSeconds} s.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
