using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Hyperspace.Actors.Evm;

/// <summary>
/// EIP-712 data as JSON: integers are decimal strings without sign other than −, leading zeros or exponent (or JSON numbers
/// written that way, up to 2^53 − 1); bytes and addresses are <c>0x</c> and hex digits. What does not fit is a <see cref="FormatException"/>.
/// </summary>
internal static class TypedDataJson
{
    private const string DomainType = "EIP712Domain";
    private const int MaxIntegerDigits = 80;
    private static readonly BigInteger MaxJsonNumber = (BigInteger.One << 53) - 1;

    private static readonly TypedDataField[] StandardDomain =
    [
        new("name", "string"), new("version", "string"), new("chainId", "uint256"), new("verifyingContract", "address"), new("salt", "bytes32"),
    ];

    /// <summary>The digest of <c>{domain, domainTypes?, types, primaryType, message}</c>.</summary>
    public static byte[] Digest(JsonElement data)
    {
        var types = new Dictionary<string, IReadOnlyList<TypedDataField>>(StringComparer.Ordinal);
        foreach (var (name, fields) in Members(Member(data, "types")))
        {
            types.Add(name, Fields(fields));
        }

        // Wallets put the domain's type among the others.
        types.Remove(DomainType, out var declared);
        if (data.TryGetProperty("domainTypes", out var given) && given.ValueKind != JsonValueKind.Null)
        {
            declared = DomainFields(given);
        }

        var domain = Member(data, "domain");
        var domainTypes = new Dictionary<string, IReadOnlyList<TypedDataField>> { [DomainType] = declared ?? Standard(domain) };
        var separator = new TypedData(domainTypes).HashStruct(DomainType, Struct(domainTypes, DomainType, domain));
        var primaryType = Text(Member(data, "primaryType"));
        return new TypedData(types).Digest(separator, primaryType, Struct(types, primaryType, Member(data, "message")));
    }

    /// <summary>A string member of an object.</summary>
    public static string Text(JsonElement row, string name) => Text(Member(row, name));

    // The members that the domain has, in the EIP's order.
    private static List<TypedDataField> Standard(JsonElement domain)
    {
        var present = Members(domain).Select(m => m.Name).ToHashSet(StringComparer.Ordinal);
        var fields = StandardDomain.Where(f => present.Remove(f.Name)).ToList();
        return present.Count == 0 ? fields : throw new FormatException($"'{present.First()}' is not a member of EIP-712's domain.");
    }

    private static List<TypedDataField> DomainFields(JsonElement given) =>
        given.ValueKind == JsonValueKind.Object ? Fields(Member(given, DomainType)) : Fields(given);

    private static List<TypedDataField> Fields(JsonElement fields) =>
        fields.ValueKind == JsonValueKind.Array
            ? [.. fields.EnumerateArray().Select(f => new TypedDataField(Text(f, "name"), Text(f, "type")))]
            : throw new FormatException("A struct type is an array of {name, type}.");

    private static Dictionary<string, object> Struct(IReadOnlyDictionary<string, IReadOnlyList<TypedDataField>> types, string type, JsonElement json)
    {
        if (!types.TryGetValue(type, out var fields))
        {
            throw new FormatException($"No struct type '{type}' is declared.");
        }

        var value = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (var (name, member) in Members(json))
        {
            var field = fields.FirstOrDefault(f => f.Name == name);
            value.Add(name, field.Type is null ? throw new FormatException($"The {type} has no member '{name}' by its type.") : Value(types, field.Type, member));
        }

        return value;
    }

    private static object Value(IReadOnlyDictionary<string, IReadOnlyList<TypedDataField>> types, string type, JsonElement json)
    {
        if (TypedDataTypes.TryArray(type, out var item, out _))
        {
            return json.ValueKind == JsonValueKind.Array
                ? json.EnumerateArray().Select(i => Value(types, item, i)).ToArray()
                : throw new FormatException($"A {type} is a JSON array.");
        }

        if (types.ContainsKey(type))
        {
            return Struct(types, type, json);
        }

        return type switch
        {
            "string" => Text(json),
            "bool" => json.ValueKind is JsonValueKind.True or JsonValueKind.False ? json.GetBoolean() : throw new FormatException("A bool is true or false."),
            "address" => Hex.TryParseAddress(Text(json), out var address) ? address : throw new FormatException("An address is 0x and 40 hex digits, whose case fits EIP-55 when it is mixed."),
            "bytes" => Hex.Parse(Text(json)),
            _ when TypedDataTypes.IsFixedBytes(type, out _) => Hex.Parse(Text(json)),
            _ => Integer(json),
        };
    }

    private static object Integer(JsonElement json)
    {
        var text = json.ValueKind == JsonValueKind.Number ? json.GetRawText() : Text(json);
        var digits = text.AsSpan(text.StartsWith('-') ? 1 : 0);
        if (digits.Length is 0 or > MaxIntegerDigits || digits.ContainsAnyExceptInRange('0', '9') || (digits[0] == '0' && text.Length > 1))
        {
            throw new FormatException("An integer is written in decimal digits without leading zeros, point or exponent.");
        }

        var number = BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return json.ValueKind == JsonValueKind.String || BigInteger.Abs(number) <= MaxJsonNumber
            ? number
            : throw new FormatException("An integer above 2^53 − 1 must be a string: as a JSON number it may have been rounded.");
    }

    private static string Text(JsonElement json)
    {
        try
        {
            return json.ValueKind == JsonValueKind.String ? json.GetString()! : throw new FormatException("A JSON string was expected.");
        }
        catch (InvalidOperationException)
        {
            throw new FormatException("A string has half a surrogate pair, which no UTF-8 can say.");
        }
    }

    private static JsonElement Member(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) ? value : throw new FormatException($"The member '{name}' is missing.");

    // By name, each once: JSON would let the last of two win.
    private static List<(string Name, JsonElement Value)> Members(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("A JSON object was expected.");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        var members = new List<(string, JsonElement)>();
        foreach (var property in json.EnumerateObject())
        {
            string name;
            try
            {
                name = property.Name;
            }
            catch (InvalidOperationException)
            {
                throw new FormatException("A member's name has half a surrogate pair.");
            }

            if (!seen.Add(name))
            {
                throw new FormatException($"The member '{name}' is there twice.");
            }

            members.Add((name, property.Value));
        }

        return members;
    }
}
