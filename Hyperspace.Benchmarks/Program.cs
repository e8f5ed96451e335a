using System.CommandLine;
using BenchmarkDotNet.Running;
using Hyperspace.Benchmarks;
using Hyperspace.Benchmarks.Churn;
using Hyperspace.Benchmarks.Learn;
using Hyperspace.Benchmarks.Libp2p;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Benchmarks.Matrix;
using Hyperspace.Benchmarks.Payments;
using Hyperspace.Benchmarks.Scale;

// Functions are measured by BenchmarkDotNet, the system by scenarios; each is one command.
var json = new Option<bool>("--json") { Description = "Print one JSON line instead of tables.", Recursive = true };
var seconds = new Option<int>("--seconds") { Description = "How long each throughput is measured.", DefaultValueFactory = _ => 3 };

var loop = new Command("loop", "Sessions, calls, gossip, start-up and memory of real peer processes, and what a signature costs; beside js-libp2p and viem where Node.js is there.") { seconds };
loop.SetAction(async (parsed, cancellationToken) =>
{
    var report = await LoopScenario.RunAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(json) ? _ => { } : Console.Error.WriteLine, cancellationToken);
    Console.Out.WriteLine(parsed.GetValue(json) ? report.ToJson() : report.ToMarkdown());
    return 0;
});

var only = new Option<string[]>("--only") { Description = $"Parts to run: {string.Join(", ", Libp2pScenario.PartNames)}; may be repeated (default all).", AllowMultipleArgumentsPerToken = true }.AcceptOnlyFromAmong([.. Libp2pScenario.PartNames]);
var libp2p = new Command("libp2p", "Our libp2p beside js-libp2p 3: dials, round trips, throughput, gossip, the DHT, memory; each figure with its bar.") { only };
libp2p.SetAction(async (parsed, cancellationToken) =>
{
    var report = await Libp2pScenario.RunAsync(parsed.GetValue(only) ?? [], parsed.GetValue(json) ? _ => { } : Console.Error.WriteLine, cancellationToken);
    Console.Out.WriteLine(parsed.GetValue(json) ? report.ToJson() : report.ToMarkdown());
    return 0;
});

var paymentParts = new Option<string[]>("--only") { Description = $"Parts to run: {string.Join(", ", PaymentsScenario.PartNames)}; may be repeated (default all).", AllowMultipleArgumentsPerToken = true }.AcceptOnlyFromAmong([.. PaymentsScenario.PartNames]);
var payments = new Command("payments", "Vouchers, paid requests over HTTP and over channels, paid tokens; beside viem, ethers and mppx; each figure with its bar.") { seconds, paymentParts };
payments.SetAction(async (parsed, cancellationToken) =>
{
    var report = await PaymentsScenario.RunAsync(parsed.GetValue(paymentParts) ?? [], TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(json) ? _ => { } : Console.Error.WriteLine, cancellationToken);
    Console.Out.WriteLine(parsed.GetValue(json) ? report.ToJson() : report.ToMarkdown());
    return 0;
});

var minutes = new Option<double>("--minutes") { Description = "How long.", DefaultValueFactory = _ => 10 };
var churn = new Command("churn", "One of our peers among js peers that come and go; ends with 1 when its memory, handles or streams grow.") { minutes };
churn.SetAction(async (parsed, cancellationToken) =>
{
    var report = await new ChurnSoak().RunAsync(TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(json) ? _ => { } : Console.Error.WriteLine, cancellationToken);
    Console.Out.WriteLine(parsed.GetValue(json) ? report.ToJson() : report.ToMarkdown());
    return report.Flat ? 0 : 1;
});

var functions = new Command("functions", "BenchmarkDotNet over single functions; arguments after -- go to it.") { TreatUnmatchedTokensAsErrors = false };
functions.SetAction(parsed =>
{
    BenchmarkSwitcher.FromAssembly(typeof(LoopScenario).Assembly).Run([.. parsed.UnmatchedTokens]);
    return 0;
});

var root = new RootCommand("Measures Hyperspace.") { loop, libp2p, payments, LearnCommand.Create(json), churn, ScaleCommand.Create(json), functions, MatrixCommand.Create(json), SimCommand.Create(json) };
root.Options.Add(json);
return await root.Parse(args).InvokeAsync();
