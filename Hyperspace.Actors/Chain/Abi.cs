using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Actors.Chain;

/// <summary>An argument of a contract's function: one 32-byte word, or a tail of its own (<c>bytes</c>, <c>string</c>).</summary>
internal readonly record struct AbiValue
{
    private AbiValue(string type, byte[] content, bool isDynamic) => (Type, Content, IsDynamic) = (type, content, isDynamic);

    /// <summary>Its Solidity type, as it stands in the function's signature.</summary>
    public string Type { get; }

    /// <summary>The word, or the bytes of the tail without length and padding.</summary>
    internal byte[] Content { get; }

    internal bool IsDynamic { get; }

    /// <summary>A 20-byte address.</summary>
    public static AbiValue Address(ReadOnlySpan<byte> value) =>
        value.Length == Secp256k1.AddressSize ? new("address", [.. new byte[12], .. value], false) : throw new ArgumentException("An address has 20 bytes.", nameof(value));

    /// <summary>A bytes32.</summary>
    public static AbiValue Bytes32(ReadOnlySpan<byte> value) =>
        value.Length == 32 ? new("bytes32", value.ToArray(), false) : throw new ArgumentException("A bytes32 has 32 bytes.", nameof(value));

    /// <summary>A uint8.</summary>
    public static AbiValue UInt8(byte value) => Integer("uint8", value);

    /// <summary>A uint128.</summary>
    public static AbiValue UInt128(UInt128 value) => Integer("uint128", value);

    /// <summary>A uint256; a negative one or one of more than 256 bits is an <see cref="ArgumentException"/>.</summary>
    public static AbiValue UInt256(BigInteger value) => Integer("uint256", value);

    /// <summary><c>bytes</c> of any length.</summary>
    public static AbiValue Bytes(ReadOnlySpan<byte> value) => new("bytes", value.ToArray(), true);

    /// <summary>A <c>string</c>.</summary>
    public static AbiValue Text(string value) => new("string", Encoding.UTF8.GetBytes(value), true);

    private static AbiValue Integer(string type, BigInteger value)
    {
        if (value.Sign < 0 || value.GetByteCount(isUnsigned: true) > 32)
        {
            throw new ArgumentException($"{value} is no {type}.", nameof(value));
        }

        var word = new byte[32];
        var bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        bytes.CopyTo(word, 32 - bytes.Length);
        return new(type, word, false);
    }
}

/// <summary>Solidity's contract ABI as far as our contracts use it.</summary>
internal static class Abi
{
    /// <summary>Call data: the selector of the function of these arguments, then the arguments.</summary>
    public static byte[] Call(string function, params ReadOnlySpan<AbiValue> arguments)
    {
        var types = new List<string>();
        foreach (var argument in arguments)
        {
            types.Add(argument.Type);
        }

        return [.. Selector($"{function}({string.Join(',', types)})"), .. Encode(arguments)];
    }

    /// <summary>The first 4 bytes of the hash of a signature such as <c>transfer(address,uint256)</c>.</summary>
    public static byte[] Selector(string signature) => Keccak256.Hash(Encoding.ASCII.GetBytes(signature))[..4];

    /// <summary>The arguments alone, as a constructor's follow its bytecode: heads, then tails.</summary>
    public static byte[] Encode(params ReadOnlySpan<AbiValue> arguments)
    {
        var heads = new byte[32 * arguments.Length];
        var tails = new List<byte>();
        for (var i = 0; i < arguments.Length; i++)
        {
            var head = heads.AsSpan(32 * i, 32);
            if (!arguments[i].IsDynamic)
            {
                arguments[i].Content.CopyTo(head);
                continue;
            }

            var content = arguments[i].Content;
            BinaryPrimitives.WriteInt32BigEndian(head[28..], heads.Length + tails.Count);
            var tail = new byte[32 + ((content.Length + 31) / 32 * 32)];
            BinaryPrimitives.WriteInt32BigEndian(tail.AsSpan(28), content.Length);
            content.CopyTo(tail, 32);
            tails.AddRange(tail);
        }

        return [.. heads, .. tails];
    }
}

/// <summary>The words that a contract answered. Padding that is not zero or too few words are a <see cref="FormatException"/>.</summary>
internal readonly ref struct AbiWords(ReadOnlySpan<byte> answer)
{
    private readonly ReadOnlySpan<byte> _answer = answer;

    public ReadOnlySpan<byte> Address(int index) => Padded(index, Secp256k1.AddressSize);

    public BigInteger UInt256(int index) => new(Padded(index, 32), isUnsigned: true, isBigEndian: true);

    public UInt128 UInt128(int index) => BinaryPrimitives.ReadUInt128BigEndian(Padded(index, 16));

    public ulong UInt64(int index) => BinaryPrimitives.ReadUInt64BigEndian(Padded(index, 8));

    public bool Bool(int index) => Padded(index, 1)[0] switch
    {
        0 => false,
        1 => true,
        _ => throw new FormatException("The contract answered a bool that is neither 0 nor 1."),
    };

    private ReadOnlySpan<byte> Padded(int index, int size)
    {
        if (_answer.Length < 32 * (index + 1))
        {
            throw new FormatException($"The contract answered {_answer.Length} bytes, too few: is it the right contract?");
        }

        var word = _answer.Slice(32 * index, 32);
        return word[..(32 - size)].ContainsAnyExcept((byte)0) ? throw new FormatException("The contract answered a value that is too large.") : word[(32 - size)..];
    }
}
