using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Hyperspace.Libp2p.Yamux;

namespace Hyperspace.Libp2p.Switch;

/// <summary>
/// A Yamux stream as the rest of the program sees it. Bytes wait in a pipe until they are read; the remote's window is
/// opened again only for bytes that were read, so a reader that pauses pauses the sender.
/// </summary>
internal sealed class PeerStream : IPeerStream, IByteChannel
{
    private const int Idle = 0;
    private const int Reading = 1;
    private const int Closed = 2;
    private const int ReadingButClosed = 3;

    // Writing never blocks here: Yamux' window is what bounds the pipe.
    private static readonly PipeOptions PipeOptions = new(pauseWriterThreshold: 0, resumeWriterThreshold: 0, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);

    private readonly Pipe _pipe = new(PipeOptions);
    private readonly PeerConnection _connection;
    private volatile IOException? _fault;
    private TaskCompletionSource? _windowOpened;
    private uint _unreported;
    private int _readState;
    private bool _received;

    public PeerStream(PeerConnection connection, YamuxStream state)
    {
        _connection = connection;
        State = state;
        state.Host = this;
    }

    public PeerId RemotePeer => _connection.RemotePeer;

    public string Protocol { get; internal set; } = "";

    public PeerConnection Connection => _connection;

    /// <summary>The stream in the session; touched under the connection's lock only.</summary>
    public YamuxStream State { get; }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        BeginRead();
        try
        {
            if (!_pipe.Reader.TryRead(out var result))
            {
                result = await _pipe.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            }

            var available = result.Buffer;
            if (available.IsEmpty)
            {
                _pipe.Reader.AdvanceTo(available.End);
                return _fault is null ? 0 : throw Broken();
            }

            var taken = available.Length > buffer.Length ? available.Slice(0, buffer.Length) : available;
            var count = (int)taken.Length;
            taken.CopyTo(buffer.Span);
            _pipe.Reader.AdvanceTo(taken.End);
            _unreported += (uint)count;
            if (_unreported >= State.TargetWindow / 4)
            {
                _connection.Consumed(this, _unreported);
                _unreported = 0;
            }

            return count;
        }
        finally
        {
            EndRead();
        }
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        _connection.WriteAsync(this, data, cancellationToken);

    public ValueTask CloseWriteAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _connection.CloseWrite(this);
        return ValueTask.CompletedTask;
    }

    public void Reset() => _connection.Reset(this);

    public ValueTask DisposeAsync()
    {
        _connection.Release(this);
        if (Interlocked.CompareExchange(ref _readState, Closed, Idle) == Idle)
        {
            _pipe.Reader.Complete();
        }
        else
        {
            Interlocked.CompareExchange(ref _readState, ReadingButClosed, Reading);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>The error for a stream that can no longer be used.</summary>
    public IOException Broken() => new(_fault?.Message ?? "The stream is closed.", _fault);

    // Below: called under the connection's lock.

    public void Receive(ReadOnlySpan<byte> data)
    {
        data.CopyTo(_pipe.Writer.GetSpan(data.Length));
        _pipe.Writer.Advance(data.Length);
        _received = true;
    }

    /// <summary>Wakes the reader for what was received since the last call.</summary>
    public void Publish()
    {
        if (_received)
        {
            _received = false;

            // Completes at once: the pipe has no pause threshold.
            _ = _pipe.Writer.FlushAsync();
        }
    }

    /// <summary>No more bytes will come.</summary>
    public void EndOfInput() => _pipe.Writer.Complete();

    /// <summary>The stream broke; bytes that came before can still be read.</summary>
    public void Fault(IOException reason)
    {
        _fault ??= reason;
        _pipe.Writer.Complete();
        OpenWindow();
    }

    public void OpenWindow()
    {
        _windowOpened?.TrySetResult();
        _windowOpened = null;
    }

    /// <summary>Completes when the window opened or the stream broke.</summary>
    public Task WindowOpened() => (_windowOpened ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>False once the stream broke or this side closed it.</summary>
    public bool IsWritable => _fault is null && !State.WriteClosed;

    public void ThrowIfBroken()
    {
        if (_fault is not null)
        {
            throw Broken();
        }
    }

    private void BeginRead()
    {
        switch (Interlocked.CompareExchange(ref _readState, Reading, Idle))
        {
            case Idle:
                return;
            case Reading:
                throw new InvalidOperationException("A stream has one reader at a time.");
            default:
                throw new ObjectDisposedException(nameof(PeerStream));
        }
    }

    private void EndRead()
    {
        if (Interlocked.CompareExchange(ref _readState, Idle, Reading) != Reading)
        {
            _pipe.Reader.Complete();
            _readState = Closed;
        }
    }
}
