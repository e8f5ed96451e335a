using Hyperspace.Actors.Engine;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>The ledger's file and the journal behind it, open. For one thread at a time.</summary>
internal sealed class OpenLedger : IDisposable
{
    private readonly JournalReader _journal;
    private readonly LedgerFile _file;

    private OpenLedger(JournalReader journal, LedgerFile file, string self)
    {
        (_journal, _file) = (journal, file);
        Projection = new LedgerProjection(journal, file);
        Queries = new LedgerQueries(file);
        Settlements = new SettlementTable(file, self);
    }

    public LedgerProjection Projection { get; }

    public LedgerQueries Queries { get; }

    public SettlementTable Settlements { get; }

    /// <summary>How far the journal was read.</summary>
    public LedgerPosition Position => _file.Position();

    /// <summary>Opens both; a ledger that is damaged, outdated, or not of this journal is begun anew.</summary>
    /// <param name="dataDirectory">Where they are.</param>
    /// <param name="self">This peer's id.</param>
    /// <param name="replaced">Why a ledger was thrown away; null: none was.</param>
    /// <exception cref="SqliteException">One of them cannot be opened.</exception>
    public static OpenLedger Open(string dataDirectory, string self, out string? replaced)
    {
        var path = Path.Combine(dataDirectory, LedgerFile.FileName);
        var journal = JournalReader.Payments(dataDirectory);
        try
        {
            var ledger = new OpenLedger(journal, LedgerFile.Open(path, out replaced), self);
            if (ledger.Projection.Fits())
            {
                return ledger;
            }

            ledger._file.Dispose();
            LedgerFile.Delete(path);
            replaced = "it has read another journal";
            return new OpenLedger(journal, LedgerFile.Open(path, out _), self);
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        _journal.Dispose();
    }
}
