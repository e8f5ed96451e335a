using System.CommandLine;
using Hyperspace.Host.Demo;

namespace Hyperspace.Host.CommandLine;

/// <summary>The verbs that know more of the system than libp2p.</summary>
internal static class OtherVerbs
{
    public static void AddTo(RootCommand root)
    {
        root.Subcommands.Add(StartCommand.Create());
        root.Subcommands.Add(DemoCommand.Create());
        root.Subcommands.Add(IdentityCommand.Create());
        root.Subcommands.Add(WalletCommand.Create());
        root.Subcommands.Add(LedgerCommand.Create());
        root.Subcommands.Add(ApiDocsCommand.Create());
        foreach (var command in ClientCommands.All())
        {
            root.Subcommands.Add(command);
        }
    }
}
