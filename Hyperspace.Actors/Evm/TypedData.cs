using System.Collections.Concurrent;
using System.Numerics;
using System.Text;

namespace Hyperspace.Actors.Evm;

/// <summary>
/// Hashing of EIP-712 structured data for one set of struct types. Values are: <see cref="BigInteger"/> or
/// <see cref="ulong"/> for integers, <see cref="bool"/>, <see cref="string"/>, byte[] for <c>bytes</c>, <c>bytesN</c> and
/// <c>address</c>, <c>IReadOnlyList&lt;object&gt;</c> for arrays and <c>IReadOnlyDictionary&lt;string, object&gt;</c> for structs.
/// A value that does not fit its type is a <see cref="FormatException"/>.
/// </summary>
internal sealed class TypedData
{
    private const int Word = 32;
    private readonly IReadOnlyDictionary<string, IReadOnlyList<TypedDataField>> _types;
    private readonly ConcurrentDictionary<string, byte[]> _typeHashes = new();

    /// <summary>Hashing of these struct types.</summary>
    /// <exception cref="FormatException">They are not types as <see cref="TypedDataTypes.Check"/> wants them.</exception>
    public TypedData(IReadOnlyDictionary<string, IReadOnlyList<TypedDataField>> types)
    {
        TypedDataTypes.Check(types);
        _types = types;
    }

    /// <summary>The digest to sign: keccak256(0x19 0x01 ‖ domainSeparator ‖ hashStruct(message)).</summary>
    public byte[] Digest(ReadOnlySpan<byte> domainSeparator, string primaryType, IReadOnlyDictionary<string, object> message) =>
        Keccak256.Hash([0x19, 0x01, .. domainSeparator, .. HashStruct(primaryType, message)]);

    /// <summary>Writes the digest to sign of a struct that is encoded already: its type hash and its words. Allocates nothing.</summary>
    public static void WriteDigest(ReadOnlySpan<byte> domainSeparator, ReadOnlySpan<byte> encodedStruct, Span<byte> digest)
    {
        Span<byte> signed = stackalloc byte[2 + (2 * Word)];
        signed[0] = 0x19;
        signed[1] = 0x01;
        domainSeparator.CopyTo(signed[2..]);
        Keccak256.Hash(encodedStruct, signed[(2 + Word)..]);
        Keccak256.Hash(signed, digest);
    }

    /// <summary>hashStruct: keccak256(typeHash ‖ encodeData).</summary>
    public byte[] HashStruct(string type, IReadOnlyDictionary<string, object> value)
    {
        var fields = FieldsOf(type);
        if (value.Count > fields.Count)
        {
            throw new FormatException($"The {type} has members that its type does not have: nobody would sign them.");
        }

        var encoded = new byte[Word * (fields.Count + 1)];
        _typeHashes.GetOrAdd(type, static (name, self) => Keccak256.Hash(Encoding.UTF8.GetBytes(self.EncodeType(name))), this).CopyTo(encoded, 0);
        for (var i = 0; i < fields.Count; i++)
        {
            if (!value.TryGetValue(fields[i].Name, out var member))
            {
                throw new FormatException($"The {type} has no member '{fields[i].Name}'.");
            }

            EncodeWord(fields[i].Type, member, encoded.AsSpan(Word * (i + 1), Word));
        }

        return Keccak256.Hash(encoded);
    }

    /// <summary>encodeType: the struct's signature, then those of the structs that it refers to, by name.</summary>
    public string EncodeType(string type)
    {
        var referenced = new SortedSet<string>(StringComparer.Ordinal);
        Collect(type, referenced);
        referenced.Remove(type);
        return string.Concat(referenced.Prepend(type).Select(Signature));
    }

    private string Signature(string type) => $"{type}({string.Join(',', FieldsOf(type).Select(f => $"{f.Type} {f.Name}"))})";

    private void Collect(string type, SortedSet<string> seen)
    {
        if (!seen.Add(type))
        {
            return;
        }

        foreach (var inner in FieldsOf(type).Select(f => TypedDataTypes.Innermost(f.Type)).Where(_types.ContainsKey))
        {
            Collect(inner, seen);
        }
    }

    private IReadOnlyList<TypedDataField> FieldsOf(string type) =>
        _types.TryGetValue(type, out var fields) ? fields : throw new FormatException($"No struct type '{type}' is declared.");

    private void EncodeWord(string type, object value, Span<byte> word)
    {
        if (TypedDataTypes.TryArray(type, out var item, out var length))
        {
            EncodeArray(type, item, length, value, word);
        }
        else if (_types.ContainsKey(type))
        {
            HashStruct(type, Expect<IReadOnlyDictionary<string, object>>(type, value)).CopyTo(word);
        }
        else if (type == "string")
        {
            Keccak256.Hash(Encoding.UTF8.GetBytes(Expect<string>(type, value))).CopyTo(word);
        }
        else if (type == "bytes")
        {
            Keccak256.Hash(Expect<byte[]>(type, value)).CopyTo(word);
        }
        else if (type == "bool")
        {
            word[^1] = Expect<bool>(type, value) ? (byte)1 : (byte)0;
        }
        else if (type == "address")
        {
            BytesOf(type, value, Secp256k1.AddressSize).CopyTo(word[(Word - Secp256k1.AddressSize)..]);
        }
        else if (TypedDataTypes.IsFixedBytes(type, out var size))
        {
            BytesOf(type, value, size).CopyTo(word);
        }
        else if (TypedDataTypes.IsUnsigned(type, out var bits))
        {
            EncodeInteger(type, value, BigInteger.Zero, (BigInteger.One << bits) - 1, word);
        }
        else if (TypedDataTypes.IsSigned(type, out bits))
        {
            EncodeInteger(type, value, -(BigInteger.One << (bits - 1)), (BigInteger.One << (bits - 1)) - 1, word);
        }
        else
        {
            throw new FormatException($"'{type}' is not a type of EIP-712.");
        }
    }

    private void EncodeArray(string type, string item, int? length, object value, Span<byte> word)
    {
        var items = Expect<IReadOnlyList<object>>(type, value);
        if (length is { } expected && expected != items.Count)
        {
            throw new FormatException($"A {type} has {expected} items, not {items.Count}.");
        }

        var encoded = new byte[Word * items.Count];
        for (var i = 0; i < items.Count; i++)
        {
            EncodeWord(item, items[i], encoded.AsSpan(Word * i, Word));
        }

        Keccak256.Hash(encoded).CopyTo(word);
    }

    private static void EncodeInteger(string type, object value, BigInteger least, BigInteger most, Span<byte> word)
    {
        var number = value is ulong small ? small : Expect<BigInteger>(type, value);
        if (number < least || number > most)
        {
            throw new FormatException($"{number} does not fit {type}.");
        }

        // Two's complement, sign-extended to the word.
        word.Fill(number.Sign < 0 ? (byte)0xff : (byte)0);
        var bytes = number.ToByteArray(isUnsigned: number.Sign >= 0, isBigEndian: true);
        bytes.CopyTo(word[(Word - bytes.Length)..]);
    }

    private static byte[] BytesOf(string type, object value, int size) =>
        Expect<byte[]>(type, value) is { } bytes && bytes.Length == size ? bytes : throw new FormatException($"A value of type {type} has {size} bytes.");

    private static T Expect<T>(string type, object value) =>
        value is T typed ? typed : throw new FormatException($"A value of type {type} cannot be a {value?.GetType().Name ?? "null"}.");
}
