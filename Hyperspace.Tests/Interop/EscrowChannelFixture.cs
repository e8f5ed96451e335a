using System.Numerics;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;

namespace Hyperspace.Tests.Interop;

/// <summary>One channel of an escrow contract and its two parties.</summary>
internal sealed record EscrowChannelFixture(LocalChain Chain, Secp256k1Wallet Payer, Secp256k1Wallet Payee, ReadOnlyMemory<byte> Escrow, string Domain, byte[] Salt, ReadOnlyMemory<byte> Signer)
{
    /// <summary>Tokens that the payer had before it opened the channel.</summary>
    public BigInteger FundedWith { get; } = 20_000_000;

    public ReadOnlyMemory<byte> Token => Chain.Options.Token.Address;

    /// <summary>What the escrow computes as the channel's id.</summary>
    public byte[] Id { get; private init; } = [];

    /// <summary>Two funded parties, no channel yet.</summary>
    public static async Task<EscrowChannelFixture> PrepareAsync(
        LocalChain chain, string label, ReadOnlyMemory<byte>? signer = null, string domain = VoucherDomain.Native, ReadOnlyMemory<byte>? escrow = null)
    {
        var at = new EscrowChannelFixture(
            chain, await chain.WalletAsync(label + " payer", 20_000_000), await chain.WalletAsync(label + " payee"), escrow ?? chain.Options.Escrow!.Value, domain,
            Keccak256.Hash(System.Text.Encoding.UTF8.GetBytes(label)), signer ?? new byte[20]);
        var id = await chain.Node.CallAsync(
            at.Escrow,
            Abi.Call(
                "computeChannelId", AbiValue.Address(at.Payer.Address.Span), AbiValue.Address(at.Payee.Address.Span), AbiValue.Address(at.Token.Span), AbiValue.Bytes32(at.Salt), AbiValue.Address(at.Signer.Span)),
            default);
        return at with { Id = id };
    }

    /// <summary>As above, with the channel open.</summary>
    public static async Task<EscrowChannelFixture> OpenAsync(
        LocalChain chain, string label, ulong deposit, ReadOnlyMemory<byte>? signer = null, string domain = VoucherDomain.Native, ReadOnlyMemory<byte>? escrow = null)
    {
        var at = await PrepareAsync(chain, label, signer, domain, escrow);
        await at.PayerSends(TokenCalls.Approve(at.Escrow.Span, deposit), at.Token);
        await at.PayerSends(at.OpenCall(deposit));
        var channel = await at.ChannelAsync();
        Assert.Equal((UInt128)deposit, channel.Deposit);
        Assert.Equal(at.Payer.Address.ToArray(), channel.Payer.ToArray());
        Assert.Equal(at.Payee.Address.ToArray(), channel.Payee.ToArray());
        return at;
    }

    public byte[] OpenCall(ulong deposit, byte[]? salt = null) => EscrowCalls.Open(Payee.Address.Span, Token.Span, deposit, salt ?? Salt, Signer.Span);

    public byte[] Digest(ulong cumulative, ulong? chainId = null, ReadOnlyMemory<byte>? escrow = null, string? domain = null, byte[]? id = null) =>
        new TypedData(new Dictionary<string, IReadOnlyList<TypedDataField>> { ["Voucher"] = [new("channelId", "bytes32"), new("cumulativeAmount", "uint128")] }).Digest(
            new TypedDataDomain(domain ?? Domain, "1", chainId ?? Chain.Options.ChainId, (escrow ?? Escrow).ToArray()).Separator(),
            "Voucher",
            new Dictionary<string, object> { ["channelId"] = id ?? Id, ["cumulativeAmount"] = cumulative });

    /// <summary>The payer's signature over a cumulative amount.</summary>
    public byte[] Voucher(ulong cumulative, ulong? chainId = null, ReadOnlyMemory<byte>? escrow = null, string? domain = null, byte[]? id = null) =>
        Payer.SignDigest(Digest(cumulative, chainId, escrow, domain, id));

    public async Task<EscrowChannel> ChannelAsync() => await Chain.Reader.ChannelAsync(Escrow, Id, default) ?? throw new InvalidOperationException("The channel was never opened.");

    public Task<BigInteger> TokensOfPayer() => Chain.TokensOfAsync(Payer.Address);

    public Task<BigInteger> TokensOfPayee() => Chain.TokensOfAsync(Payee.Address);

    /// <summary>What of this channel's money the escrow would still hold.</summary>
    public async Task<BigInteger> TokensOfEscrowOf(EscrowChannel channel) => FundedWith - await TokensOfPayer() - (BigInteger)channel.Settled;

    public Task PayerSends(byte[] data, ReadOnlyMemory<byte>? to = null) => SendsAsync(Payer, to ?? Escrow, data);

    public Task PayeeSends(byte[] data) => SendsAsync(Payee, Escrow, data);

    /// <summary>Why the contract refuses this.</summary>
    public Task<string> PayerIsRefused(byte[] data, ReadOnlyMemory<byte>? to = null) => RefusedAsync(Payer, to ?? Escrow, data);

    /// <summary>Why the contract refuses this.</summary>
    public Task<string> PayeeIsRefused(byte[] data, ReadOnlyMemory<byte>? to = null) => RefusedAsync(Payee, to ?? Escrow, data);

    private async Task SendsAsync(Secp256k1Wallet from, ReadOnlyMemory<byte> to, byte[] data) => Assert.True((await Chain.SendAsync(from, to, data)).Succeeded);

    private async Task<string> RefusedAsync(Secp256k1Wallet from, ReadOnlyMemory<byte> to, byte[] data)
    {
        var refused = await Assert.ThrowsAsync<EvmRpcException>(() => Chain.SendAsync(from, to, data));
        Assert.True(refused.IsRevert, refused.Message);
        return refused.Message;
    }
}
