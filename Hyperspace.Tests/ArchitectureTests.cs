using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Libp2p;

namespace Hyperspace.Tests;

/// <summary>Holds the arrows of DESIGN: Host → Actors → {Libp2p, Contracts}, and one way between the folders of Actors.</summary>
public partial class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> ProjectArrows = new()
    {
        ["Hyperspace.Contracts"] = [],
        ["Hyperspace.Libp2p"] = [],
        ["Hyperspace.Actors"] = ["Hyperspace.Contracts", "Hyperspace.Libp2p"],
        ["Hyperspace.Host"] = ["Hyperspace.Actors"],
        ["Hyperspace.Fuzz"] = ["Hyperspace.Libp2p"],
        ["Hyperspace.Tests"] = ["Hyperspace.Host", "Hyperspace.Fuzz"],
        ["Hyperspace.Benchmarks"] = ["Hyperspace.Host"],
    };

    // A primitive knows the engine and identities, and talks to the actors of others in the records of Contracts; further
    // arrows are for pure code that two need, and run one way.
    private static readonly Dictionary<string, string[]> FolderArrows = new()
    {
        ["Engine"] = [],
        ["Evm"] = [],
        ["Identity"] = ["Engine", "Evm"],
        ["Transport"] = ["Engine", "Identity"],
        ["Guard"] = ["Engine"],
        ["State"] = ["Engine", "Guard"],
        ["Chain"] = ["Engine", "Evm", "Identity"],
        ["Micropayments"] = ["Chain", "Engine", "Evm", "Identity"],
        ["Reputation"] = ["Engine", "Identity", "Micropayments"],
        ["Matrix"] = ["Engine", "Guard", "Identity", "Reputation"],
        ["Tools"] = ["Chain", "Engine", "Identity", "Matrix", "Micropayments", "Reputation"],
        ["SelfImproving"] = ["Engine", "Guard", "Identity", "Reputation"],
        ["Learning"] = ["Engine", "Guard", "Identity", "Reputation", "SelfImproving"],
    };

    [Fact]
    public void Project_references_are_the_arrows_of_the_design()
    {
        foreach (var (project, expected) in ProjectArrows)
        {
            var file = Path.Combine(Root(), project, project + ".csproj");
            var references = XDocument.Load(file).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value)).Order(StringComparer.Ordinal);
            Assert.Equal(expected.Order(StringComparer.Ordinal), references);
        }
    }

    [Fact]
    public void Libp2p_and_contracts_know_neither_each_other_nor_akka()
    {
        foreach (var assembly in new[] { typeof(PeerId).Assembly, typeof(Refusal).Assembly })
        {
            Assert.DoesNotContain(assembly.GetReferencedAssemblies(), IsOursOrAkka);
        }
    }

    [Fact]
    public void Folders_of_actors_point_one_way()
    {
        var actors = Path.Combine(Root(), "Hyperspace.Actors");
        var folders = Directory.GetDirectories(actors).Select(Path.GetFileName).Where(f => f is not ("bin" or "obj")).ToList();
        Assert.Equal(FolderArrows.Keys.Order(StringComparer.Ordinal), folders.Order(StringComparer.Ordinal)!);

        var wrong =
            from folder in folders
            from file in Directory.EnumerateFiles(Path.Combine(actors, folder!), "*.cs", SearchOption.AllDirectories)
            from Match use in ActorsNamespace().Matches(File.ReadAllText(file))
            let other = use.Groups[1].Value
            where other != folder && !FolderArrows[folder!].Contains(other)
            select $"{Path.GetRelativePath(actors, file)} uses {other}";
        Assert.Empty(wrong.Distinct());
    }

    [Fact]
    public void The_engine_is_where_the_arrows_end()
    {
        Assert.All(FolderArrows, arrow => Assert.DoesNotContain(arrow.Value, other => FolderArrows[other].Contains(arrow.Key)));
        Assert.Equal("Hyperspace.Actors", typeof(PeerOptions).Assembly.GetName().Name);
    }

    private static bool IsOursOrAkka(AssemblyName name) =>
        name.Name!.StartsWith("Hyperspace", StringComparison.Ordinal) || name.Name.StartsWith("Akka", StringComparison.Ordinal);

    private static string Root([CallerFilePath] string thisFile = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, ".."));

    [GeneratedRegex(@"Hyperspace\.Actors\.([A-Z]\w+)")]
    private static partial Regex ActorsNamespace();
}
