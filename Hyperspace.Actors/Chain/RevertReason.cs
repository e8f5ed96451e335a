using System.Text;

namespace Hyperspace.Actors.Chain;

/// <summary>Says in words why a contract reverted.</summary>
internal static class RevertReason
{
    private const int MaxText = 200;

    private static readonly Dictionary<string, string> Known = ((string[])
    [
        "AmountExceedsDeposit()", "AmountNotIncreasing()", "AuthorizationNotBound()", "ChannelAlreadyExists()", "ChannelFinalized()", "ChannelNotFound()", "CloseNotReady()",
        "DepositOverflow()", "InvalidPayee()", "InvalidSignature()", "NotPayee()", "NotPayer()", "Reentered()", "TransferFailed()", "ZeroDeposit()",
    ]).ToDictionary(name => Convert.ToHexStringLower(Abi.Selector(name)), name => name[..^2]);

    /// <summary>The text of <c>Error(string)</c>, the code of <c>Panic(uint256)</c>, the name of an error of the escrow, or the selector of another.</summary>
    public static string Of(ReadOnlySpan<byte> data)
    {
        if (data.Length < 4)
        {
            return "reverted without a reason";
        }

        var selector = Convert.ToHexStringLower(data[..4]);
        try
        {
            return selector switch
            {
                "08c379a0" => Text(data[4..]),
                "4e487b71" => $"panic {new AbiWords(data[4..]).UInt256(0)}",
                _ => Known.TryGetValue(selector, out var name) ? name : $"error 0x{selector}",
            };
        }
        catch (FormatException)
        {
            return $"error 0x{selector}";
        }
    }

    private static string Text(ReadOnlySpan<byte> arguments)
    {
        var words = new AbiWords(arguments);
        var length = words.UInt64(1);
        if (words.UInt64(0) != 32 || length > (ulong)(arguments.Length - 64))
        {
            throw new FormatException("Not a string.");
        }

        var text = Encoding.UTF8.GetString(arguments.Slice(64, (int)Math.Min(length, MaxText)));
        return new string([.. text.Select(c => char.IsControl(c) ? ' ' : c)]);
    }
}
