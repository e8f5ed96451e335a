using System.Numerics.Tensors;
using Hyperspace.Actors.Engine;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.Tokenizers;

namespace Hyperspace.Actors.Matrix;

/// <summary>A loaded sentence encoder of BERT's kind: word pieces go in, a vector per text comes out. For one thread at a time.</summary>
internal sealed class OnnxTextModel : IDisposable
{
    /// <summary>Most word pieces of a text, with the two around it; what is beyond is not read.</summary>
    public const int MaxTokens = 256;

    private const string Ids = "input_ids";
    private const string Mask = "attention_mask";
    private const string Types = "token_type_ids";

    private readonly OnnxModel _model;
    private readonly BertTokenizer _tokenizer;
    private readonly InferenceSession _session;

    private OnnxTextModel(OnnxModel model, BertTokenizer tokenizer, InferenceSession session) => (_model, _tokenizer, _session) = (model, tokenizer, session);

    /// <summary>Reads the model of a folder.</summary>
    /// <exception cref="ModelAnswerException">It cannot be read, or asks for something else than word pieces.</exception>
    public static OnnxTextModel Load(OnnxModel model)
    {
        try
        {
            var tokenizer = BertTokenizer.Create(model.PathOf(OnnxModel.VocabularyFile), new BertOptions { LowerCaseBeforeTokenization = true, RemoveNonSpacingMarks = true });

            // The rest of the peer goes on meanwhile.
            using var options = new SessionOptions { IntraOpNumThreads = Math.Max(1, Environment.ProcessorCount / 2), InterOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
            var loaded = new OnnxTextModel(model, tokenizer, new InferenceSession(model.PathOf(OnnxModel.ModelFile), options));
            if (loaded.AsksForOtherThan() is { } other)
            {
                loaded.Dispose();
                throw loaded.Unusable($"it asks for {other}, and is given {Ids}, {Mask} and {Types} as int64");
            }

            return loaded;
        }
        catch (Exception e) when (e is OnnxRuntimeException or IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
        {
            throw new ModelAnswerException($"the model in {model.Folder} cannot be loaded: {OneLine(e.Message)}");
        }
    }

    /// <summary>The vectors of texts: the mean of the vectors of their tokens, or what the model itself gives as that of the text.</summary>
    /// <exception cref="ModelAnswerException">The model gives something else.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<float[]> Embed(IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var tokens = texts.Select(t => _tokenizer.EncodeToIds(t, MaxTokens, addSpecialTokens: true, out _, out _)).ToList();
        var (rows, columns) = (tokens.Count, tokens.Max(t => t.Count));
        var inputs = new Dictionary<string, long[]> { [Ids] = new long[rows * columns], [Mask] = new long[rows * columns], [Types] = new long[rows * columns] };
        Array.Fill(inputs[Ids], _tokenizer.PaddingTokenId);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < tokens[row].Count; column++)
            {
                inputs[Ids][(row * columns) + column] = tokens[row][column];
                inputs[Mask][(row * columns) + column] = 1;
            }
        }

        var values = _session.InputNames.Select(name => OrtValue.CreateTensorValueFromMemory(inputs[name], [rows, columns])).ToList();
        try
        {
            using var run = new RunOptions();
            using var interrupt = cancellationToken.Register(() => run.Terminate = true);
            using var outputs = _session.Run(run, _session.InputNames, values, [_session.OutputNames[0]]);
            return Vectors(outputs[0], [.. tokens.Select(t => t.Count)], columns);
        }
        catch (OnnxRuntimeException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Unusable(OneLine(e.Message));
        }
        finally
        {
            values.ForEach(v => v.Dispose());
        }
    }

    /// <summary>Frees the model's memory.</summary>
    public void Dispose() => _session.Dispose();

    // Shape: texts × tokens × places, or texts × places.
    private List<float[]> Vectors(OrtValue output, int[] lengths, int columns)
    {
        var type = output.GetTensorTypeAndShape();
        var places = type.Shape.Length > 0 ? type.Shape[^1] : 0;
        var perToken = type.Shape.Length == 3 && type.Shape[1] == columns;
        if (type.ElementDataType != TensorElementType.Float || places is < 1 or > ModelEmbedder.MaxDimensions || type.Shape[0] != lengths.Length || !(perToken || type.Shape.Length == 2))
        {
            throw Unusable($"its first output is {type.ElementDataType} of shape {string.Join('×', type.Shape)}, which is neither a vector per text nor one per token");
        }

        var data = output.GetTensorDataAsSpan<float>();
        var width = (int)places;
        var vectors = new List<float[]>();
        for (var row = 0; row < lengths.Length; row++)
        {
            if (!perToken)
            {
                vectors.Add(data.Slice(row * width, width).ToArray());
                continue;
            }

            var sum = new float[width];
            for (var column = 0; column < lengths[row]; column++)
            {
                TensorPrimitives.Add(sum, data.Slice(((row * columns) + column) * width, width), sum);
            }

            TensorPrimitives.Divide(sum, lengths[row], sum);
            vectors.Add(sum);
        }

        return vectors;
    }

    private string? AsksForOtherThan() => _session.InputMetadata
        .Where(input => input.Key is not (Ids or Mask or Types) || input.Value.ElementDataType != TensorElementType.Int64)
        .Select(input => $"{input.Key} ({input.Value.ElementDataType})").FirstOrDefault();

    private ModelAnswerException Unusable(string reason) => new($"the model in {_model.Folder} gives no vectors of texts: {reason}");

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
