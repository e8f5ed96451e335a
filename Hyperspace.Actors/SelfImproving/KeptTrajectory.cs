using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Where a run is kept; pools never push each other out.</summary>
internal enum RunPool
{
    /// <summary>Above <see cref="KeptTrajectory.FailureReward"/>.</summary>
    Runs,

    /// <summary>Up to it.</summary>
    Failures,

    /// <summary>What went wrong in another run, done over.</summary>
    Repairs,
}

/// <summary>A run that keeps the rules, with the envelope that proves it.</summary>
internal sealed class KeptTrajectory
{
    /// <summary>From this reward on a run counts as a success.</summary>
    public const double SuccessReward = 0.7;

    /// <summary>Up to this reward a run counts as a failure.</summary>
    public const double FailureReward = 0.3;

    private KeptTrajectory(SignedEnvelope envelope, Trajectory run)
    {
        Envelope = envelope;
        Run = run;
        Author = envelope.Author.ToString();
        Terms = SelfImproving.Terms.Of(run.Input);
        Goal = SelfImproving.Terms.GoalOf(Terms);
    }

    /// <summary>Hash of the envelope.</summary>
    public string Id => Envelope.Id;

    /// <summary>The author's peer id.</summary>
    public string Author { get; }

    /// <summary>What its author signed.</summary>
    public SignedEnvelope Envelope { get; }

    /// <summary>The run; not to be changed.</summary>
    public Trajectory Run { get; }

    /// <summary>SHA-256 of the whole run, lower-case hex, when <see cref="Run"/> is shortened; else null.</summary>
    public string? BodyHash => Run.BodyHash.IsEmpty ? null : Convert.ToHexStringLower(Run.BodyHash.Span);

    /// <summary>Words of the input.</summary>
    public IReadOnlyList<string> Terms { get; }

    /// <summary>Runs of the same goal were asked the same thing.</summary>
    public string Goal { get; }

    /// <summary>Runs of the same shape did the same: the same steps with the same parameters.</summary>
    public string Shape => field ??= TrajectoryShape.Of(Run);

    /// <summary>True when it went well, by itself.</summary>
    public bool IsSuccess => !IsRepair && Run.Reward >= SuccessReward;

    /// <summary>True when it went badly.</summary>
    public bool IsFailure => !IsRepair && Run.Reward <= FailureReward;

    /// <summary>Where it is kept.</summary>
    public RunPool Pool => IsRepair ? RunPool.Repairs : IsFailure ? RunPool.Failures : RunPool.Runs;

    /// <summary>True when it does over what went wrong in another run: no independent outcome of its goal (SiriuS, arXiv:2502.04780).</summary>
    public bool IsRepair => Run.Repairs.Length > 0;

    /// <summary>The run that it repairs; null when it is no repair.</summary>
    public string? Repairs => IsRepair ? Convert.ToHexStringLower(Run.Repairs.Span) : null;

    /// <summary>True for a repair that was verified to go well. Any other repair counts for nothing, whatever reward it claims.</summary>
    public bool IsVerifiedRepair => IsRepair && Run.Reward >= SuccessReward;

    /// <summary>True when it may be shown as an example.</summary>
    public bool IsExemplar => IsSuccess || IsVerifiedRepair;

    /// <summary>Higher reward first, then the newer one, then by id: a total order.</summary>
    public static IComparer<KeptTrajectory> BestFirst { get; } = Comparer<KeptTrajectory>.Create((a, b) =>
    {
        var byReward = b.Run.Reward.CompareTo(a.Run.Reward);
        var byTime = byReward != 0 ? byReward : b.Envelope.Time.CompareTo(a.Envelope.Time);
        return byTime != 0 ? byTime : string.CompareOrdinal(a.Id, b.Id);
    });

    /// <summary>Reads an opened envelope; null with a refusal when its payload is no run of that task type within the rules.</summary>
    public static KeptTrajectory? Read(SignedEnvelope envelope, string taskType, out Refusal? refusal)
    {
        refusal = TrajectoryRules.CheckSize(envelope.Bytes.Length);
        if (refusal is not null)
        {
            return null;
        }

        Trajectory run;
        try
        {
            run = Trajectory.Parser.ParseFrom(envelope.Payload.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            refusal = new Refusal(ErrorCodes.BadEnvelope, "The payload is no trajectory: " + e.Message);
            return null;
        }

        refusal = envelope.Type != EnvelopeTypes.Trajectory ? new Refusal(ErrorCodes.BadEnvelope, $"An envelope of type {envelope.Type} holds no trajectory.")
            : run.TaskType != taskType ? new Refusal(ErrorCodes.BadEnvelope, "The trajectory is of another task type than its topic.")
            : TrajectoryRules.Check(run);
        return refusal is null ? new KeptTrajectory(envelope, run) : null;
    }
}
