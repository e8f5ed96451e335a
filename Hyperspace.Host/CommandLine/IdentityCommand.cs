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
            PeerIdentity identity;
            try
            {
                identity = IdentityStore.LoadOrCreate(parsed.GetValue(CommonOptions.Data)!.FullName, TimeProvider.System);
            }
            catch (Exception e) when (e is IdentityStoreException or InvalidDataException or IOException or UnauthorizedAccessException)
            {
                throw new CommandException(e.Message);
            }

            var fields = new JsonObject
            {
                ["peerId"] = identity.PeerId.ToString(),
                ["walletAddress"] = "0x" + Convert.ToHexStringLower(identity.Wallet.Address.Span),
                ["dataDirectory"] = parsed.GetValue(CommonOptions.Data)!.FullName,
            };
            if (parsed.GetValue(CommonOptions.Json))
            {
                Console.Out.WriteLine(fields.ToJsonString(JsonText.Plain));
            }
            else
            {
                Print.Fields(fields);
            }

            return Task.FromResult(0);
        });
}
