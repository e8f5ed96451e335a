using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>Audits, one at a time, beside the ledger's work.</summary>
internal sealed partial class LedgerActor
{
    // Each of thousands of channels may have to be recovered first.
    private static readonly TimeSpan ChannelsTimeout = TimeSpan.FromMinutes(2);
    private bool _auditing;

    private Refusal? BeginAudit(OpenLedger ledger, LedgerCommands.Audit audit)
    {
        if (_auditing)
        {
            return new Refusal(ErrorCodes.RateLimited, "An audit is under way. Ask again when it has ended.");
        }

        _auditing = true;
        var (before, replyTo) = (ledger.Queries.Channels(), _asker);
        _registry.Get<ActorKeys.Channels>().Ask<object>(new GetChannelTotals(), ChannelsTimeout, _stopping.Token).PipeTo(
            Self,
            success: answer => new ChannelsAnswered(audit, replyTo, before, answer),
            failure: e => new ChannelsAnswered(audit, replyTo, before, new Refusal(ErrorCodes.Timeout, $"The channels did not answer: {e.Message} Ask again.")));
        return null;
    }

    private void GoOnWithAudit(ChannelsAnswered answered)
    {
        if (answered.Answer is not ChannelTotals totals)
        {
            _auditing = false;
            answered.ReplyTo.Tell(answered.Answer);
            return;
        }

        try
        {
            // What a channel has said must be in the ledger that it is compared with; it caught up a moment ago.
            _ledger ??= Open();
            while (_ledger.Projection.Step() == LedgerProjection.PageSize)
            {
            }
        }
        catch (SqliteException e)
        {
            _auditing = false;
            answered.ReplyTo.Tell(Unusable(e));
            return;
        }

        var (account, stopping) = (answered.Audit.Account, _stopping.Token);
        var auditor = new LedgerAuditor(_services.Options.DataDirectory);
        var running = Task.Run(() => auditor.Run(account, new ChannelStatements(answered.Before, totals), stopping), stopping);
        running.PipeTo(
            answered.ReplyTo,
            Self,
            failure: e => e is SqliteException or IOException ? Unusable(e) : new Refusal(ErrorCodes.Internal, $"The audit failed: {e.Message}"));
        running.ContinueWith(_ => new AuditEnded(), TaskScheduler.Default).PipeTo(Self);
    }

    private sealed record ChannelsAnswered(LedgerCommands.Audit Audit, IActorRef ReplyTo, IReadOnlyDictionary<string, Book> Before, object Answer);

    private sealed record AuditEnded;
}
