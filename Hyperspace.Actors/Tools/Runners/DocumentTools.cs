using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Hyperspace.Contracts;

namespace Hyperspace.Actors.Tools.Runners;

/// <summary>The indexes of the folders that document tools serve, one per folder.</summary>
internal sealed class DocumentFolders : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<DocumentIndex>> _indexes = new(StringComparer.Ordinal);

    /// <summary>The index of a configuration's "folder".</summary>
    public DocumentIndex Of(JsonElement configuration)
    {
        var folder = Path.GetFullPath(configuration.TextOf("folder")!);
        return _indexes.GetOrAdd(folder, f => new Lazy<DocumentIndex>(() => new DocumentIndex(f))).Value;
    }

    /// <summary>Null when the configuration names a folder that is there.</summary>
    public static Refusal? Accept(JsonElement configuration) =>
        configuration.TextOf("folder") is not { Length: > 0 } folder
            ? new Refusal(ErrorCodes.InvalidParams, "The configuration names a \"folder\" of documents.")
            : Directory.Exists(folder) ? null : new Refusal(ErrorCodes.InvalidParams, $"There is no folder '{folder}'; create it or name another.");

    public void Dispose()
    {
        foreach (var index in _indexes.Values.Where(i => i.IsValueCreated))
        {
            index.Value.Dispose();
        }
    }
}

/// <summary>Built-in <c>docs-search</c>: full-text search over a folder of documents, ranked by bm25.</summary>
internal sealed class DocsSearch(DocumentFolders folders) : IBuiltinTool
{
    public string Name => "docs-search";

    public string InputSchema => """
        {"type":"object","properties":{"query":{"type":"string","minLength":1,"maxLength":1000,"description":"Words to look for."},"mode":{"enum":["all","any"],"default":"all","description":"Whether every word must occur in a passage, or any."},"limit":{"type":"integer","minimum":1,"maximum":50,"default":5}},"required":["query"],"additionalProperties":false}
        """;

    public Refusal? Accept(JsonElement configuration) => DocumentFolders.Accept(configuration);

    public async Task<ToolRun> RunAsync(JsonElement configuration, JsonElement parameters, CancellationToken cancellationToken)
    {
        var query = parameters.TextOf("query") ?? "";
        var words = DocumentText.Words(query);
        if (words.Count == 0)
        {
            return ToolRun.Failure(ErrorCodes.InvalidParams, "The query holds no word; give letters or digits to look for.");
        }

        IReadOnlyList<FoundPassage> found;
        try
        {
            found = await folders.Of(configuration).SearchAsync(words, parameters.TextOf("mode") != "any", parameters.NumberOf("limit", 5, 50), cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            return ToolRun.Failure(ErrorCodes.ToolFailed, "The folder can't be read: " + e.Message);
        }

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{found.Count} passages for: {string.Join(' ', words)}\n");
        foreach (var (file, passage, score) in found)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {passage.Title}{(passage.Heading.Length > 0 && passage.Heading != passage.Title ? " / " + passage.Heading : "")} ({file}:{passage.Line}, score {score:0.00})\n{passage.Text}\n");
        }

        var structured = JsonSerializer.Serialize(new
        {
            query,
            words,
            passages = found.Select(f => new { title = f.Passage.Title, heading = f.Passage.Heading, file = f.File, line = f.Passage.Line, excerpt = f.Passage.Text, score = Math.Round(f.Score, 4) }),
        });
        return ToolRun.Success(text.ToString(), structured);
    }
}

/// <summary>Built-in <c>docs-read</c>: a document, or one of its sections, by the file name that a search gave.</summary>
internal sealed class DocsRead(DocumentFolders folders) : IBuiltinTool
{
    public string Name => "docs-read";

    public string InputSchema => """
        {"type":"object","properties":{"file":{"type":"string","minLength":1,"maxLength":512,"description":"File as docs-search names it; leave it out to list the files."},"section":{"type":"string","maxLength":512,"description":"Only what stands under this heading."}},"additionalProperties":false}
        """;

    public Refusal? Accept(JsonElement configuration) => DocumentFolders.Accept(configuration);

    public async Task<ToolRun> RunAsync(JsonElement configuration, JsonElement parameters, CancellationToken cancellationToken)
    {
        try
        {
            var index = folders.Of(configuration);
            if (parameters.TextOf("file") is not { } file)
            {
                var files = await index.FilesAsync(cancellationToken).ConfigureAwait(false);
                return ToolRun.Success(string.Join('\n', files), JsonSerializer.Serialize(new { files }));
            }

            if (await index.ReadAsync(file, cancellationToken).ConfigureAwait(false) is not { } text)
            {
                return ToolRun.Failure(ErrorCodes.InvalidParams, $"The folder has no document '{file}'; take a file name that docs-search gave.");
            }

            if (parameters.TextOf("section") is not { } section)
            {
                return ToolRun.Success(text);
            }

            var passages = DocumentText.Split(Path.GetFileName(file), text).Where(p => p.Heading.Equals(section, StringComparison.OrdinalIgnoreCase)).Select(p => p.Text).ToList();
            return passages.Count > 0
                ? ToolRun.Success(string.Join("\n\n", passages))
                : ToolRun.Failure(ErrorCodes.InvalidParams, $"'{file}' has no text under a heading '{section}'.");
        }
        catch (IOException e)
        {
            return ToolRun.Failure(ErrorCodes.ToolFailed, "The document can't be read: " + e.Message);
        }
    }
}
