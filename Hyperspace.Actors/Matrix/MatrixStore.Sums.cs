using Google.Protobuf;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Matrix;

/// <summary>The authors' sums, what proves them, and the envelopes.</summary>
internal sealed partial class MatrixStore
{
    /// <summary>Writes one author's sums of a capability; empty ones are removed.</summary>
    public void PutSums(string author, string capability, OutcomeSums sums)
    {
        if (sums.Outcomes == 0)
        {
            Write("DELETE FROM sums WHERE author = $author AND capability = $capability", ("$author", author), ("$capability", capability));
        }
        else
        {
            Write("INSERT OR REPLACE INTO sums VALUES ($author, $capability, $sums)", ("$author", author), ("$capability", capability), ("$sums", sums.ToWire(capability).ToByteArray()));
        }
    }

    /// <summary>Everything that is known of all authors, into a model, and what proves it. What belongs to nothing is removed.</summary>
    public MatrixProofs LoadSums(MatrixModel model)
    {
        Write("DELETE FROM proofs WHERE NOT EXISTS (SELECT 1 FROM sums WHERE sums.author = proofs.author AND sums.capability = proofs.capability) OR NOT EXISTS (SELECT 1 FROM envelopes WHERE envelopes.key = proofs.key)");
        Write("DELETE FROM envelopes WHERE key NOT IN (SELECT key FROM proofs)");
        var proofs = new MatrixProofs();
        var (opened, delta) = (0UL, (IReadOnlyList<(string Capability, OutcomeSums Sums)>)[]);
        using var reader = Read(
            """
            SELECT s.author, s.capability, s.sums, p.outcomes, p.key, length(e.bytes) FROM sums s
            LEFT JOIN proofs p ON p.author = s.author AND p.capability = s.capability LEFT JOIN envelopes e ON e.key = p.key ORDER BY p.key
            """);
        while (reader.Read())
        {
            if (OutcomeSums.FromWire(MatrixSums.Parser.ParseFrom((byte[])reader[2])) is not { } sums)
            {
                continue;
            }

            var (author, capability, proven) = (reader.GetString(0), reader.GetString(1), OutcomeSums.Empty);
            if (!reader.IsDBNull(4) && !reader.IsDBNull(5))
            {
                var (outcomes, key) = ((ulong)reader.GetInt64(3), unchecked((ulong)reader.GetInt64(4)));
                proven = outcomes == sums.Outcomes ? sums : Proven(author, key, capability);
                if (proven.Outcomes > 0)
                {
                    proofs.Put(author, capability, outcomes, (key, reader.GetInt32(5)), same: false, out _);
                }
            }

            model.Restore(author, capability, sums, proven);
        }

        return proofs;

        // Where votes ran ahead only the envelope tells what is proven.
        OutcomeSums Proven(string author, ulong key, string capability)
        {
            if (opened != key)
            {
                (opened, delta) = (key, Envelope(key) is { } bytes ? MatrixGossip.ReadStoredDelta(author, bytes) ?? [] : []);
            }

            return delta.Where(d => d.Capability == capability).Select(d => d.Sums).Aggregate(OutcomeSums.Empty, (a, b) => a.CompareTo(b) >= 0 ? a : b);
        }
    }

    /// <summary>Writes that an envelope proves sums.</summary>
    public void PutProof(string author, string capability, ulong outcomes, ulong key) => Write(
        "INSERT OR REPLACE INTO proofs VALUES ($author, $capability, $outcomes, $key)",
        ("$author", author), ("$capability", capability), ("$outcomes", (long)outcomes), ("$key", unchecked((long)key)));

    /// <summary>Forgets what proves sums.</summary>
    public void RemoveProof(string author, string capability) =>
        Write("DELETE FROM proofs WHERE author = $author AND capability = $capability", ("$author", author), ("$capability", capability));

    /// <summary>Keeps an envelope.</summary>
    public void PutEnvelope(ulong key, string author, ReadOnlyMemory<byte> bytes) =>
        Write("INSERT OR IGNORE INTO envelopes VALUES ($key, $author, $bytes)", ("$key", unchecked((long)key)), ("$author", author), ("$bytes", bytes.ToArray()));

    /// <summary>Forgets an envelope.</summary>
    public void RemoveEnvelope(ulong key) => Write("DELETE FROM envelopes WHERE key = $key", ("$key", unchecked((long)key)));

    /// <summary>An envelope's bytes; null when it is not kept.</summary>
    public byte[]? Envelope(ulong key)
    {
        using var reader = Read("SELECT bytes FROM envelopes WHERE key = $key", ("$key", unchecked((long)key)));
        return reader.Read() ? (byte[])reader[0] : null;
    }
}
