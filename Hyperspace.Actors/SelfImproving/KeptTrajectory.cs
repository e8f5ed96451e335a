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

/// <summary>
/// A run that keeps the rules, as a working set holds it: what ranks it and finds it again, and what its author said, as
/// bytes that are parsed when somebody reads them. The envelope that proves it is in <see cref="IExperienceStore"/>.
/// </summary>
internal sealed class KeptTrajectory
{
    /// <summary>From this reward on a run counts as a success.</summary>
    public const double SuccessReward = 0.7;

    /// <summary>Up to this reward a run counts as a failure.</summary>
    public const double FailureReward = 0.3;

    // This object, its strings, and its places in the maps and lists of a working set, as measured.
    private const int Overhead = 640;

    private readonly ReadOnlyMemory<byte> _payload;
    private readonly uint[] _terms;

    private KeptTrajectory(SignedEnvelope envelope, Trajectory run)
    {
        _payload = envelope.Payload;
        var terms = SelfImproving.Terms.Of(run.Input);
        _terms = SelfImproving.Terms.HashesOf(terms);
        Id = envelope.Id;
        Author = AuthorNames.Of(envelope.Author);
        Time = envelope.Time;
        Size = envelope.Bytes.Length;
        Goal = SelfImproving.Terms.GoalOf(terms);
        Shape = TrajectoryShape.Of(run);
        Reward = run.Reward;
        Tries = run.Tries;
        Successes = run.Successes;
        HasInput = run.Input.Length > 0;
        Repairs = run.Repairs.IsEmpty ? null : Convert.ToHexStringLower(run.Repairs.Span);
        BodyHash = CompactRecord.BodyHashOf(run);
    }

    /// <summary>Hash of the envelope.</summary>
    public string Id { get; }

    /// <summary>The author's peer id.</summary>
    public string Author { get; }

    /// <summary>When it was signed, by the author's clock.</summary>
    public HybridTime Time { get; }

    /// <summary>Bytes of the envelope.</summary>
    public int Size { get; }

    /// <summary>Hashes of the words of the input, ascending.</summary>
    public IReadOnlyList<uint> Terms => _terms;

    /// <summary>Runs of the same goal were asked the same thing.</summary>
    public string Goal { get; }

    /// <summary>Runs of the same shape did the same: the same steps with the same parameters.</summary>
    public string Shape { get; }

    /// <summary>0 to 1.</summary>
    public double Reward { get; }

    /// <summary>Which try of its author at the goal it was; 0: not said.</summary>
    public uint Tries { get; }

    /// <summary>How many of the tries went well.</summary>
    public uint Successes { get; }

    /// <summary>SHA-256 of the whole run, lower-case hex, when the record is shortened; else null.</summary>
    public string? BodyHash { get; }

    /// <summary>Whether it says what was asked.</summary>
    public bool HasInput { get; }

    /// <summary>True when it went well, by itself.</summary>
    public bool IsSuccess => !IsRepair && Reward >= SuccessReward;

    /// <summary>True when it went badly.</summary>
    public bool IsFailure => !IsRepair && Reward <= FailureReward;

    /// <summary>Where it is kept.</summary>
    public RunPool Pool => IsRepair ? RunPool.Repairs : IsFailure ? RunPool.Failures : RunPool.Runs;

    /// <summary>True when it does over what went wrong in another run: no independent outcome of its goal (SiriuS, arXiv:2502.04780).</summary>
    public bool IsRepair => Repairs is not null;

    /// <summary>The run that it repairs; null when it is no repair.</summary>
    public string? Repairs { get; }

    /// <summary>True for a repair that was verified to go well. Any other repair counts for nothing, whatever reward it claims.</summary>
    public bool IsVerifiedRepair => IsRepair && Reward >= SuccessReward;

    /// <summary>Bytes of memory that keeping it takes, roughly.</summary>
    public int Footprint => _payload.Length + (_terms.Length * sizeof(uint)) + Overhead;

    /// <summary>True when it may be shown as an example.</summary>
    public bool IsExemplar => IsSuccess || IsVerifiedRepair;

    /// <summary>Higher reward first, then the newer one, then by id: a total order.</summary>
    public static IComparer<KeptTrajectory> BestFirst { get; } = Comparer<KeptTrajectory>.Create((a, b) =>
    {
        var byReward = b.Reward.CompareTo(a.Reward);
        var byTime = byReward != 0 ? byReward : b.Time.CompareTo(a.Time);
        return byTime != 0 ? byTime : string.CompareOrdinal(a.Id, b.Id);
    });

    /// <summary>What its author said, read anew each time.</summary>
    public Trajectory Parse() => Trajectory.Parser.ParseFrom(_payload.Span);

    /// <summary>As <see cref="Read"/>, of a run that another peer gives: no honest one is larger than <see cref="TrajectoryRules.MaxSharedBytes"/>.</summary>
    public static KeptTrajectory? ReadShared(SignedEnvelope envelope, string taskType, out Refusal? refusal)
    {
        if (envelope.Bytes.Length <= TrajectoryRules.MaxSharedBytes)
        {
            return Read(envelope, taskType, out refusal);
        }

        refusal = new Refusal(ErrorCodes.TooLarge, $"The run has {envelope.Bytes.Length} bytes; over {TrajectoryRules.MaxSharedBytes} it is shortened before it is signed.");
        return null;
    }

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
