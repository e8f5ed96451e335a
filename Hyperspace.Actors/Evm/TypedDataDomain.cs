using System.Numerics;

namespace Hyperspace.Actors.Evm;

/// <summary>EIP-712's domain: only the members that are given are part of its type.</summary>
/// <param name="Name">Name of the signing domain.</param>
/// <param name="Version">Its version.</param>
/// <param name="ChainId">EIP-155 chain id.</param>
/// <param name="VerifyingContract">20-byte address of the contract that checks the signature.</param>
/// <param name="Salt">32 bytes, a last resort to tell domains apart.</param>
internal sealed record TypedDataDomain(string? Name = null, string? Version = null, BigInteger? ChainId = null, byte[]? VerifyingContract = null, byte[]? Salt = null)
{
    private const string TypeName = "EIP712Domain";

    /// <summary>The domain separator: hashStruct of the domain.</summary>
    public byte[] Separator()
    {
        var members = ((TypedDataField Field, object? Value)[])
        [
            (new TypedDataField("name", "string"), Name),
            (new TypedDataField("version", "string"), Version),
            (new TypedDataField("chainId", "uint256"), ChainId),
            (new TypedDataField("verifyingContract", "address"), VerifyingContract),
            (new TypedDataField("salt", "bytes32"), Salt),
        ];
        var given = members.Where(m => m.Value is not null).ToList();
        return new TypedData(new Dictionary<string, IReadOnlyList<TypedDataField>> { [TypeName] = [.. given.Select(m => m.Field)] })
            .HashStruct(TypeName, given.ToDictionary(m => m.Field.Name, m => m.Value!));
    }
}
