using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Evm;
using Hyperspace.Tests.Identity;

namespace Hyperspace.Tests.Interop;

/// <summary>Call data, transactions and addresses are what viem makes of the same values and the contracts' ABI.</summary>
public sealed class ViemChainTests(ViemPartner viem) : IClassFixture<ViemPartner>
{
    private static readonly byte[] Payee = [.. Enumerable.Range(1, 20).Select(i => (byte)i)];
    private static readonly byte[] Token = [.. Enumerable.Repeat((byte)0x22, 20)];
    private static readonly byte[] Salt = Keccak256.Hash("salt"u8);
    private static readonly byte[] Signature = [.. Keccak256.Hash("r"u8), .. Keccak256.Hash("s"u8), 28];

    [SkippableFact]
    public async Task Call_data_transactions_and_addresses_are_the_same_to_both()
    {
        var deposit = UInt128.MaxValue;
        var authorization = new TransferAuthorization(GoldenKeys.Wallet.Address, Payee, deposit, 0, 1_900_000_000, Salt);
        string H(ReadOnlySpan<byte> bytes) => "0x" + Convert.ToHexStringLower(bytes);
        var d = deposit.ToString(CultureInfo.InvariantCulture);
        var ours = new List<(byte[] Data, string Name, string[] Arguments)>
        {
            (EscrowCalls.Open(Payee, Token, deposit, Salt, new byte[20]), "open", [H(Payee), H(Token), d, H(Salt), H(new byte[20])]),
            (EscrowCalls.OpenWithAuthorization(Payee, Token, Salt, Payee, authorization, Signature), "openWithAuthorization",
                [H(Payee), H(Token), d, H(Salt), H(Payee), H(authorization.From.Span), "0", "1900000000", H(Salt), "28", H(Signature[..32]), H(Signature[32..64])]),
            (EscrowCalls.TopUp(Salt, 1), "topUp", [H(Salt), "1"]),
            (EscrowCalls.TopUpWithAuthorization(Salt, Salt, authorization, Signature), "topUpWithAuthorization",
                [H(Salt), d, H(authorization.From.Span), "0", "1900000000", H(Salt), "28", H(Signature[..32]), H(Signature[32..64])]),
            (EscrowCalls.Settle(Salt, 77, Signature), "settle", [H(Salt), "77", H(Signature)]),
            (EscrowCalls.Close(Salt, 0, []), "close", [H(Salt), "0", "0x"]),
            (EscrowCalls.RequestClose(Salt), "requestClose", [H(Salt)]),
            (EscrowCalls.Withdraw(Salt), "withdraw", [H(Salt)]),
            (EscrowCalls.GetChannel(Salt), "getChannel", [H(Salt)]),
            (TokenCalls.BalanceOf(Payee), "balanceOf", [H(Payee)]),
            (TokenCalls.Approve(Payee, BigInteger.Pow(2, 256) - 1), "approve", [H(Payee), (BigInteger.Pow(2, 256) - 1).ToString(CultureInfo.InvariantCulture)]),
            (TokenCalls.Transfer(Payee, 0), "transfer", [H(Payee), "0"]),
            (TokenCalls.AuthorizationState(Payee, Salt), "authorizationState", [H(Payee), H(Salt)]),
        };
        Eip1559Transaction[] transactions =
        [
            new(808080, 0, 0, 1, 21_000, Payee, ReadOnlyMemory<byte>.Empty),
            new(8453, 127, 127, 128, 100_000, Token, ours[0].Data),
            new(42161, 128, BigInteger.Pow(10, 9), BigInteger.Pow(10, 11), 30_000_000, ReadOnlyMemory<byte>.Empty, Contracts.BytecodeOf("PaymentEscrow")),
        ];
        var answer = await viem.AskAsync(new
        {
            operation = "chain",
            privateKey = H(GoldenKeys.Wallet.ExportPrivateKey()),
            abi = AbiOf("PaymentEscrow").Concat(AbiOf("TestToken").Where(f => f.GetProperty("type").GetString() == "function")),
            calls = ours.Select(c => new { name = c.Name, args = c.Arguments }),
            transactions = transactions.Select(t => new
            {
                chainId = t.ChainId,
                nonce = t.Nonce,
                gas = t.GasLimit.ToString(CultureInfo.InvariantCulture),
                to = t.To.IsEmpty ? null : H(t.To.Span),
                data = H(t.Data.Span),
                maxFee = t.MaxFeePerGas.ToString(CultureInfo.InvariantCulture),
                priorityFee = t.MaxPriorityFeePerGas.ToString(CultureInfo.InvariantCulture),
            }),
            address = H(Payee),
        });

        Assert.Equal(answer.GetProperty("calls").EnumerateArray().Select(c => c.GetString()), ours.Select(c => H(c.Data)));
        foreach (var (theirs, mine) in answer.GetProperty("transactions").EnumerateArray().Zip(transactions, (theirs, mine) => (theirs, mine.Sign(GoldenKeys.Wallet))))
        {
            Assert.Equal(theirs.GetProperty("raw").GetString(), H(mine.Raw.Span));
            Assert.Equal(theirs.GetProperty("hash").GetString(), H(mine.Hash.Span));
        }

        Assert.Equal(answer.GetProperty("checksummed").GetString(), EvmAddress.Checksummed(Payee));
    }

    private static IEnumerable<JsonElement> AbiOf(string contract) =>
        JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(Path.Combine(Contracts.Folder, "compiled", contract + ".json"))).GetProperty("abi").EnumerateArray();
}
