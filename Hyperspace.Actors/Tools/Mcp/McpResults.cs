using System.Text;
using Hyperspace.Actors.Tools.Runners;
using Hyperspace.Contracts;
using ModelContextProtocol.Protocol;

namespace Hyperspace.Actors.Tools.Mcp;

/// <summary>Turns MCP results into bounded runs; pure. Images and sound are named, not carried.</summary>
internal static class McpResults
{
    private const int MaxBlocks = 1000;

    public static ToolRun ToRun(CallToolResult result)
    {
        var text = new StringBuilder();
        foreach (var block in result.Content.Take(MaxBlocks))
        {
            if (text.Length > ToolRun.MaxCharacters)
            {
                break;
            }

            text.Append(text.Length > 0 ? "\n" : "").Append(TextOf(block));
        }

        if (result.Content.Count > MaxBlocks)
        {
            text.Append($"\n[{result.Content.Count - MaxBlocks} more blocks were left out]");
        }

        if (result.IsError == true)
        {
            return ToolRun.Failure(ErrorCodes.ToolFailed, text.Length > 0 ? text.ToString() : "The tool failed and said nothing.", text.ToString());
        }

        return ToolRun.Success(text.ToString(), result.StructuredContent is { } structured ? structured.GetRawText() : null);
    }

    private static string TextOf(ContentBlock block) => block switch
    {
        TextContentBlock text => text.Text,
        ImageContentBlock image => $"[image {image.MimeType}, {image.Data.Length} base64 bytes]",
        AudioContentBlock audio => $"[audio {audio.MimeType}, {audio.Data.Length} base64 bytes]",
        ResourceLinkBlock link => $"[resource {link.Name}: {link.Uri}]",
        EmbeddedResourceBlock { Resource: TextResourceContents text } => text.Text,
        EmbeddedResourceBlock { Resource: { } resource } => $"[resource {resource.MimeType}: {resource.Uri}]",
        _ => $"[{block.Type}]",
    };
}
