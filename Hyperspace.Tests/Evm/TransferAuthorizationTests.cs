using System.Numerics;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Tests.Evm;

public class TransferAuthorizationTests
{
    private static readonly byte[] Token = Filled(0x22, 20);
    private static readonly byte[] Key = Filled(0x46, 32);
    private static readonly TokenDomain Domain = new("USD Coin", "2", 8453, Token);
    private static readonly TransferAuthorization Transfer = new(Secp256k1.Library.AddressOf(Key), Filled(0x11, 20), 1_000_000, 0, 1_900_000_000, Filled(0x33, 32));

    [Fact]
    public void Its_digest_is_that_of_the_typed_data_of_EIP_3009()
    {
        var types = new TypedData(new Dictionary<string, IReadOnlyList<TypedDataField>>
        {
            ["TransferWithAuthorization"] =
            [
                new("from", "address"), new("to", "address"), new("value", "uint256"), new("validAfter", "uint256"), new("validBefore", "uint256"), new("nonce", "bytes32"),
            ],
        });
        var expected = types.Digest(new TypedDataDomain("USD Coin", "2", 8453, Token).Separator(), "TransferWithAuthorization", new Dictionary<string, object>
        {
            ["from"] = Transfer.From.ToArray(),
            ["to"] = Transfer.To.ToArray(),
            ["value"] = (BigInteger)Transfer.Value,
            ["validAfter"] = Transfer.ValidAfter,
            ["validBefore"] = Transfer.ValidBefore,
            ["nonce"] = Transfer.Nonce.ToArray(),
        });
        Assert.Equal(expected, Transfer.Digest(Domain));
    }

    [Fact]
    public void Only_its_owner_signs_it_and_only_as_it_stands()
    {
        var signature = Secp256k1.Library.Sign(Key, Transfer.Digest(Domain));
        Assert.True(Transfer.IsSigned(Domain, signature));
        TransferAuthorization[] others =
        [
            Transfer with { From = Filled(0x12, 20) }, Transfer with { To = Filled(0x12, 20) }, Transfer with { Value = Transfer.Value + 1 }, Transfer with { Value = UInt128.MaxValue },
            Transfer with { ValidAfter = 1 }, Transfer with { ValidBefore = Transfer.ValidBefore + 1 }, Transfer with { Nonce = Filled(0x34, 32) },
        ];
        Assert.All(others, other => Assert.False(other.IsSigned(Domain, signature)));
        Assert.All(
            (TokenDomain[])[new("USD Coin", "1", 8453, Token), new("USDC", "2", 8453, Token), new("USD Coin", "2", 1, Token), new("USD Coin", "2", 8453, Filled(0x23, 20))],
            domain => Assert.False(Transfer.IsSigned(domain, signature)));
    }

    private static byte[] Filled(byte value, int count) => Enumerable.Repeat(value, count).ToArray();
}
