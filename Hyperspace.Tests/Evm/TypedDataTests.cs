using System.Numerics;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Tests.Evm;

public class TypedDataTests
{
    private static readonly byte[] Contract = Convert.FromHexString("CcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC");

    // The example of EIP-712 itself.
    private static readonly TypedData Mail = new(new Dictionary<string, IReadOnlyList<TypedDataField>>
    {
        ["Person"] = [new("name", "string"), new("wallet", "address")],
        ["Mail"] = [new("from", "Person"), new("to", "Person"), new("contents", "string")],
    });

    [Fact]
    public void The_mail_example_has_the_digest_and_signature_that_the_EIP_gives()
    {
        var digest = Mail.Digest(new TypedDataDomain("Ether Mail", "1", 1, Contract).Separator(), "Mail", new Dictionary<string, object>
        {
            ["from"] = Person("Cow", "CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"),
            ["to"] = Person("Bob", "bBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"),
            ["contents"] = "Hello, Bob!",
        });
        Assert.Equal("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2", Convert.ToHexStringLower(digest));

        // The EIP's example signs with the key keccak256("cow").
        var signature = Secp256k1.Library.Sign(Keccak256.Hash("cow"u8), digest);
        Assert.Equal(
            "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c",
            Convert.ToHexStringLower(signature));
    }

    [Fact]
    public void The_type_of_a_struct_names_the_structs_it_refers_to_once_and_sorted()
    {
        Assert.Equal("Mail(Person from,Person to,string contents)Person(string name,address wallet)", Mail.EncodeType("Mail"));
        var nested = new TypedData(new Dictionary<string, IReadOnlyList<TypedDataField>>
        {
            ["B"] = [new("a", "A[2][]"), new("b", "A[]")],
            ["A"] = [new("x", "int8")],
        });
        Assert.Equal("B(A[2][] a,A[] b)A(int8 x)", nested.EncodeType("B"));
    }

    [Theory]
    [InlineData("uint8", "256")]
    [InlineData("uint8", "-1")]
    [InlineData("int8", "128")]
    [InlineData("int8", "-129")]
    [InlineData("uint12", "1")]
    [InlineData("uint264", "1")]
    [InlineData("bytes33", "1")]
    [InlineData("money", "1")]
    [InlineData("string", "1")]
    [InlineData("uint8[]", "1")]
    public void A_value_that_does_not_fit_its_type_is_a_format_error(string type, string value)
    {
        Assert.Throws<FormatException>(() => Of(type).HashStruct("T", new Dictionary<string, object> { ["x"] = BigInteger.Parse(value) }));
        Assert.Throws<FormatException>(() => Of(type).HashStruct("T", new Dictionary<string, object>()));
    }

    [Theory]
    [InlineData("int8", "-1", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("int256", "-128", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80")]
    [InlineData("uint256", "115792089237316195423570985008687907853269984665640564039457584007913129639935", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("uint16", "256", "0000000000000000000000000000000000000000000000000000000000000100")]
    [InlineData("uint8", "0", "0000000000000000000000000000000000000000000000000000000000000000")]
    public void Integers_are_words_in_twos_complement(string type, string value, string word)
    {
        var expected = Keccak256.Hash([.. Keccak256.Hash(System.Text.Encoding.UTF8.GetBytes($"T({type} x)")), .. Convert.FromHexString(word)]);
        Assert.Equal(expected, Of(type).HashStruct("T", new Dictionary<string, object> { ["x"] = BigInteger.Parse(value) }));
    }

    [Fact]
    public void An_array_of_fixed_length_takes_that_many_items()
    {
        var data = Of("uint8[2]");
        data.HashStruct("T", new Dictionary<string, object> { ["x"] = new object[] { 1UL, 2UL } });
        Assert.Throws<FormatException>(() => data.HashStruct("T", new Dictionary<string, object> { ["x"] = new object[] { 1UL } }));
    }

    private static TypedData Of(string type) => new(new Dictionary<string, IReadOnlyList<TypedDataField>> { ["T"] = [new("x", type)] });

    private static Dictionary<string, object> Person(string name, string wallet) => new() { ["name"] = name, ["wallet"] = Convert.FromHexString(wallet) };
}
