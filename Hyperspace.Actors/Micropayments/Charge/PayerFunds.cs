using System.Collections.Concurrent;
using Hyperspace.Actors.Chain;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>
/// What payers hold of a chain's token, as it was read not long ago: a signature over money that is not there is worth
/// nothing, and addresses cost nothing. Safe for concurrent use.
/// </summary>
internal sealed class PayerFunds(IChains chains, TimeProvider time)
{
    private const int Capacity = 10_000;
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<(ulong ChainId, string Payer), (Task<ulong> Micro, DateTimeOffset At)> _read = new();

    /// <summary>What the address holds, in micro-units, at most half a minute ago.</summary>
    /// <param name="chainId">A configured chain.</param>
    /// <param name="currency">Its token's.</param>
    /// <param name="payer"><c>0x…</c>.</param>
    /// <exception cref="IOException">The chain cannot be asked.</exception>
    public async Task<Amount> OfAsync(ulong chainId, Currency currency, string payer)
    {
        var now = time.GetUtcNow();
        if (_read.TryGetValue((chainId, payer), out var known) && now - known.At < MaxAge && !known.Micro.IsFaulted && !known.Micro.IsCanceled)
        {
            return new Amount(await known.Micro.ConfigureAwait(false), currency);
        }

        if (_read.Count >= Capacity)
        {
            _read.Clear();
        }

        var reading = ReadAsync(chainId, payer);
        _read[(chainId, payer)] = (reading, now);
        return new Amount(await reading.ConfigureAwait(false), currency);
    }

    private async Task<ulong> ReadAsync(ulong chainId, string payer)
    {
        var reader = chains.Find(chainId) ?? throw new IOException($"Chain {chainId} is not set up.");
        using var timeout = new CancellationTokenSource(ReadTimeout, time);
        try
        {
            var units = await reader.TokenBalanceAsync(Convert.FromHexString(payer.AsSpan(2)), timeout.Token).ConfigureAwait(false);
            return units > Amount.MaxMicroUnits ? Amount.MaxMicroUnits : (ulong)units;
        }
        catch (OperationCanceledException e)
        {
            throw new IOException($"Chain {chainId} did not answer in time.", e);
        }
    }
}
