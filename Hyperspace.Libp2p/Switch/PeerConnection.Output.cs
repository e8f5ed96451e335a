using Hyperspace.Libp2p.Noise;

namespace Hyperspace.Libp2p.Switch;

/// <content>What goes out: writers take turns at a bounded buffer, and a flush sends it while the next one fills.</content>
internal sealed partial class PeerConnection
{
    /// <summary>Frames that may wait for the socket, in bytes; writers wait beyond it.</summary>
    private const int OutputLimit = 256 * 1024;

    /// <summary>What answers to the remote (pings, window updates, resets) may add before the remote counts as deaf.</summary>
    private const int ControlReserve = 1024 * 1024;

    /// <summary>Writers that are let in when a flush made room; each lets in the next.</summary>
    private const int WritersPerFlush = 4;

    /// <summary>Flushes that follow each other within this time are a burst.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMicroseconds(15);

    private readonly Queue<TaskCompletionSource> _waitingWriters = new();
    private NoiseFrameWriter _pending = new();
    private NoiseFrameWriter _spare = new();
    private TaskCompletionSource? _drained;
    private bool _flushing;
    private long _flushedAt;

    /// <summary>Writes all of the data, waiting for the remote's window and for room in the buffer.</summary>
    public async ValueTask WriteAsync(PeerStream stream, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            Task? wait = null;
            TaskCompletionSource? turn = null;
            bool flush;
            lock (_gate)
            {
                if (!stream.IsWritable)
                {
                    LetWriterIn();
                    throw stream.Broken();
                }

                while (data.Length > 0 && _pending.Length < OutputLimit)
                {
                    var written = _session.Write(stream.State, data.Span);
                    if (written == 0)
                    {
                        wait = stream.WindowOpened();
                        break;
                    }

                    data = data[written..];
                }

                if (data.Length > 0 && wait is null)
                {
                    turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    _waitingWriters.Enqueue(turn);
                    wait = turn.Task;
                }
                else
                {
                    LetWriterIn();
                }

                flush = BeginFlush();
            }

            StartFlush(flush);
            if (wait is null)
            {
                return;
            }

            try
            {
                await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                PassTurn(turn);
                throw;
            }
        }
    }

    private bool BeginFlush()
    {
        if (_flushing || _fault is not null || _pending.Length == 0)
        {
            return false;
        }

        _flushing = true;
        return true;
    }

    /// <summary>
    /// Sends right here when the connection was quiet, which is quickest for one message; from the thread pool when
    /// flushes follow each other closely, so that a burst gathers into few sends.
    /// </summary>
    private void StartFlush(bool begun)
    {
        if (!begun)
        {
            return;
        }

        if (_time.GetElapsedTime(Volatile.Read(ref _flushedAt)) < Burst)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static connection => _ = connection.FlushAsync(), this, preferLocal: false);
        }
        else
        {
            _ = FlushAsync();
        }
    }

    private async Task FlushAsync()
    {
        try
        {
            while (true)
            {
                NoiseFrameWriter batch;
                lock (_gate)
                {
                    if (_pending.Length == 0 || _fault is not null)
                    {
                        EndFlush();
                        return;
                    }

                    (batch, _pending, _spare) = (_pending, _spare, _pending);
                    for (var i = 0; i < WritersPerFlush; i++)
                    {
                        LetWriterIn();
                    }
                }

                await _upgraded.Channel.SendAsync(batch, ClosedToken).ConfigureAwait(false);
                batch.Clear();
            }
        }
        catch (Exception e) when (IsEndOfConnection(e))
        {
            Abort(e as IOException ?? new IOException("The connection was closed.", e));
            lock (_gate)
            {
                EndFlush();
            }
        }
    }

    private void EndFlush()
    {
        _flushing = false;
        Volatile.Write(ref _flushedAt, _time.GetTimestamp());
        _drained?.TrySetResult();
        _drained = null;
    }

    private Task DrainedAsync()
    {
        lock (_gate)
        {
            return _flushing ? (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }
    }

    private void LetWriterIn()
    {
        if (_pending.Length < OutputLimit && _waitingWriters.TryDequeue(out var next))
        {
            next.TrySetResult();
        }
    }

    /// <summary>A writer that gives up hands its turn on, if it had one.</summary>
    private void PassTurn(TaskCompletionSource? turn)
    {
        if (turn is not null && !turn.TrySetCanceled())
        {
            lock (_gate)
            {
                LetWriterIn();
            }
        }
    }
}
