namespace Hyperspace.Actors.Engine;

/// <summary>A model's answer that cannot be used.</summary>
/// <param name="reason">Why, in words that hold nothing of the answer.</param>
internal sealed class ModelAnswerException(string reason) : Exception(reason);
