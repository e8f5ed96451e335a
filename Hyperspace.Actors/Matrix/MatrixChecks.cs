using Hyperspace.Contracts;
using Hyperspace.Contracts.Matrix;

namespace Hyperspace.Actors.Matrix;

/// <summary>What may be asked of the matrix and told to it; pure.</summary>
internal static class MatrixChecks
{
    /// <summary>Most hits of a search.</summary>
    public const int MaxLimit = 100;

    /// <summary>Why a search is not answered; null: it is.</summary>
    public static Refusal? Of(MatrixCommands.Search search) => search switch
    {
        { Limit: < 1 or > MaxLimit } => new Refusal(ErrorCodes.InvalidParams, $"limit is 1 to {MaxLimit}."),
        _ when string.IsNullOrWhiteSpace(search.Query) || search.Query.Length > MatrixGossip.MaxQuery => new Refusal(ErrorCodes.InvalidParams, $"query has 1 to {MatrixGossip.MaxQuery} characters: what is to be done, in words."),
        _ when search.Types.Any(t => t is not ("tool" or "skill" or "agent")) => new Refusal(ErrorCodes.InvalidParams, "types[] may hold \"tool\", \"skill\" and \"agent\"."),
        _ => null,
    };

    /// <summary>Why a vote of this peer's is not taken; null: it is.</summary>
    /// <param name="vote">Its query without secrets: that is what is learnt.</param>
    /// <param name="self">This peer.</param>
    public static Refusal? Of(MatrixCommands.Feedback vote, string self) => vote switch
    {
        { Vote: not (1 or -1) } => new Refusal(ErrorCodes.InvalidParams, "vote is 1 or -1."),
        _ when !MatrixGossip.IsCapability(vote.Id) => new Refusal(ErrorCodes.InvalidParams, "id is that of a capability, as matrix.search gives it."),
        _ when !CanLearn(vote.Id, vote.Query) => new Refusal(ErrorCodes.InvalidParams, $"query is what was asked, in words, with at most {MatrixGossip.MaxQuery} characters."),
        _ when MatrixModel.IsOwn(self, vote.Id) => new Refusal(ErrorCodes.OperationDenied, "Nobody takes a peer's votes on its own capabilities; let its callers vote."),
        _ => null,
    };

    /// <summary>Whether something can be learnt of an outcome: of a capability, by words.</summary>
    public static bool CanLearn(string capability, string query) =>
        MatrixGossip.IsCapability(capability) && query.Length <= MatrixGossip.MaxQuery && MatrixTerms.Words(query).Any();
}
