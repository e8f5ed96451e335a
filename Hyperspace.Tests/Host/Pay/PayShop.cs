using System.Net;
using System.Security.Cryptography;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Actors.Micropayments.Sessions;
using Hyperspace.Actors.Tools;
using Hyperspace.Actors.Tools.Invocation;
using Hyperspace.Actors.Tools.Runners;
using Hyperspace.Actors.Tools.Sales;
using Hyperspace.Actors.Tools.Schemas;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Host.Pay;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.Micropayments.Charge;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.Host.Pay;

/// <summary>
/// What sells tools over HTTP, whole but for the network and the chain: real journals, actors and Kestrel. Its tool <c>echo</c>
/// counts its runs; <c>other</c> is the same at another route.
/// </summary>
internal sealed class PayShop : IAsyncDisposable
{
    public const string Body = """{"text":"hello"}""";
    public static readonly byte[] PayTo = [.. Enumerable.Repeat((byte)0xbb, 20)];
    private readonly EngineFixture _engine;
    private PayServer? _server;
    private ToolSales _sales = null!;

    private PayShop(EngineFixture engine, FakeChain chain) => (_engine, Chain) = (engine, chain);

    public FakeChain Chain { get; }

    public EchoRunner Echo { get; } = new();

    public EngineFixture Engine => _engine;

    public HttpClient Client { get; } = new(new SocketsHttpHandler { MaxConnectionsPerServer = 32 });

    public Uri Url(string tool = "echo") => new(_server!.Url, "/pay/" + tool);

    public static async Task<PayShop> StartAsync(Func<PayOptions, PayOptions>? options = null)
    {
        var chain = new FakeChain(Payer.Chain);
        var pay = new PayOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0), PublicUrl = new Uri("http://shop.example"), RequestsPerSecond = 100_000 };
        PeerOptions? set = null;
        var engine = await EngineFixture.StartAsync(
            builder => builder
                .WithActors((system, registry, _) => registry.Register<ActorKeys.Chain>(system.ActorOf(chain.Props)))
                .WithCharges(set!, new ChargeTimes { Look = TimeSpan.FromMilliseconds(100), Await = TimeSpan.FromMilliseconds(100) }),
            options: own => set = own with { Chains = [Payer.Chain], Pay = options?.Invoke(pay) ?? pay });
        var shop = new PayShop(engine, chain);
        await shop.OpenAsync();
        return shop;
    }

    /// <summary>Ends what a process's end would end, and starts it again on the same data.</summary>
    public async Task RestartAsync()
    {
        await _server!.DisposeAsync();
        await _engine.RestartAsync();
        await OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server!.DisposeAsync();
        await _engine.DisposeAsync();
    }

    public Task<HttpResponseMessage> PostAsync(string tool = "echo", string body = Body, string? mpp = null, string? x402 = null, string? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Url(tool)) { Content = new StringContent(body) };
        foreach (var (name, value) in ((string, string?)[])[("Authorization", mpp), ("PAYMENT-SIGNATURE", x402), ("Idempotency-Key", key)])
        {
            if (value is not null)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return Client.SendAsync(request);
    }

    private async Task OpenAsync()
    {
        var options = _engine.Options;
        var socket = PayServer.Bind(options);
        var catalog = new ToolCatalog(null!, new ToolRunners([Echo]), new SchemaCache())
        {
            State = new ToolRegistryState(
                ToolRegistryState.Empty.Tools.Add("echo", Tool("echo", 1000)).Add("other", Tool("other", 1000)).Add("free", Tool("free", 0)),
                ToolRegistryState.Empty.Servers),
        };
        var outcomes = new OutcomeCache();
        var calls = new ToolCalls(new PeerServices(null!, options, null!, null!, null!, null!, TimeProvider.System, null!), catalog);
        var registry = (IReadOnlyActorRegistry)_engine.Services.GetService(typeof(IReadOnlyActorRegistry))!;
        var key = ChallengeKey.LoadOrCreate(options.DataDirectory);
        _sales = new ToolSales();
        _sales.Open(new ToolSeller(
            calls,
            catalog,
            new ChargeDesk(options.Pay!, options.Chains, PayTo, key, TimeProvider.System, RandomNumberGenerator.GetBytes),
            new SessionSeller(calls, new SessionDesk(options.Pay!, options.Chains, PayTo, key, RandomNumberGenerator.GetBytes), registry, TimeProvider.System),
            new PayerFunds(Chain, TimeProvider.System),
            registry,
            outcomes,
            new PaidRuns(outcomes, TimeProvider.System),
            TimeProvider.System));
        _server = await PayServer.StartAsync(socket, options.Pay!, _sales, NullLoggerFactory.Instance, default);
    }

    private static RegisteredTool Tool(string name, ulong micro) => new(
        new ToolDefinition(name, "Says it again – twice", [], """{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}""", Amount.MicroUsdc(micro)),
        new ToolProvider("echo", "{}"));
}

/// <summary>Says its parameters again, when the test lets it.</summary>
internal sealed class EchoRunner : IToolRunner
{
    private int _runs;

    public string Type => "echo";

    public int Runs => _runs;

    /// <summary>Runs wait for this.</summary>
    public TaskCompletionSource Gate { get; set; } = Open();

    public Refusal? Unready { get; set; }

    public static TaskCompletionSource Open()
    {
        var gate = new TaskCompletionSource();
        gate.SetResult();
        return gate;
    }

    public Refusal? Accept(string configuration) => null;

    public ValueTask<Refusal?> PrepareAsync(ToolDefinition definition, string configuration, CancellationToken cancellationToken) => new(Unready);

    public async Task<ToolRun> RunAsync(ToolDefinition definition, string configuration, string parameters, CancellationToken cancellationToken)
    {
        var run = Interlocked.Increment(ref _runs);
        await Gate.Task.WaitAsync(cancellationToken);
        return ToolRun.Success($"run {run}", parameters);
    }
}
