using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Tests.Interop;

/// <summary>Channels that are funded by a signature (EIP-3009), which others bring onto the chain: it funds what was signed for, or nothing.</summary>
public sealed class EscrowFundingTests(AnvilPartner anvil) : IClassFixture<AnvilPartner>
{
    private const ulong Deposit = 5_000_001;

    public static TheoryData<ulong> ChainIds => [8453, 42161, 808080];

    [SkippableTheory]
    [MemberData(nameof(ChainIds))]
    public async Task An_authorization_opens_its_channel_and_no_other(ulong chainId)
    {
        var chain = await anvil.ChainAsync(chainId);
        var at = await EscrowChannelFixture.PrepareAsync(chain, "authorized" + chainId);
        var thief = await chain.WalletAsync("thief");
        var good = await AuthorizationAsync(at, at.Id);
        var signature = at.Payer.SignDigest(good.ReceiveDigest(chain.TokenDomain));
        byte[] Open(byte[] signed, ReadOnlyMemory<byte>? payee = null, byte[]? salt = null, ReadOnlyMemory<byte>? signer = null, TransferAuthorization? authorization = null) =>
            EscrowCalls.OpenWithAuthorization((payee ?? at.Payee.Address).Span, at.Token.Span, salt ?? at.Salt, (signer ?? at.Signer).Span, authorization ?? good, signed);

        Assert.Equal("AuthorizationNotBound", await at.PayeeIsRefused(Open(signature, payee: thief.Address)));
        Assert.Equal("AuthorizationNotBound", await at.PayeeIsRefused(Open(signature, salt: new byte[32])));
        Assert.Equal("AuthorizationNotBound", await at.PayeeIsRefused(Open(signature, signer: thief.Address)));
        Assert.Equal("AuthorizationNotBound", await at.PayeeIsRefused(Open(signature, authorization: good with { From = thief.Address })));
        Assert.Equal("invalid signature", await at.PayeeIsRefused(Open(signature, authorization: good with { Value = Deposit + 1 })));
        Assert.Equal("invalid signature", await at.PayeeIsRefused(Open(at.Payer.SignDigest(good.ReceiveDigest(new TokenDomain(chain.Options.Token.Name, chain.Options.Token.Version, chainId + 1, at.Token.Span))))));
        Assert.Equal("invalid signature", await at.PayeeIsRefused(Open(at.Payer.SignDigest(good.Digest(chain.TokenDomain)))));

        // Past the escrow it is good for nothing.
        Assert.Equal("invalid signature", await at.PayeeIsRefused(TokenCalls.TransferWithAuthorization(good, signature), at.Token));

        await at.PayeeSends(Open(signature));
        Assert.Equal<UInt128>(Deposit, (await at.ChannelAsync()).Deposit);
        Assert.Equal(at.Payer.Address.ToArray(), (await at.ChannelAsync()).Payer.ToArray());
        Assert.Equal(at.FundedWith - Deposit, await at.TokensOfPayer());
        Assert.True(await chain.Reader.IsAuthorizationUsedAsync(at.Payer.Address, at.Id, default));
        Assert.Equal("ChannelAlreadyExists", await at.PayeeIsRefused(Open(signature)));
        await at.PayeeSends(EscrowCalls.Close(at.Id, Deposit, at.Voucher(Deposit)));
        Assert.Equal(Deposit, await at.TokensOfPayee());
        Assert.Equal("ChannelAlreadyExists", await at.PayeeIsRefused(Open(signature)));
    }

    [SkippableTheory]
    [MemberData(nameof(ChainIds))]
    public async Task An_authorization_tops_up_its_channel_once_and_no_other(ulong chainId)
    {
        var chain = await anvil.ChainAsync(chainId);
        var at = await EscrowChannelFixture.OpenAsync(chain, "topped up" + chainId, Deposit);
        var other = await EscrowChannelFixture.OpenAsync(chain, "other" + chainId, Deposit);
        byte[] salt = Keccak256.Hash("top-up"u8);
        var authorization = await AuthorizationAsync(at, EscrowCalls.TopUpNonce(at.Id, salt));
        var signature = at.Payer.SignDigest(authorization.ReceiveDigest(chain.TokenDomain));
        byte[] TopUp(byte[] id, byte[] withSalt) => EscrowCalls.TopUpWithAuthorization(id, withSalt, authorization, signature);

        Assert.Equal("NotPayer", await at.PayeeIsRefused(TopUp(other.Id, salt)));
        Assert.Equal("invalid signature", await at.PayeeIsRefused(TopUp(at.Id, new byte[32])));
        await at.PayeeSends(TopUp(at.Id, salt));
        Assert.Equal<UInt128>(2 * Deposit, (await at.ChannelAsync()).Deposit);
        Assert.Equal("authorization is used or canceled", await at.PayeeIsRefused(TopUp(at.Id, salt)));
        Assert.Equal<UInt128>(2 * Deposit, (await at.ChannelAsync()).Deposit);
    }

    [SkippableFact]
    public async Task An_authorization_that_has_ended_opens_nothing()
    {
        var chain = await anvil.ChainAsync(808080);
        var at = await EscrowChannelFixture.PrepareAsync(chain, "late");
        var late = await AuthorizationAsync(at, at.Id) with { ValidBefore = await chain.NowAsync() };
        var signature = at.Payer.SignDigest(late.ReceiveDigest(chain.TokenDomain));
        Assert.Equal("authorization is expired", await at.PayeeIsRefused(EscrowCalls.OpenWithAuthorization(at.Payee.Address.Span, at.Token.Span, at.Salt, at.Signer.Span, late, signature)));
        Assert.Null(await chain.Reader.ChannelAsync(at.Escrow, at.Id, default));
    }

    [SkippableFact]
    public async Task A_token_that_takes_a_fee_or_calls_back_gets_nothing_out()
    {
        var chain = await anvil.ChainAsync(808080);
        var at = await EscrowChannelFixture.PrepareAsync(chain, "hostile");
        var token = (await chain.SendAsync(at.Payer, ReadOnlyMemory<byte>.Empty, Contracts.BytecodeOf("HostileToken"))).Contract!.Value;
        await at.PayerSends(Abi.Call("mint", AbiValue.Address(token.Span), AbiValue.UInt256(1000)), token);
        byte[] Act(byte[] data) => Abi.Call("act", AbiValue.Address(at.Escrow.Span), AbiValue.Bytes(data));
        var open = EscrowCalls.Open(at.Payee.Address.Span, token.Span, 100, at.Salt, at.Signer.Span);

        await at.PayerSends(Abi.Call("setFee", AbiValue.UInt256(1)), token);
        Assert.Equal("TransferFailed", await at.PayerIsRefused(Act(open), token));
        await at.PayerSends(Abi.Call("setFee", AbiValue.UInt256(0)), token);
        await at.PayerSends(Act(open), token);

        // The token is the payer itself: in the middle of its withdrawal it asks for it once more.
        var id = await chain.Node.CallAsync(
            at.Escrow,
            Abi.Call(
                "computeChannelId", AbiValue.Address(token.Span), AbiValue.Address(at.Payee.Address.Span), AbiValue.Address(token.Span), AbiValue.Bytes32(at.Salt), AbiValue.Address(at.Signer.Span)),
            default);
        await at.PayerSends(Act(EscrowCalls.RequestClose(id)), token);
        await at.PayerSends(Act(EscrowCalls.Open(at.Payee.Address.Span, token.Span, 300, new byte[32], at.Signer.Span)), token);
        await at.PayerSends(Abi.Call("setCallback", AbiValue.Address(at.Escrow.Span), AbiValue.Bytes(EscrowCalls.Withdraw(id))), token);
        await at.PayeeSends(EscrowCalls.Close(id, 0, []));
        Assert.False(new AbiWords(await chain.Node.CallAsync(token, Abi.Call("succeeded"), default)).Bool(0));
        var answer = await chain.Node.CallAsync(token, Abi.Call("answer"), default);
        Assert.Equal("Reentered", RevertReason.Of(answer.AsSpan(64, 4)));
        Assert.Equal(300, (int)new AbiWords(await chain.Node.CallAsync(token, TokenCalls.BalanceOf(at.Escrow.Span), default)).UInt256(0));
    }

    private static async Task<TransferAuthorization> AuthorizationAsync(EscrowChannelFixture at, byte[] nonce) =>
        new(at.Payer.Address, at.Escrow, Deposit, 0, await at.Chain.NowAsync() + 3600, nonce);
}
