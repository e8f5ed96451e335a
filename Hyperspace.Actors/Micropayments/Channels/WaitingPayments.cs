using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>Payments that wait for the vouchers in flight, first come first served, at most <see cref="ChannelLimits.MaxWaiting"/>.</summary>
internal sealed class WaitingPayments(TimeProvider time, TimeSpan maxWait)
{
    private readonly LinkedList<(PayerChannelCommands.Pay Pay, IActorRef Sender, long Since)> _payments = new();

    public int Count => _payments.Count;

    public bool TryAdd(PayerChannelCommands.Pay pay, IActorRef sender)
    {
        if (_payments.Count >= ChannelLimits.MaxWaiting)
        {
            return false;
        }

        _payments.AddLast((pay, sender, time.GetTimestamp()));
        return true;
    }

    public bool TryPeek([NotNullWhen(true)] out PayerChannelCommands.Pay? pay, [NotNullWhen(true)] out IActorRef? sender)
    {
        (pay, sender) = _payments.First is { } first ? (first.Value.Pay, first.Value.Sender) : default;
        return pay is not null && sender is not null;
    }

    public bool TryTake([NotNullWhen(true)] out PayerChannelCommands.Pay? pay, [NotNullWhen(true)] out IActorRef? sender)
    {
        if (!TryPeek(out pay, out sender))
        {
            return false;
        }

        _payments.RemoveFirst();
        return true;
    }

    /// <summary>Takes those out that have waited longer than the limit.</summary>
    public IReadOnlyList<(PayerChannelCommands.Pay Pay, IActorRef Sender)> TakeOverdue()
    {
        var overdue = new List<(PayerChannelCommands.Pay, IActorRef)>();
        while (_payments.First is { } first && time.GetElapsedTime(first.Value.Since) > maxWait)
        {
            overdue.Add((first.Value.Pay, first.Value.Sender));
            _payments.RemoveFirst();
        }

        return overdue;
    }

    /// <summary>Takes those of one request out and returns who asked.</summary>
    public IReadOnlyList<IActorRef> Withdraw(string requestId)
    {
        var senders = new List<IActorRef>();
        for (var node = _payments.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Pay.RequestId == requestId)
            {
                senders.Add(node.Value.Sender);
                _payments.Remove(node);
            }

            node = next;
        }

        return senders;
    }
}
