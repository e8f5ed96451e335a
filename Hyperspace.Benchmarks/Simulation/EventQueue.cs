using System.Diagnostics.CodeAnalysis;

namespace Hyperspace.Benchmarks.Simulation;

/// <summary>
/// Events in order of virtual time, in milliseconds; those of the same millisecond in the order in which they were
/// scheduled. Near ones lie in a wheel of one slot per millisecond (a heap of millions would cost most of a run), far ones in a heap.
/// </summary>
internal sealed class EventQueue<T>
{
    private const int Slots = 8192;
    private readonly List<T>[] _wheel = new List<T>[Slots];
    private readonly PriorityQueue<T, (long At, long Order)> _far = new();
    private long _order;
    private int _read;
    private int _near;

    public EventQueue()
    {
        for (var i = 0; i < Slots; i++)
        {
            _wheel[i] = [];
        }
    }

    /// <summary>Virtual milliseconds since the start.</summary>
    public long Now { get; private set; }

    /// <summary>Events that wait.</summary>
    public int Count => _near + _far.Count;

    /// <summary>Puts an event at a time; a time that has passed means now.</summary>
    public void Schedule(long at, T item)
    {
        at = Math.Max(at, Now);
        if (at - Now < Slots)
        {
            _wheel[at % Slots].Add(item);
            _near++;
        }
        else
        {
            _far.Enqueue(item, (at, _order++));
        }
    }

    /// <summary>Takes the next event that is due by <paramref name="until"/> and moves <see cref="Now"/> to its time; false, and <see cref="Now"/> at <paramref name="until"/>, when there is none.</summary>
    public bool TryNext(long until, [MaybeNullWhen(false)] out T item)
    {
        while (true)
        {
            var slot = _wheel[Now % Slots];
            if (_read < slot.Count)
            {
                item = slot[_read++];
                _near--;
                return true;
            }

            slot.Clear();
            _read = 0;
            if (Now >= until)
            {
                item = default;
                return false;
            }

            Advance(until);
        }
    }

    private void Advance(long until)
    {
        Now = _near > 0 ? Now + 1
            : _far.TryPeek(out _, out var next) ? Math.Min(next.At, until)
            : until;
        while (_far.TryPeek(out var item, out var when) && when.At - Now < Slots)
        {
            _far.Dequeue();
            _wheel[when.At % Slots].Add(item);
            _near++;
        }
    }
}
