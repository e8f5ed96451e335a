using System.Numerics;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;

namespace Hyperspace.Tests.Interop;

/// <summary>The escrow contract on anvil, under each chain id that it is meant for: where money goes, and who is refused.</summary>
public sealed class EscrowTests(AnvilPartner anvil) : IClassFixture<AnvilPartner>
{
    private const ulong Deposit = 5_000_001;

    public static TheoryData<ulong> ChainIds => [8453, 42161, 808080];

    [SkippableTheory]
    [MemberData(nameof(ChainIds))]
    public async Task A_channel_pays_what_was_vouched_and_refunds_the_rest_to_the_unit(ulong chainId)
    {
        var at = await EscrowChannelFixture.OpenAsync(await anvil.ChainAsync(chainId), "life" + chainId, Deposit);
        Assert.Equal(ChannelIdOf(at), at.Id);

        await at.PayeeSends(EscrowCalls.Settle(at.Id, 1_000_000, at.Voucher(1_000_000)));
        await at.PayeeSends(EscrowCalls.Settle(at.Id, 1_234_567, at.Voucher(1_234_567)));
        Assert.Equal(1_234_567, await at.TokensOfPayee());
        await at.PayerSends(TokenCalls.Approve(at.Escrow.Span, 999_999), at.Token);
        await at.PayerSends(EscrowCalls.TopUp(at.Id, 999_999));
        Assert.Equal<UInt128>(6_000_000, (await at.ChannelAsync()).Deposit);

        await at.PayeeSends(EscrowCalls.Close(at.Id, 3_000_001, at.Voucher(3_000_001)));
        Assert.Equal(3_000_001, await at.TokensOfPayee());
        Assert.Equal(at.FundedWith - 3_000_001, await at.TokensOfPayer());
        var closed = await at.ChannelAsync();
        Assert.True(closed.Finalized);
        Assert.Equal(0, await at.TokensOfEscrowOf(closed));
        Assert.Equal("ChannelFinalized", await at.PayeeIsRefused(EscrowCalls.Settle(at.Id, 4_000_000, at.Voucher(4_000_000))));
    }

    [SkippableTheory]
    [MemberData(nameof(ChainIds))]
    public async Task A_payer_gets_the_rest_back_after_the_grace_and_not_before(ulong chainId)
    {
        var at = await EscrowChannelFixture.OpenAsync(await LocalChain.StartAsync(chainId), "grace" + chainId, Deposit);
        await using var chain = at.Chain;
        await at.PayeeSends(EscrowCalls.Settle(at.Id, 10, at.Voucher(10)));
        Assert.Equal("CloseNotReady", await at.PayerIsRefused(EscrowCalls.Withdraw(at.Id)));
        Assert.Equal("NotPayer", await at.PayeeIsRefused(EscrowCalls.RequestClose(at.Id)));
        await at.PayerSends(EscrowCalls.RequestClose(at.Id));
        var asked = (await at.ChannelAsync()).CloseRequestedAt;
        Assert.True(asked > 0);

        // The payee may still claim, and asking again does not start the time anew.
        await at.PayeeSends(EscrowCalls.Settle(at.Id, 25, at.Voucher(25)));
        await at.Chain.AdvanceAsync(TimeSpan.FromSeconds(EscrowCalls.CloseGraceSeconds - 30));
        await at.PayerSends(EscrowCalls.RequestClose(at.Id));
        Assert.Equal(asked, (await at.ChannelAsync()).CloseRequestedAt);
        Assert.Equal("CloseNotReady", await at.PayerIsRefused(EscrowCalls.Withdraw(at.Id)));
        await at.Chain.AdvanceAsync(TimeSpan.FromSeconds(40));
        Assert.Equal("NotPayer", await at.PayeeIsRefused(EscrowCalls.Withdraw(at.Id)));
        await at.PayerSends(EscrowCalls.Withdraw(at.Id));
        Assert.Equal(25, await at.TokensOfPayee());
        Assert.Equal(at.FundedWith - 25, await at.TokensOfPayer());
        Assert.Equal("ChannelFinalized", await at.PayeeIsRefused(EscrowCalls.Settle(at.Id, 30, at.Voucher(30))));
        Assert.Equal("ChannelFinalized", await at.PayerIsRefused(EscrowCalls.Withdraw(at.Id)));
    }

    [SkippableFact]
    public async Task A_top_up_cancels_a_close_request()
    {
        var at = await EscrowChannelFixture.OpenAsync(await anvil.ChainAsync(808080), "again", Deposit);
        await at.PayerSends(EscrowCalls.RequestClose(at.Id));
        await at.PayerSends(TokenCalls.Approve(at.Escrow.Span, 1), at.Token);
        await at.PayerSends(EscrowCalls.TopUp(at.Id, 1));
        Assert.Equal(0UL, (await at.ChannelAsync()).CloseRequestedAt);
        Assert.Equal("NotPayer", await at.PayeeIsRefused(EscrowCalls.TopUp(at.Id, 1)));
    }

    [SkippableTheory]
    [MemberData(nameof(ChainIds))]
    public async Task Only_the_voucher_of_this_channel_chain_and_contract_counts(ulong chainId)
    {
        var chain = await anvil.ChainAsync(chainId);
        var at = await EscrowChannelFixture.OpenAsync(chain, "forged" + chainId, Deposit);
        byte[] good = at.Voucher(100);
        byte[] Settle(byte[] signature, ulong amount = 100) => EscrowCalls.Settle(at.Id, amount, signature);

        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle(at.Voucher(100, chainId: chainId + 1))));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle(at.Voucher(100, escrow: chain.Options.LegacyEscrow))));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle(at.Voucher(100, domain: VoucherDomain.TempoStream))));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle(at.Voucher(100, id: Keccak256.Hash(at.Id)))));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle(good, 101)));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle(at.Payee.SignDigest(at.Digest(100)))));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle(Malleable(good))));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle([.. good[..64], (byte)(good[64] - 27)])));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle([.. good, 0])));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle(good[..64])));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(Settle(new byte[65])));
        Assert.Equal("NotPayee", await at.PayerIsRefused(Settle(good)));
        Assert.Equal("AmountExceedsDeposit", await at.PayeeIsRefused(Settle(at.Voucher(Deposit + 1), Deposit + 1)));
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(EscrowCalls.Close(at.Id, 100, Malleable(good))));

        await at.PayeeSends(Settle(good));
        Assert.Equal("AmountNotIncreasing", await at.PayeeIsRefused(Settle(good)));
        Assert.Equal("AmountNotIncreasing", await at.PayeeIsRefused(Settle(at.Voucher(99), 99)));
        Assert.Equal(100, await at.TokensOfPayee());

        // Claiming nothing more needs no voucher.
        await at.PayeeSends(EscrowCalls.Close(at.Id, 100, []));
        Assert.Equal(at.FundedWith - 100, await at.TokensOfPayer());
    }

    [SkippableTheory]
    [MemberData(nameof(ChainIds))]
    public async Task A_salt_opens_one_channel_for_ever(ulong chainId)
    {
        var at = await EscrowChannelFixture.OpenAsync(await anvil.ChainAsync(chainId), "salt" + chainId, Deposit);
        await at.PayerSends(TokenCalls.Approve(at.Escrow.Span, Deposit), at.Token);
        Assert.Equal("ChannelAlreadyExists", await at.PayerIsRefused(at.OpenCall(Deposit)));
        await at.PayeeSends(EscrowCalls.Close(at.Id, 0, []));
        Assert.Equal("ChannelAlreadyExists", await at.PayerIsRefused(at.OpenCall(Deposit)));
        Assert.Equal(at.FundedWith, await at.TokensOfPayer());
        Assert.Equal("ZeroDeposit", await at.PayerIsRefused(at.OpenCall(0, salt: new byte[32])));
        Assert.Equal("ChannelNotFound", await at.PayerIsRefused(EscrowCalls.RequestClose(new byte[32])));
    }

    [SkippableTheory]
    [MemberData(nameof(ChainIds))]
    public async Task A_delegate_signs_for_the_payer_and_the_payer_no_longer(ulong chainId)
    {
        var chain = await anvil.ChainAsync(chainId);
        var signer = await chain.WalletAsync("delegate");
        var at = await EscrowChannelFixture.OpenAsync(chain, "delegated" + chainId, Deposit, signer.Address);
        Assert.Equal("InvalidSignature", await at.PayeeIsRefused(EscrowCalls.Settle(at.Id, 5, at.Voucher(5))));
        await at.PayeeSends(EscrowCalls.Settle(at.Id, 5, signer.SignDigest(at.Digest(5))));
        Assert.Equal(5, await at.TokensOfPayee());
    }

    [SkippableTheory]
    [MemberData(nameof(ChainIds))]
    public async Task Both_domains_are_what_their_clients_sign(ulong chainId)
    {
        var chain = await anvil.ChainAsync(chainId);
        foreach (var (escrow, domain) in new[] { (chain.Options.Escrow!.Value, VoucherDomain.Native), (chain.Options.LegacyEscrow!.Value, VoucherDomain.TempoStream) })
        {
            var separator = await chain.Node.CallAsync(escrow, Abi.Call("domainSeparator"), default);
            Assert.Equal(new TypedDataDomain(domain, "1", chainId, escrow.ToArray()).Separator(), separator);
            Assert.Equal(EscrowCalls.CloseGraceSeconds, (ulong)new BigInteger(await chain.Node.CallAsync(escrow, Abi.Call("CLOSE_GRACE_PERIOD"), default), true, true));
        }

        var legacy = await EscrowChannelFixture.OpenAsync(chain, "legacy" + chainId, Deposit, domain: VoucherDomain.TempoStream, escrow: chain.Options.LegacyEscrow);
        await legacy.PayeeSends(EscrowCalls.Close(legacy.Id, 7, legacy.Voucher(7)));
        Assert.Equal(7, await legacy.TokensOfPayee());
    }

    // The other signature of the same key over the same digest.
    private static byte[] Malleable(byte[] signature)
    {
        var order = BigInteger.Parse("115792089237316195423570985008687907852837564279074904382605163141518161494337", System.Globalization.CultureInfo.InvariantCulture);
        var s = (order - new BigInteger(signature.AsSpan(32, 32), true, true)).ToByteArray(true, true);
        return [.. signature[..32], .. new byte[32 - s.Length], .. s, (byte)(55 - signature[64])];
    }

    private static byte[] ChannelIdOf(EscrowChannelFixture at)
    {
        byte[] Word(ReadOnlyMemory<byte> value) => [.. new byte[32 - value.Length], .. value.Span];
        byte[] chainId = [.. new byte[24], .. BitConverter.GetBytes(at.Chain.Options.ChainId).Reverse()];
        return Keccak256.Hash([.. Word(at.Payer.Address), .. Word(at.Payee.Address), .. Word(at.Token), .. at.Salt, .. new byte[32], .. Word(at.Escrow), .. chainId]);
    }
}
