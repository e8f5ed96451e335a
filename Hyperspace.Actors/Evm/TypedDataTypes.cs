using System.Globalization;

namespace Hyperspace.Actors.Evm;

/// <summary>A member of a struct type.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">An atomic type (<c>uint8</c>…<c>uint256</c>, <c>int8</c>…, <c>bytes1</c>…<c>bytes32</c>, <c>bool</c>, <c>address</c>), <c>bytes</c>, <c>string</c>, a struct's name, or an array <c>T[]</c>, <c>T[n]</c> of one.</param>
internal readonly record struct TypedDataField(string Name, string Type);

/// <summary>The type names of EIP-712, strictly: no aliases (<c>uint</c>), no leading zeros, no spaces.</summary>
internal static class TypedDataTypes
{
    /// <summary>The member of an array type: <c>T</c> of <c>T[]</c> or <c>T[n]</c>; false when the type is no array.</summary>
    /// <param name="type">A type's name.</param>
    /// <param name="item">The items' type.</param>
    /// <param name="length">How many items; null: any number.</param>
    public static bool TryArray(string type, out string item, out int? length)
    {
        (item, length) = (type, null);
        var open = type.LastIndexOf('[');
        if (open < 1 || !type.EndsWith(']'))
        {
            return false;
        }

        var digits = type.AsSpan(open + 1, type.Length - open - 2);
        if (digits.Length > 0)
        {
            if (!TryNumber(digits, out var count))
            {
                return false;
            }

            length = count;
        }

        item = type[..open];
        return true;
    }

    /// <summary>The type of what is in an array of arrays, at the bottom; the type itself when it is no array.</summary>
    public static string Innermost(string type)
    {
        while (TryArray(type, out var item, out _))
        {
            type = item;
        }

        return type;
    }

    /// <summary>True for <c>bytesN</c> with N from 1 to 32.</summary>
    public static bool IsFixedBytes(string type, out int size) => Sized(type, "bytes", out size) && size <= 32;

    /// <summary>True for <c>uintN</c> with N a multiple of 8 up to 256.</summary>
    public static bool IsUnsigned(string type, out int bits) => Sized(type, "uint", out bits) && IsWidth(bits);

    /// <summary>True for <c>intN</c> with N a multiple of 8 up to 256.</summary>
    public static bool IsSigned(string type, out int bits) => Sized(type, "int", out bits) && IsWidth(bits);

    /// <summary>True for the types that are not made of others.</summary>
    public static bool IsAtomic(string type) =>
        type is "string" or "bytes" or "bool" or "address" || IsFixedBytes(type, out _) || IsUnsigned(type, out _) || IsSigned(type, out _);

    /// <summary>
    /// Throws unless every struct has an identifier for a name and for each member's, no member twice, only types that are
    /// declared or atomic, and does not contain itself: the EIP leaves such data undefined, and signers refuse it.
    /// </summary>
    /// <exception cref="FormatException">What is wrong.</exception>
    public static void Check(IReadOnlyDictionary<string, IReadOnlyList<TypedDataField>> types)
    {
        foreach (var (name, fields) in types)
        {
            if (!IsIdentifier(name) || IsAtomic(name))
            {
                throw new FormatException($"'{name}' cannot be the name of a struct type.");
            }

            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var field in fields)
            {
                if (!IsIdentifier(field.Name) || !seen.Add(field.Name))
                {
                    throw new FormatException($"The {name} cannot have a member '{field.Name}', or not twice.");
                }

                var innermost = Innermost(field.Type);
                if (!types.ContainsKey(innermost) && !IsAtomic(innermost))
                {
                    throw new FormatException($"'{field.Type}' of {name}.{field.Name} is neither a type of EIP-712 nor a declared struct.");
                }
            }
        }

        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in types.Keys)
        {
            CheckNoCircle(name, types, [], done);
        }
    }

    private static void CheckNoCircle(string name, IReadOnlyDictionary<string, IReadOnlyList<TypedDataField>> types, HashSet<string> above, HashSet<string> done)
    {
        if (done.Contains(name))
        {
            return;
        }

        if (!above.Add(name))
        {
            throw new FormatException($"The struct type {name} contains itself.");
        }

        if (above.Count > MaxDepth)
        {
            throw new FormatException($"Structs are nested deeper than {MaxDepth}.");
        }

        foreach (var inner in types[name].Select(f => Innermost(f.Type)).Where(types.ContainsKey))
        {
            CheckNoCircle(inner, types, above, done);
        }

        above.Remove(name);
        done.Add(name);
    }

    /// <summary>Structs are nested at most so deep.</summary>
    private const int MaxDepth = 64;

    private static bool IsIdentifier(string name) =>
        name.Length is > 0 and <= 256 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '$');

    private static bool IsWidth(int bits) => bits <= 256 && bits % 8 == 0;

    private static bool Sized(string type, string prefix, out int size)
    {
        size = 0;
        return type.StartsWith(prefix, StringComparison.Ordinal) && TryNumber(type.AsSpan(prefix.Length), out size);
    }

    private static bool TryNumber(ReadOnlySpan<char> digits, out int number)
    {
        number = 0;
        return digits.Length > 0 && digits[0] != '0' && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
