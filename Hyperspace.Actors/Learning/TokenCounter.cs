using Microsoft.ML.Tokenizers;

namespace Hyperspace.Actors.Learning;

/// <summary>Counts tokens as o200k_base does, the vocabulary of OpenAI's models since GPT-4o; near enough for others. Read once, when it is first needed.</summary>
internal static class TokenCounter
{
    private static readonly Lazy<Tokenizer> Vocabulary = new(() => TiktokenTokenizer.CreateForEncoding("o200k_base"));

    /// <summary>Tokens of a text.</summary>
    public static int Count(string text) => Vocabulary.Value.CountTokens(text);
}
