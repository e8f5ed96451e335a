using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;

namespace Hyperspace.Actors.Tools.Runners;

/// <summary>A link of a page.</summary>
internal sealed record PageLink(string Text, string Url);

/// <summary>What a reader sees of an HTML page: title, text by blocks, links; pure. No script runs and nothing is loaded.</summary>
internal sealed record ReadablePage(string Title, string Text, IReadOnlyList<PageLink> Links)
{
    private const int MaxLinks = 100;
    private const int MaxDepth = 256;
    private static readonly HashSet<string> Skipped = new(StringComparer.OrdinalIgnoreCase) { "script", "style", "noscript", "template", "svg", "iframe", "object", "nav", "footer", "form", "button", "head" };
    private static readonly HashSet<string> Blocks = new(StringComparer.OrdinalIgnoreCase)
    {
        "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul",
    };

    public static ReadablePage FromHtml(string html, Uri address)
    {
        using var document = new HtmlParser().ParseDocument(html);
        IElement? root = document.QuerySelector("main") ?? document.QuerySelector("article") ?? document.Body;
        if (root is null)
        {
            return new ReadablePage(document.Title ?? "", "", []);
        }

        var text = new StringBuilder();
        Append(root, text, 0);
        var links = root.QuerySelectorAll("a[href]")
            .Select(a => (Text: Squeeze(a.TextContent), Href: a.GetAttribute("href")!))
            .Where(a => a.Text.Length > 0 && Uri.TryCreate(address, a.Href, out var target) && target.Scheme is "http" or "https")
            .Select(a => new PageLink(a.Text.Length > 200 ? a.Text[..200] : a.Text, new Uri(address, a.Href).ToString()))
            .DistinctBy(l => l.Url)
            .Take(MaxLinks)
            .ToList();
        return new ReadablePage(Squeeze(document.Title ?? ""), Lines(text.ToString()), links);
    }

    private static void Append(INode node, StringBuilder text, int depth)
    {
        foreach (var child in node.ChildNodes)
        {
            if (child is IText words)
            {
                text.Append(node.NodeName.Equals("PRE", StringComparison.OrdinalIgnoreCase) ? words.Data : string.Join(' ', words.Data.Split('\n', '\r', '\t')));
            }
            else if (child is IElement element && !Skipped.Contains(element.LocalName) && depth < MaxDepth)
            {
                var block = Blocks.Contains(element.LocalName);
                text.Append(block ? "\n" : element.LocalName is "td" or "th" ? " | " : "");
                text.Append(element.LocalName switch { "li" => "- ", "h1" or "h2" or "h3" => "\n", _ => "" });
                Append(element, text, depth + 1);
                text.Append(block ? "\n" : "");
            }
        }
    }

    private static string Squeeze(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static string Lines(string text)
    {
        var result = new StringBuilder();
        var blank = true;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            var clean = Squeeze(line.ToString());
            if (clean.Length == 0)
            {
                if (!blank)
                {
                    result.Append('\n');
                }

                blank = true;
                continue;
            }

            result.Append(clean).Append('\n');
            blank = false;
        }

        return result.ToString().Trim();
    }
}
