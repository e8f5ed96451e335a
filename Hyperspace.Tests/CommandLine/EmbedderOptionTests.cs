using Hyperspace.Actors.Engine;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Tests.CommandLine;

public class EmbedderOptionTests
{
    [Fact]
    public void An_endpoint_is_read_as_that_of_the_reflector_is() => Assert.Equal(
        new ModelEndpoint(ModelWire.OpenAI, new Uri("http://127.0.0.1:8000/v1"), "bge-small", "secret-key"),
        EmbedderOption.Parse("openai=http://127.0.0.1:8000/v1,model=bge-small", "secret-key", out _));

    [Fact]
    public void A_folder_is_read_when_both_files_lie_in_it_and_what_is_missing_is_said()
    {
        var folder = Directory.CreateTempSubdirectory("hyperspace-embedder-");
        try
        {
            var text = $"ONNX= {folder.FullName}";
            Assert.Null(EmbedderOption.Parse(text, null, out var error));
            Assert.Contains("no model.onnx and no vocab.txt", error, StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder.FullName, "model.onnx"), "");
            Assert.Null(EmbedderOption.Parse(text, null, out error));
            Assert.Contains("there is no vocab.txt in", error, StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder.FullName, "vocab.txt"), "");
            Assert.Equal(new OnnxModel(folder.FullName), EmbedderOption.Parse(text, null, out error));
            Assert.Empty(error);
            Assert.Equal(new OnnxModel(folder.FullName), EmbedderOption.Parse($"onnx={Path.GetRelativePath(Environment.CurrentDirectory, folder.FullName)}", null, out _));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("onnx=", "names no folder")]
    [InlineData("bge-small", "onnx=FOLDER")]
    [InlineData("openai=http://127.0.0.1/v1", "model=NAME")]
    [InlineData("openai=http://user:sk-secret@127.0.0.1/v1,model=x", "HYPERSPACE_MODEL_KEY")]
    public void Anything_else_is_an_error_that_says_what_to_do_and_repeats_no_secret(string text, string expected)
    {
        Assert.Null(EmbedderOption.Parse(text, null, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-secret", error, StringComparison.Ordinal);
    }
}
