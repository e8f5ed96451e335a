using System.CommandLine;
using Hyperspace.Host.CommandLine;
using Hyperspace.Host.Net;
using Spectre.Console;

var root = new RootCommand("Hyperspace: the gossiping agents protocol. Discover, run, settle, learn, gossip; no server anywhere.")
{
    CommonOptions.Data,
    CommonOptions.Json,
};

// The bare peer is there at once: making the other verbs would load what they are made of.
if (args is not [NetCommand.Name, ..])
{
    OtherVerbs.AddTo(root);
}

root.Subcommands.Add(NetCommand.Create());

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    var names = parsed.CommandResult.Command == root ? [] : parsed.CommandResult.Command.Parents.OfType<Command>().Where(c => c != root).Append(parsed.CommandResult.Command).Select(c => c.Name);
    var verb = string.Join(' ', names.Prepend("hyperspace"));

    // The parser lists what is allowed line by line.
    var errors = string.Join(' ', parsed.Errors.Select(e => e.Message).Distinct().SelectMany(m => m.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
    var usage = CommandException.Usage($"{errors} See '{verb} --help'.");
    return CommonOptions.Fail(usage, args.Contains(CommonOptions.Json.Name));
}

if (Console.IsOutputRedirected)
{
    // What reads it is no terminal: lines are broken nowhere.
    AnsiConsole.Profile.Width = Print.Unlimited;
}

// Longer than the host takes to stop: the runtime's own limit of 2 s would cut an ordered stop off.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(20) });
