using System.Text.Json;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Host.JsonRpc;

/// <summary>Reads by-name parameters; whatever does not fit is a <see cref="JsonRpcException"/> that names the field and what it should be.</summary>
internal sealed class Params(JsonElement json, string path = "")
{
    /// <summary>Longest text parameter, in characters, unless a method says otherwise.</summary>
    public const int DefaultMaxText = 64 * 1024;

    private readonly JsonElement _json = json;

    public string String(string name, int maxLength = DefaultMaxText) =>
        OptionalString(name, maxLength) ?? throw Missing(name, "a string");

    public string? OptionalString(string name, int maxLength = DefaultMaxText)
    {
        if (Get(name) is not { } value)
        {
            return null;
        }

        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(name, "a string");
        return text.Length <= maxLength ? text : throw JsonRpcException.BadParams($"'{Path(name)}' has {text.Length} characters; at most {maxLength} are taken.");
    }

    /// <summary>Text as it is; any other JSON value as its JSON text. For fields that samples fill with either.</summary>
    public string? OptionalTextOrJson(string name, int maxLength = DefaultMaxText)
    {
        if (Get(name) is not { } value)
        {
            return null;
        }

        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        return text.Length <= maxLength ? text : throw JsonRpcException.BadParams($"'{Path(name)}' has {text.Length} characters; at most {maxLength} are taken.");
    }

    public string ObjectJson(string name, int maxLength = 1024 * 1024)
    {
        var value = Get(name) ?? throw Missing(name, "an object");
        var text = value.ValueKind == JsonValueKind.Object ? value.GetRawText() : throw Wrong(name, "an object");
        return text.Length <= maxLength ? text : throw JsonRpcException.BadParams($"'{Path(name)}' has {text.Length} characters; at most {maxLength} are taken.");
    }

    public Params Object(string name) => OptionalObject(name) ?? throw Missing(name, "an object");

    public Params? OptionalObject(string name) => Get(name) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Object ? new Params(value, Path(name)) : throw Wrong(name, "an object");

    public IReadOnlyList<Params> Objects(string name, int maxCount)
    {
        var value = Get(name) ?? throw Missing(name, "an array of objects");
        return [.. Items(name, value, maxCount).Select((item, i) => item.ValueKind == JsonValueKind.Object ? new Params(item, $"{Path(name)}[{i}]") : throw Wrong($"{name}[{i}]", "an object"))];
    }

    public IReadOnlyList<string>? OptionalStrings(string name, int maxCount = 256, int maxLength = 4096)
    {
        if (Get(name) is not { } value)
        {
            return null;
        }

        return
        [
            .. Items(name, value, maxCount).Select((item, i) =>
            {
                var text = item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Wrong($"{name}[{i}]", "a string");
                return text.Length <= maxLength ? text : throw JsonRpcException.BadParams($"'{Path(name)}[{i}]' is over {maxLength} characters.");
            }),
        ];
    }

    public IReadOnlyDictionary<string, string> StringMap(string name, int maxCount = 128)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        if (OptionalObject(name) is not { } map)
        {
            return result;
        }

        foreach (var property in map._json.EnumerateObject())
        {
            result[property.Name] = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : throw Wrong($"{name}.{property.Name}", "a string");
            if (result.Count > maxCount)
            {
                throw JsonRpcException.BadParams($"'{Path(name)}' has more than {maxCount} entries.");
            }
        }

        return result;
    }

    public int OptionalInt(string name, int fallback, int min, int max)
    {
        if (Get(name) is not { } value)
        {
            return fallback;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= min && number <= max
            ? number
            : throw Wrong(name, $"a whole number from {min} to {max}");
    }

    public double? OptionalNumber(string name, double min, double max)
    {
        if (Get(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= min && number <= max
            ? number
            : throw Wrong(name, $"a number from {min} to {max}");
    }

    public double Number(string name, double min, double max) => OptionalNumber(name, min, max) ?? throw Missing(name, $"a number from {min} to {max}");

    public bool OptionalBool(string name, bool fallback) => Get(name) switch
    {
        null => fallback,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw Wrong(name, "true or false"),
    };

    public byte[] Base64(string name, int maxBytes)
    {
        var value = Get(name) ?? throw Missing(name, "base64 text");
        if (value.ValueKind != JsonValueKind.String || !value.TryGetBytesFromBase64(out var bytes))
        {
            throw Wrong(name, "base64 text");
        }

        return bytes.Length <= maxBytes ? bytes : throw JsonRpcException.BadParams($"'{Path(name)}' has {bytes.Length} bytes; at most {maxBytes} are taken.");
    }

    public Amount Amount(string name, Currency currency) => OptionalAmount(name, currency) ?? throw Missing(name, "an amount");

    /// <summary>An amount: a JSON number or a decimal string.</summary>
    public Amount? OptionalAmount(string name, Currency currency)
    {
        if (Get(name) is not { } value)
        {
            return null;
        }

        Amount amount;
        string error;
        var ok = value.ValueKind switch
        {
            JsonValueKind.Number => Contracts.Money.Amount.TryParseJsonNumber(value.GetRawText(), currency, out amount, out error),
            JsonValueKind.String => Contracts.Money.Amount.TryParse(value.GetString()!, currency, out amount, out error),
            _ => throw Wrong(name, "a number or a decimal string"),
        };
        return ok ? amount : throw new JsonRpcException(JsonRpcException.InvalidParams, $"'{Path(name)}': {error}", ErrorCodes.InvalidAmount);
    }

    public Currency OptionalCurrency(string name)
    {
        var code = OptionalString(name, 32);
        return code is null ? Currency.Usdc
            : Currency.TryParse(code, out var currency) ? currency.Value
            : throw Wrong(name, "a currency code such as USDC");
    }

    private IEnumerable<JsonElement> Items(string name, JsonElement value, int maxCount)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            throw Wrong(name, "an array");
        }

        return value.GetArrayLength() <= maxCount
            ? value.EnumerateArray()
            : throw JsonRpcException.BadParams($"'{Path(name)}' has {value.GetArrayLength()} items; at most {maxCount} are taken.");
    }

    private JsonElement? Get(string name) =>
        _json.ValueKind == JsonValueKind.Object && _json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private string Path(string name) => path.Length == 0 ? name : $"{path}.{name}";

    private JsonRpcException Missing(string name, string expected) => JsonRpcException.BadParams($"'{Path(name)}' is missing; give {expected}.");

    private JsonRpcException Wrong(string name, string expected) => JsonRpcException.BadParams($"'{Path(name)}' must be {expected}.");
}
