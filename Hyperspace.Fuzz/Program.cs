using System.CommandLine;
using Hyperspace.Fuzz;
using Hyperspace.Fuzz.Engine;

// Searches for inputs that the decoders of Hyperspace.Libp2p cannot bear; see ADR-0015.
var target = new Argument<string?>("target") { Description = "The decoder to test; without one, all are listed.", Arity = ArgumentArity.ZeroOrOne };
var all = new Option<bool>("--all") { Description = "All targets, one after the other." };
var minutes = new Option<double>("--minutes") { Description = "How long each target runs.", DefaultValueFactory = _ => 10 };
var seed = new Option<int?>("--seed") { Description = "Seed of the random choices; a new one when absent." };
var minimise = new Option<bool>("--minimise") { Description = "Afterwards replace the corpus in the source tree by the fewest inputs that take all edges." };
var root = new RootCommand("Coverage-guided fuzzing of every libp2p decoder.") { target, all, minutes, seed, minimise };
root.SetAction(parsed =>
{
    var chosen = parsed.GetValue(all) ? Targets.All : [.. Targets.All.Where(t => t.Name == parsed.GetValue(target))];
    if (chosen.Count == 0)
    {
        Console.Error.WriteLine($"Name one of: {string.Join(", ", Targets.All.Select(t => t.Name))}; or --all.");
        return 2;
    }

    var failed = false;
    foreach (var one in chosen)
    {
        var report = new ConsoleCampaign(one, new CampaignOptions(TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(seed) ?? Random.Shared.Next()));
        failed |= !report.Run(parsed.GetValue(minimise));
    }

    return failed ? 1 : 0;
});

// Everything runs in a second copy of this program whose library is instrumented.
return InstrumentedLibrary.IsEntered
    ? root.Parse(args).Invoke()
    : (int)new InstrumentedLibrary().Program.EntryPoint!.Invoke(null, [args])!;
