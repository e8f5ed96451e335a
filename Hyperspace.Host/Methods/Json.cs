using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.State;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Host.Methods;

/// <summary>How contracts look as JSON: camelCase names, amounts as exact decimals, times as ISO 8601 UTC, durations in milliseconds.</summary>
internal static class Json
{
    public static JsonNode Of(Amount amount) => JsonValue.Create(amount.ToDecimal());

    public static string Of(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    public static JsonNode Milliseconds(TimeSpan duration) => JsonValue.Create(Math.Round(duration.TotalMilliseconds, 3));

    public static JsonArray Array(IEnumerable<string> items) => new([.. items.Select(i => (JsonNode?)JsonValue.Create(i))]);

    public static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonNode?> of) => new([.. items.Select(of)]);

    /// <summary>Stored JSON as JSON, anything else as a string.</summary>
    public static JsonNode? Stored(string? text)
    {
        if (text is null)
        {
            return null;
        }

        try
        {
            return text.AsSpan().TrimStart() is ['{' or '[' or '"' or 't' or 'f' or 'n' or '-' or (>= '0' and <= '9'), ..] ? JsonNode.Parse(text) : JsonValue.Create(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }

    public static JsonObject Of(SessionView session, bool withTrace) => With(
        new JsonObject
        {
            ["id"] = session.Id,
            ["agentId"] = session.AgentId,
            ["status"] = session.Status == SessionStatus.Active ? "active" : "ended",
            ["budget"] = Of(session.Budget),
            ["startedAt"] = Of(session.StartedAt),
            ["endedAt"] = session.EndedAt is { } ended ? Of(ended) : null,
            ["context"] = Stored(session.Context),
            ["result"] = Stored(session.Result),
        },
        "trace",
        withTrace ? Array(session.Trace, Of) : null);

    public static JsonObject Of(BudgetView budget) => new()
    {
        ["max"] = Of(budget.Max),
        ["spent"] = Of(budget.Spent),
        ["reserved"] = Of(budget.Reserved),
        ["remaining"] = Of(budget.Remaining),
        ["currency"] = budget.Max.Currency.Code,
    };

    public static JsonObject Of(TraceStep step) => new()
    {
        ["index"] = step.Index,
        ["kind"] = step.Kind,
        ["name"] = step.Name,
        ["startedAt"] = Of(step.StartedAt),
        ["durationMs"] = Milliseconds(step.Duration),
        ["cost"] = Of(step.Cost),
        ["ok"] = step.Ok,
        ["error"] = step.Error,
        ["input"] = Stored(step.Input),
        ["output"] = Stored(step.Output),
    };

    public static JsonObject Of(DiscoveredTool tool) => new()
    {
        ["id"] = tool.Id,
        ["name"] = tool.Definition.Name,
        ["description"] = tool.Definition.Description,
        ["capabilities"] = Array(tool.Definition.Capabilities),
        ["inputSchema"] = Stored(tool.Definition.InputSchema),
        ["price"] = Of(tool.Definition.Price),
        ["perTokens"] = tool.Definition.PerTokens,
        ["currency"] = tool.Definition.Price.Currency.Code,
        ["provider"] = tool.PeerId,
        ["reputation"] = tool.Reputation,
        ["score"] = Math.Round(tool.Score, 4),
        ["tier"] = tool.Tier,
    };

    public static JsonObject Of(InvocationResult result) => new()
    {
        ["ok"] = result.Ok,
        ["content"] = result.Content,
        ["structured"] = Stored(result.Structured),
        ["error"] = result.Error,
        ["durationMs"] = Milliseconds(result.Duration),
        ["cost"] = Of(result.Cost),
        ["receipt"] = Of(result.Receipt),
        ["score"] = ScoreOf(result.Ok, Stored(result.Structured)),
    };

    // What a run may be rewarded with.
    private static double ScoreOf(bool ok, JsonNode? structured) =>
        !ok ? 0 : structured is JsonObject result && result["score"] is JsonValue value && value.TryGetValue(out double score) && score is >= 0 and <= 1 ? score : 1;

    public static JsonObject? Of(PaymentReceipt? receipt) => receipt is null ? null : new()
    {
        ["channelId"] = receipt.ChannelId,
        ["requestId"] = receipt.RequestId,
        ["accepted"] = Of(receipt.Accepted),
        ["spent"] = Of(receipt.Spent),
    };

    public static JsonObject Of(TrajectoryView trajectory) => new()
    {
        ["trajectoryId"] = trajectory.TrajectoryId,
        ["peerId"] = trajectory.PeerId,
        ["taskType"] = trajectory.TaskType,
        ["input"] = Stored(trajectory.Input),
        ["steps"] = Array(trajectory.Steps, Of),
        ["output"] = Stored(trajectory.Output),
        ["reward"] = trajectory.Reward,
        ["recordedAt"] = Of(trajectory.RecordedAt),
        ["repairs"] = trajectory.Repairs,
        ["tries"] = trajectory.Tries,
        ["successes"] = trajectory.Successes,
        ["bodyBytes"] = trajectory.BodyBytes == 0 ? null : trajectory.BodyBytes,
    };

    public static JsonObject Of(TrajectoryStepView step) => new()
    {
        ["kind"] = step.Kind,
        ["name"] = step.Name,
        ["thought"] = step.Thought,
        ["input"] = Stored(step.Input),
        ["output"] = Stored(step.Output),
        ["cost"] = Of(step.Cost),
        ["durationMs"] = Milliseconds(step.Duration),
        ["ok"] = step.Ok,
        ["error"] = step.Error,
    };

    public static JsonObject Of(BulletView bullet) => new()
    {
        ["id"] = bullet.Id,
        ["section"] = bullet.Section,
        ["text"] = bullet.Text,
        ["helpful"] = bullet.Helpful,
        ["harmful"] = bullet.Harmful,
        ["score"] = Math.Round(bullet.Score, 4),
        ["sources"] = Array(bullet.Sources),
        ["authors"] = bullet.Authors,
    };

    public static JsonObject Of(PayerChannelView channel) => new()
    {
        ["side"] = "payer",
        ["channelId"] = channel.ChannelId,
        ["peerId"] = channel.PayeePeerId,
        ["deposit"] = Of(channel.Deposit),
        ["signed"] = Of(channel.Signed),
        ["accepted"] = Of(channel.Accepted),
        ["currency"] = channel.Deposit.Currency.Code,
        ["inFlight"] = channel.InFlight,
        ["vouchers"] = channel.Vouchers,
        ["opening"] = channel.Opening,
        ["phase"] = Of(channel.Phase),
        ["onChain"] = channel.OnChain,
        ["chainId"] = channel.ChainId,
        ["settled"] = channel.Phase == ChannelPhase.Closed ? Of(channel.Settled) : null,
        ["refunded"] = channel.Phase == ChannelPhase.Closed ? Of(channel.Refunded) : null,
    };

    public static JsonObject Of(PayeeChannelView channel) => new()
    {
        ["side"] = "payee",
        ["channelId"] = channel.ChannelId,
        ["peerId"] = channel.PayerPeerId,
        ["deposit"] = Of(channel.Deposit),
        ["accepted"] = Of(channel.Accepted),
        ["spent"] = Of(channel.Spent),
        ["currency"] = channel.Deposit.Currency.Code,
        ["open"] = channel.Open,
        ["vouchers"] = channel.Vouchers,
        ["phase"] = Of(channel.Phase),
        ["onChain"] = channel.OnChain,
        ["chainId"] = channel.ChainId,
        ["settled"] = channel.OnChain || channel.Phase == ChannelPhase.Closed ? Of(channel.Settled) : null,
        ["refunded"] = channel.Phase == ChannelPhase.Closed ? Of(channel.Refunded) : null,
    };

    private static string Of(ChannelPhase phase) => phase.ToString().ToLowerInvariant();

    private static JsonObject With(JsonObject json, string name, JsonNode? value)
    {
        if (value is not null)
        {
            json[name] = value;
        }

        return json;
    }
}
