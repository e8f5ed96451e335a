using System.CommandLine;
using Hyperspace.Host.CommandLine;
using Hyperspace.Host.Demo;

var root = new RootCommand("Hyperspace: the gossiping agents protocol. Discover, run, settle, learn, gossip; no server anywhere.")
{
    CommonOptions.Data,
    CommonOptions.Json,
    StartCommand.Create(),
    DemoCommand.Create(),
    IdentityCommand.Create(),
    ApiDocsCommand.Create(),
};
foreach (var command in ClientCommands.All())
{
    root.Subcommands.Add(command);
}

var parsed = root.Parse(args);
var code = await parsed.InvokeAsync();
return parsed.Errors.Count > 0 ? 2 : code;
