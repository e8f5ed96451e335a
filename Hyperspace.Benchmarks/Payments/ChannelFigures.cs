using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Tools.Invocation;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;
using Hyperspace.Host;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Rpc;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Benchmarks.Payments;

/// <summary>
/// A payer in this process, whose actors are told what to do as an Akka.NET developer would, and a payee in a process of its
/// own: calls and tokens over one channel, whole, with sessions, budgets and both journals (payments: SQLite, WAL,
/// synchronous=FULL; sessions: NORMAL).
/// </summary>
internal sealed class ChannelFigures : IAsyncDisposable
{
    private const int CallsOfASession = 100;

    // Until hot code is compiled for the second time.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _directory;
    private readonly TokenSource _source;
    private readonly ChildPeer _payee;
    private readonly PeerProcess _payer;
    private readonly IActorRef _tools;
    private readonly IActorRef _sessions;
    private readonly ActorSystem _system;

    private ChannelFigures(DirectoryInfo directory, TokenSource source, ChildPeer payee, PeerProcess payer)
    {
        (_directory, _source, _payee, _payer) = (directory, source, payee, payer);
        var registry = payer.Services.GetRequiredService<IReadOnlyActorRegistry>();
        (_tools, _sessions, _system) = (registry.Get<ActorKeys.Tools>(), registry.Get<ActorKeys.Sessions>(), payer.Services.GetRequiredService<ActorSystem>());
    }

    public static async Task<ChannelFigures> StartAsync(CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-bench-");
        var source = await TokenSource.StartAsync();
        var payee = await ChildPeer.StartAsync(new ChildPeerOptions("payee", Path.Combine(directory.FullName, "payee"), Arguments: ["--max-credit", "1000"]), cancellationToken);
        var payer = await PeerProcess.StartAsync(
            new PeerOptions { DataDirectory = Path.Combine(directory.FullName, "payer"), Bootstrap = [Multiaddr.Parse(payee.Listen)], ChannelDepositMicro = 1_000_000_000 }, 0, cancellationToken);
        return new ChannelFigures(directory, source, payee, payer);
    }

    public async ValueTask DisposeAsync()
    {
        await _payer.DisposeAsync();
        await _payee.DisposeAsync();
        await _source.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    /// <summary>Paid calls a second with so many at once, and the median of one at a time, in milliseconds.</summary>
    public async Task<(double PerSecond, double P50)> CallsAsync(int concurrency, decimal price, TimeSpan duration, CancellationToken cancellationToken)
    {
        var tool = await OfferSearchAsync(price, cancellationToken);
        var latencies = new ConcurrentBag<double>();
        long calls = 0;

        // No call is repeated: the guard stops loops.
        async Task WorkAsync(TimeSpan time)
        {
            var (session, made) = ("", 0);
            for (var end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end && !cancellationToken.IsCancellationRequested;)
            {
                var started = Stopwatch.GetTimestamp();
                session = made++ % CallsOfASession == 0 ? await BeginAsync() : session;
                var call = new ToolCommands.Invoke(tool, $$"""{"query":"answer {{Interlocked.Increment(ref calls)}}"}""", session, AskTimeout);
                if (await _tools.Ask<object>(call, AskTimeout, cancellationToken) is var result && result is not InvocationResult { Ok: true })
                {
                    throw new InvalidOperationException($"A call of the benchmark failed: {result}");
                }

                latencies.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => WorkAsync(WarmUp)));
        latencies.Clear();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => WorkAsync(duration)));
        var sorted = latencies.Order().ToList();
        return (sorted.Count / clock.Elapsed.TotalSeconds, sorted[sorted.Count / 2]);
    }

    /// <summary>As <see cref="CallsAsync"/>, but without sessions, budgets and traces, which other clients do not have either: voucher, call, settlement.</summary>
    public async Task<double> BareCallsAsync(int concurrency, decimal price, TimeSpan duration, CancellationToken cancellationToken)
    {
        var tool = await OfferSearchAsync(price, cancellationToken);
        var (provider, name) = (PeerId.Parse(_payee.PeerId), tool[(tool.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        var (rpc, channels) = (_payer.Services.GetRequiredService<IRpc>(), _payer.Services.GetRequiredService<IReadOnlyActorRegistry>().Get<ActorKeys.PayerChannels>());
        long calls = 0;
        ToolInvocation Request(string id, Voucher? voucher) => new() { RequestId = id, Tool = name, Params = $$"""{"query":"answer {{Interlocked.Increment(ref calls)}}"}""", Voucher = voucher };
        Task<RemoteAttempt> AttemptAsync(ToolInvocation request, Action accepted) => RemoteAttempt.MakeAsync(rpc, provider, request, Currency.Usdc, AskTimeout, accepted, cancellationToken);
        var challenge = (await AttemptAsync(Request("challenge", null), () => { })).Challenge ?? throw new InvalidOperationException("The payee of the benchmark asks for nothing.");
        var (amount, key) = (new Amount(challenge.PriceMicro, Currency.Usdc), $"{provider}:{Currency.Usdc}");

        async Task WorkAsync(TimeSpan time)
        {
            for (var end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end && !cancellationToken.IsCancellationRequested;)
            {
                var id = Guid.CreateVersion7().ToString("N");
                var signed = await channels.Ask<VoucherSigned>(new PayerChannelCommands.Pay(key, id, amount, provider.ToString(), challenge.Terms, challenge.Binding), AskTimeout, cancellationToken);
                Task<PaymentSettled>? settling = null;
                var attempt = await AttemptAsync(Request(id, signed.Voucher), () => settling = channels.Ask<PaymentSettled>(new PayerChannelCommands.Settle(key, id, PaymentOutcome.Accepted), AskTimeout, cancellationToken));
                if (attempt.Outcome is not { Ok: true } || settling is null || (await settling).Outcome != PaymentOutcome.Accepted)
                {
                    throw new InvalidOperationException($"A call of the benchmark failed: {attempt.WhyNot("no outcome").Message}");
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => WorkAsync(WarmUp)));
        var before = Interlocked.Read(ref calls);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => WorkAsync(duration)));
        return (Interlocked.Read(ref calls) - before) / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Tokens a second of one stream that is paid by one voucher a token.</summary>
    public async Task<double> TokensAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var tool = await OfferAsync("stream", 0.000001m, 1, new JsonObject { ["type"] = "http", ["url"] = _source.Url }, cancellationToken);
        var session = await BeginAsync();
        await StreamAsync(tool, session, 2_000, cancellationToken);
        var clock = Stopwatch.StartNew();
        long tokens = 0;
        while (clock.Elapsed < duration)
        {
            tokens += await StreamAsync(tool, session, 5_000, cancellationToken);
        }

        return tokens / clock.Elapsed.TotalSeconds;
    }

    private async Task<long> StreamAsync(string tool, string session, int tokens, CancellationToken cancellationToken)
    {
        var total = 0L;
        var ended = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        var stream = new ToolCommands.Stream(tool, $$"""{"tokens":{{tokens}}}""", session, Amount.MicroUsdc(1_000_000), TokensAhead: 512, TokensPerVoucher: 1, AskTimeout);
        Func<StreamedTokens, bool> take = streamed => (total = streamed.Total) > 0;
        _system.ActorOf(Props.Create(() => new Hyperspace.Host.Methods.StreamReceiverActor(_tools, stream, take, ended)));
        return await ended.Task.WaitAsync(AskTimeout, cancellationToken) is InvocationResult { Ok: true } ? total : throw new InvalidOperationException($"A stream of the benchmark failed: {await ended.Task}");
    }

    private async Task<string> BeginAsync() =>
        (await _sessions.Ask<SessionView>(new SessionCommands.Begin($"ses_{Guid.CreateVersion7():N}", null, Amount.MicroUsdc(500_000_000), null), AskTimeout)).Id;

    private async Task<string> OfferSearchAsync(decimal price, CancellationToken cancellationToken)
    {
        var documents = Directory.CreateDirectory(Path.Combine(_directory.FullName, "documents"));
        await File.WriteAllTextAsync(Path.Combine(documents.FullName, "page.md"), "# Page\n\nThe answer is 42.\n", cancellationToken);
        return await OfferAsync($"search-{price:0.######}".Replace('.', '-'), price, 0, new JsonObject { ["type"] = "builtin", ["tool"] = "docs-search", ["folder"] = documents.FullName }, cancellationToken);
    }

    private async Task<string> OfferAsync(string name, decimal price, int perTokens, JsonObject provider, CancellationToken cancellationToken)
    {
        await _payee.Api.CallAsync(
            "tool.register",
            new JsonObject
            {
                ["name"] = name,
                ["description"] = "For the benchmark.",
                ["capabilities"] = new JsonArray(name),
                ["inputSchema"] = new JsonObject { ["type"] = "object" },
                ["price"] = price,
                ["perTokens"] = perTokens,
                ["provider"] = provider,
            },
            cancellationToken);
        while (true)
        {
            var found = await _tools.Ask<DiscoveryResult>(new ToolCommands.Discover(null, [name], null, null, 1, TimeSpan.FromSeconds(3)), AskTimeout, cancellationToken);
            if (found.Tools is [var tool, ..])
            {
                return tool.Id;
            }
        }
    }
}
