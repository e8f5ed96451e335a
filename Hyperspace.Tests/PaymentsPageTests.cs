using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Hyperspace.Tests;

/// <summary>docs/payments.md promises tests by name.</summary>
public partial class PaymentsPageTests
{
    [Fact]
    public void Every_way_to_lose_money_names_tests_that_exist()
    {
        var page = File.ReadAllText(Path.Combine(Root(), "docs", "payments.md"));
        var rows = page[page.IndexOf("## Known ways to lose money", StringComparison.Ordinal)..].Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToList();
        var tests = typeof(PaymentsPageTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttributes<FactAttribute>().Any())
            .Select(method => method.Name)
            .ToHashSet(StringComparer.Ordinal);
        Assert.True(rows.Count >= 17);
        Assert.All(rows, row => Assert.NotEmpty(Name().Matches(row.Split('|')[2])));
        Assert.All(rows, row => Assert.Subset(tests, Name().Matches(row.Split('|')[2]).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal)));
    }

    private static string Root([CallerFilePath] string thisFile = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, ".."));

    [GeneratedRegex("`([A-Za-z0-9_]+)`")]
    private static partial Regex Name();
}
