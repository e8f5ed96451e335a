using Hyperspace.Actors.Micropayments.Channels;

namespace Hyperspace.Tests.Micropayments.Channels.Model;

/// <summary>
/// One side as its actor runs it: events are applied at once, written in groups, and what rests on them is told after that. A
/// crash forgets what was not written, and what would have been told.
/// </summary>
internal sealed class Side<TState>(TState first, Func<TState, object, TState> apply)
{
    private readonly TState _first = first;
    private readonly List<object> _pending = [];
    private readonly List<Action> _after = [];

    public TState State { get; private set; } = first;

    public List<object> Journal { get; } = [];

    public void Commit(object? happened, Action then)
    {
        CommitLater(happened);
        if (_pending.Count == 0)
        {
            then();
        }
        else
        {
            _after.Add(then);
        }
    }

    public void CommitLater(object? happened)
    {
        if (happened is not null)
        {
            State = apply(State, happened);
            _pending.Add(happened);
        }
    }

    public void Write()
    {
        if (_pending.Count == 0)
        {
            return;
        }

        Journal.Add(_pending.Count == 1 ? _pending[0] : new ChannelBatch([.. _pending]));
        _pending.Clear();
        List<Action> after = [.. _after];
        _after.Clear();
        after.ForEach(then => then());
    }

    public void Crash()
    {
        _pending.Clear();
        _after.Clear();
        State = Journal.Aggregate(_first, apply);
    }
}
