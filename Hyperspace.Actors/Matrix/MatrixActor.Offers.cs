using Akka.Event;

namespace Hyperspace.Actors.Matrix;

/// <summary>Takes in what peers offer, this one too.</summary>
internal sealed partial class MatrixActor
{
    private static readonly TimeSpan FullInterval = TimeSpan.FromMinutes(10);

    private DateTimeOffset _toldFull = DateTimeOffset.MinValue;

    private void ReceivesOfOffers() => Receive<MatrixMessages.Offered>(offered =>
    {
        var refused = _state.Take(offered);
        var now = _services.Time.GetUtcNow();
        if (refused > 0 && now - _toldFull >= FullInterval)
        {
            _toldFull = now;
            _log.Warning(
                "The index is full with {0} capabilities: {1} of {2} are not found by search until others expire. This is said once in {3} minutes at most.",
                _state.Index.Count, refused, offered.PeerId, FullInterval.TotalMinutes);
        }

        CommitSoon();
        EmbedSome();
    });
}
