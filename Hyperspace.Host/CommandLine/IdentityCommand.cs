using System.CommandLine;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace identity</c>: needs no running peer; makes the keys when there are none.</summary>
internal static class IdentityCommand
{
    public static Command Create() =>
        new Command("identity", "Tell the peer id and wallet of a data directory, making its keys when there are none.").Does((parsed, _) =>
        {
            var identity = Load(parsed);
            var fields = new JsonObject
            {
                ["peerId"] = identity.PeerId.ToString(),
                ["walletAddress"] = "0x" + Convert.ToHexStringLower(identity.Wallet.Address.Span),
                ["dataDirectory"] = parsed.GetValue(CommonOptions.Data)!.FullName,
            };
            Print.Fields(fields, parsed.GetValue(CommonOptions.Json));
            return Task.FromResult(0);
        });

    /// <summary>The identity of the data directory that the command line names; made when there is none.</summary>
    /// <exception cref="CommandException">Its files cannot be used.</exception>
    public static PeerIdentity Load(ParseResult parsed)
    {
        try
        {
            return IdentityStore.LoadOrCreate(parsed.GetValue(CommonOptions.Data)!.FullName, TimeProvider.System);
        }
        catch (Exception e) when (e is IdentityStoreException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new CommandException(e.Message);
        }
    }
}
