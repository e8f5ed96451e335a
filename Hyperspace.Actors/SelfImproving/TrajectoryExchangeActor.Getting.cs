using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>One run by its id, whole when that is asked for. Runs beside the actor: it reads the disk and asks peers.</summary>
internal sealed partial class TrajectoryExchangeActor
{
    private async Task<object> GetAsync(TrajectoryCommands.Get get, CancellationToken cancellationToken)
    {
        if (!TrajectoryRules.IsTrajectoryId(get.TrajectoryId))
        {
            return new Refusal(ErrorCodes.InvalidParams, "A trajectoryId has 64 lower-case hex digits.");
        }

        var (found, _) = await _services.Store.FindAsync(_taskType, [Convert.FromHexString(get.TrajectoryId)], TrajectoryRules.MaxEnvelopeBytes).ConfigureAwait(false);
        if (found.Count == 0 || KeptTrajectory.Read(found[0], _taskType, out _) is not { } record)
        {
            return new Refusal(ErrorCodes.NotFound, "This peer keeps no such run of the task type; follow the task type to get the neighbours' runs.");
        }

        var signed = record.Parse();
        if (signed.BodyHash.IsEmpty)
        {
            return new TrajectoryFound(TrajectoryWire.ToView(record), Full: true);
        }

        if (!get.Full)
        {
            return new TrajectoryFound(TrajectoryWire.ToView(record), Full: false);
        }

        var (whole, refusal) = await _services.Bodies.WholeAsync(found[0].Author, signed, cancellationToken).ConfigureAwait(false);
        return whole is null ? refusal! : new TrajectoryFound(TrajectoryWire.ToView(record, signed, whole), Full: true);
    }
}
