using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Libp2p.Switch;

namespace Hyperspace.Tests.Tools.Invocation;

/// <summary>A peer with a real switch and real keys that says whatever the test wants.</summary>
internal sealed class HostilePeer : IAsyncDisposable
{
    public const string Tool = "count";
    public const ulong Price = 1_000;
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly Libp2pSwitch _switch;
    private readonly RpcService _rpc;

    private HostilePeer(PeerIdentity identity, Libp2pSwitch network)
    {
        (Identity, _switch, _rpc) = (identity, network, new RpcService(network));
        Terms = MutualCredit.TermsOf(identity, new PeerOptions { DataDirectory = "" });
        Binding = identity.Binding;
        Standing = query => new ChannelStanding { ChannelId = query.ChannelId, Known = true, Open = true };
    }

    public PeerIdentity Identity { get; }

    public string Address => _switch.ListenAddresses[0].WithPeer(Identity.PeerId).ToString();

    public string ToolId => $"{Identity.PeerId}/{Tool}";

    /// <summary>What its record says the tool costs; null: no record.</summary>
    public ulong? RecordPrice { get; set; } = Price;

    public PaymentTerms Terms { get; set; }

    public IdentityBinding Binding { get; set; }

    /// <summary>What it answers a call with, frame by frame.</summary>
    public Func<ToolInvocation, IEnumerable<byte[]>> Answer { get; set; } = _ => [];

    /// <summary>What it says of a channel.</summary>
    public Func<ChannelQuery, ChannelStanding> Standing { get; set; }

    /// <summary>Its calls end when this does.</summary>
    public Task Stall { get; set; } = Task.CompletedTask;

    public ConcurrentQueue<ToolInvocation> Seen { get; } = [];

    public static async Task<HostilePeer> StartAsync()
    {
        var (keys, wallet) = (KeyPair.Generate(), Secp256k1Wallet.FromPrivateKey(RandomNumberGenerator.GetBytes(32)));
        var network = new Libp2pSwitch(new SwitchOptions { KeyPair = keys, ListenAddresses = [Multiaddr.Parse("/ip4/127.0.0.1/tcp/0")] });
        var peer = new HostilePeer(new PeerIdentity(keys, wallet, IdentityBindings.Create(keys, wallet, DateTimeOffset.UtcNow)), network);
        peer._rpc.Handle(RpcMethods.ToolInvoke, peer.ServeToolAsync);
        peer._rpc.Handle(RpcMethods.ChannelOpen, (call, _) => Once(new OpenChannelReply { Standing = new ChannelStanding { ChannelId = IdOf(call), Known = true, Open = true } }));
        peer._rpc.Handle(RpcMethods.ChannelStatus, (call, _) => Once(peer.Standing(ChannelQuery.Parser.ParseFrom(call.Payload.Span))));
        peer._rpc.Handle(RpcMethods.CapabilitiesGet, (_, _) => peer.Record());
        await network.StartAsync();
        return peer;
    }

    public static byte[] Refuse(string code) => new ToolInvocationFrame { Refused = new ToolRefused { Code = code, Message = "No." } }.ToByteArray();

    public static byte[] Outcome(string content = "served") => new ToolInvocationFrame { Outcome = new ToolOutcome { Ok = true, Content = content } }.ToByteArray();

    public static byte[] Receipt(ToolInvocation request, Action<PaymentAccepted>? change = null)
    {
        var accepted = new PaymentAccepted { ChannelId = request.Voucher.ChannelId, RequestId = request.RequestId, AcceptedMicro = request.Voucher.CumulativeMicro, SpentMicro = request.Voucher.CumulativeMicro };
        change?.Invoke(accepted);
        return new ToolInvocationFrame { PaymentAccepted = accepted }.ToByteArray();
    }

    public byte[] Challenge(Action<PaymentRequired>? change = null)
    {
        var required = new PaymentRequired { PriceMicro = Price, Currency = "USDC", Terms = Terms, Binding = Binding };
        change?.Invoke(required);
        return new ToolInvocationFrame { PaymentRequired = required }.ToByteArray();
    }

    public Task DialAsync(string address) => _switch.DialAsync(Multiaddr.Parse(address));

    /// <summary>Calls a tool, with a voucher or without, and returns what came back.</summary>
    public async Task<IReadOnlyList<ToolInvocationFrame>> InvokeAsync(PeerId payee, ToolInvocation request, CancellationToken cancellationToken = default)
    {
        var frames = new List<ToolInvocationFrame>();
        await foreach (var bytes in _rpc.CallAsync(payee, RpcMethods.ToolInvoke, request.ToByteArray(), Patience, cancellationToken))
        {
            frames.Add(ToolInvocationFrame.Parser.ParseFrom(bytes.Span));
        }

        return frames;
    }

    public Task<ReadOnlyMemory<byte>> CallAsync(PeerId peer, string method, byte[] payload) => _rpc.CallUnaryAsync(peer, method, payload, Patience);

    /// <summary>Opens a channel with fresh salt to a payee on the payee's own terms.</summary>
    public async Task<(ChannelTerms Terms, OpenChannelReply Reply)> OpenAsync(PeerId payee, PaymentTerms payeeTerms, ulong depositMicro = 1_000_000, IdentityBinding? binding = null)
    {
        var key = $"{payee}:USDC";
        var pay = new PayerChannelCommands.Pay(key, "any", Amount.MicroUsdc(1), payee.ToString(), payeeTerms, new IdentityBinding());
        var terms = new PayerChannelState(key).Propose(pay, Identity.Wallet.Address.Span, RandomNumberGenerator.GetBytes(32), depositMicro).Terms;
        var reply = await CallAsync(payee, RpcMethods.ChannelOpen, new OpenChannel { Terms = terms, Binding = binding ?? Identity.Binding }.ToByteArray());
        return (terms, OpenChannelReply.Parser.ParseFrom(reply.Span));
    }

    public Voucher Sign(ChannelTerms terms, ulong cumulativeMicro) => new VoucherSigner(Identity.Wallet).Sign(terms, cumulativeMicro);

    public async ValueTask DisposeAsync()
    {
        await _rpc.DisposeAsync();
        await _switch.DisposeAsync();
        Identity.Keys.Dispose();
    }

    private static ByteString IdOf(RpcCall call) => ByteString.CopyFrom(ChannelIds.Of(OpenChannel.Parser.ParseFrom(call.Payload.Span).Terms));

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Once(IMessage message)
    {
        await Task.CompletedTask;
        yield return message.ToByteArray();
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> ServeToolAsync(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = ToolInvocation.Parser.ParseFrom(call.Payload.Span);
        Seen.Enqueue(request);
        foreach (var frame in Answer(request))
        {
            yield return frame;
        }

        await Stall.WaitAsync(cancellationToken);
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> Record()
    {
        await Task.CompletedTask;
        if (RecordPrice is not { } price)
        {
            throw new RpcException(RpcStatus.Unimplemented, "no record");
        }

        var tool = new ToolDefinition(Tool, "Counts.", ["count"], """{"type":"object"}""", Amount.MicroUsdc(price));
        var record = CapabilityRecords.Build(Identity, new PeerOptions { DataDirectory = "" }, [], [tool], [], 1);
        (record.Payment, record.Binding) = (Terms, Binding);
        yield return CapabilityRecords.Seal(Identity, record, new HybridClock(TimeProvider.System).Next()).Bytes;
    }
}
