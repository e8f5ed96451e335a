using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Libp2p.Keys;
using Microsoft.Extensions.AI;

namespace Hyperspace.Tests.Matrix;

/// <summary>A model in a folder embeds as one behind an endpoint does. ONNX Runtime's own library is the user's: what needs it is skipped without it.</summary>
public class OnnxEmbedderTests
{
    private static readonly string Provider = KeyPair.FromSeed([.. Enumerable.Repeat((byte)79, 32)]).PeerId.ToString();

    // Were padding counted, it would show.
    private static readonly (string, float[])[] Table =
    [
        ("[PAD]", [1000, 1000]), ("[UNK]", [0, 0]), ("[CLS]", [0, 0]), ("[SEP]", [0, 0]), ("[MASK]", [0, 0]),
        ("wet", [0, 3]), ("umbrella", [0, 6]), ("soup", [9, 0]), ("##s", [0, 0]),
    ];

    [SkippableFact]
    public async Task A_text_is_the_mean_of_its_own_tokens_whatever_stands_beside_it()
    {
        SkipWithoutLibrary();
        using var tiny = new TinyOnnxModel(Table);
        using var embedder = new OnnxEmbedder(tiny.Model);
        List<string> texts = ["WET", "soup", "Soups, soup wet", .. Enumerable.Repeat("wet umbrella", 20)];
        var vectors = await VectorsAsync(embedder, [.. texts]);
        Assert.Equal([0f, 1f], vectors[0]);
        Assert.Equal([3f, 0f], vectors[1]);
        Assert.Equal([18f / 7, 3f / 7], vectors[2]);
        Assert.Equal(texts.Count, vectors.Count);
        Assert.All(vectors.Skip(3), v => Assert.Equal([0f, 9f / 4], v));
    }

    [SkippableFact]
    public async Task What_is_beyond_the_most_tokens_is_not_read()
    {
        SkipWithoutLibrary();
        using var tiny = new TinyOnnxModel(Table);
        using var embedder = new OnnxEmbedder(tiny.Model);
        var words = Enumerable.Repeat("wet", OnnxTextModel.MaxTokens - 2);
        var vectors = await VectorsAsync(embedder, string.Join(' ', words.Append("soup")));
        Assert.Equal([0f, 3f * (OnnxTextModel.MaxTokens - 2) / OnnxTextModel.MaxTokens], vectors[0]);
    }

    [SkippableFact]
    public async Task A_vector_that_the_model_gives_for_the_whole_text_is_taken_as_it_is()
    {
        SkipWithoutLibrary();
        using var tiny = new TinyOnnxModel(Table, perText: true, inputs: ["input_ids", "token_type_ids", "attention_mask"]);
        using var embedder = new OnnxEmbedder(tiny.Model);
        var vectors = await VectorsAsync(embedder, "wet");
        Assert.Equal([0f, 1f], vectors[0]);
    }

    [SkippableFact]
    public async Task A_model_that_asks_for_something_else_is_refused_in_words()
    {
        SkipWithoutLibrary();
        using var tiny = new TinyOnnxModel(Table, inputs: ["input_ids", "pixel_values"]);
        using var embedder = new OnnxEmbedder(tiny.Model);
        var error = await Assert.ThrowsAsync<ModelAnswerException>(() => embedder.GenerateAsync(["wet"]));
        Assert.Contains("pixel_values", error.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Disposed_while_it_runs_it_ends_without_harm_and_gives_nothing_more()
    {
        SkipWithoutLibrary();
        using var tiny = new TinyOnnxModel(Table);
        var embedder = new OnnxEmbedder(tiny.Model);
        await embedder.GenerateAsync(["wet"]);
        var running = embedder.GenerateAsync(Enumerable.Repeat(string.Join(' ', Enumerable.Repeat("wet", 300)), 4096));
        embedder.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => embedder.GenerateAsync(["wet"]));
        embedder.Dispose();
    }

    [SkippableFact]
    public async Task The_search_finds_what_shares_no_word()
    {
        SkipWithoutLibrary();
        using var tiny = new TinyOnnxModel(Table);
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(6, embedder: tiny.Model);
        alice.Tell(new MatrixMessages.Offered(Provider, [Tool("umbrella", "Lends them."), Tool("soup", "Cooks them.")], DateTimeOffset.MaxValue));
        var hits = await Eventually.SeenAsync(() => alice.SearchAsync("i am wet"), hits => hits.Count > 0);
        Assert.Equal("umbrella", hits[0].Capability.Name);
        Assert.Contains("embedder", hits[0].Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_library_or_with_a_broken_model_the_other_legs_go_on()
    {
        using var tiny = new TinyOnnxModel(Table);
        await File.WriteAllTextAsync(tiny.Model.PathOf(OnnxModel.ModelFile), "no model");
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(7, embedder: tiny.Model);
        alice.Tell(new MatrixMessages.Offered(Provider, [Tool("umbrella", "Lends them."), Tool("soup", "Cooks them.")], DateTimeOffset.MaxValue));
        Assert.Equal("soup", (await alice.SearchAsync("a soup"))[0].Capability.Name);
        if (OnnxLibrary.IsThere(out _))
        {
            using var embedder = new OnnxEmbedder(tiny.Model);
            var error = await Assert.ThrowsAsync<ModelAnswerException>(() => embedder.GenerateAsync(["wet"]));
            Assert.Contains("cannot be loaded", error.Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Null(ModelEmbedder.Of(tiny.Model, out var missing));
            Assert.Contains(OnnxLibrary.Variable, missing, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_path_that_is_no_such_library_is_said_with_what_to_do()
    {
        using var tiny = new TinyOnnxModel(Table);
        foreach (var path in new[] { "/nowhere/libonnxruntime.so", tiny.Model.PathOf(OnnxModel.VocabularyFile) })
        {
            Assert.Equal(0, OnnxLibrary.Find(path, out var missing));
            Assert.Contains($"{OnnxLibrary.Variable} names no file", missing, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Vectors_of_another_model_in_the_same_folder_are_not_taken_for_this_ones()
    {
        using var tiny = new TinyOnnxModel(Table);
        var before = tiny.Model.NameOfVectors();
        Assert.Equal(before, tiny.Model.NameOfVectors());
        File.AppendAllText(tiny.Model.PathOf(OnnxModel.ModelFile), "more");
        Assert.NotEqual(before, tiny.Model.NameOfVectors());
    }

    private static void SkipWithoutLibrary() => Skip.IfNot(OnnxLibrary.IsThere(out var missing), missing);

    private static async Task<List<float[]>> VectorsAsync(OnnxEmbedder embedder, params string[] texts) => [.. (await embedder.GenerateAsync(texts)).Select(e => e.Vector.ToArray())];

    private static Capability Tool(string name, string description) => new($"{Provider}/{name}", "tool", name, description, [], Provider);
}
