using Hyperspace.Actors.Engine;
using Microsoft.Extensions.AI;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// Lets a model reflect on a run. After a failed run it is asked up to <see cref="MaxRounds"/> times, to check and refine what it
/// said (ACE, arXiv:2510.04618); after any other once. A few calls at a time, each with a time-out.
/// </summary>
internal sealed class ChatReflector : IRunReflector, IDisposable
{
    /// <summary>Most rounds of one reflection.</summary>
    public const int MaxRounds = 3;

    /// <summary>How long one round may take.</summary>
    public static readonly TimeSpan RoundPatience = TimeSpan.FromSeconds(60);

    private const int MaxConcurrent = 2;
    private const int MaxOutputTokens = 1_024;

    private readonly IChatClient _model;
    private readonly TimeProvider _time;
    private readonly TimeSpan _patience;
    private readonly SemaphoreSlim _calls = new(MaxConcurrent);

    /// <summary>Over any chat client, which it then owns.</summary>
    /// <param name="model">The model.</param>
    /// <param name="time">The time by which it is waited for.</param>
    /// <param name="patience">How long one round may take; <see cref="RoundPatience"/> unless given.</param>
    public ChatReflector(IChatClient model, TimeProvider time, TimeSpan? patience = null)
    {
        _model = model;
        _time = time;
        _patience = patience ?? RoundPatience;
    }

    /// <inheritdoc/>
    /// <exception cref="ModelAnswerException">The first answer is not of the form that was asked for.</exception>
    public async Task<Reflection> ReflectAsync(FinishedRun finished, CancellationToken cancellationToken)
    {
        await _calls.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await RefineAsync(finished, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _calls.Release();
        }
    }

    public void Dispose()
    {
        _model.Dispose();
        _calls.Dispose();
    }

    private async Task<Reflection> RefineAsync(FinishedRun finished, CancellationToken cancellationToken)
    {
        var talk = new List<ChatMessage> { new(ChatRole.System, ReflectionPrompt.Instructions), new(ChatRole.User, ReflectionPrompt.Of(finished)) };
        Reflection? last = null;
        for (var round = 1; round <= (finished.Run.IsFailure ? MaxRounds : 1); round++)
        {
            string answer;
            try
            {
                answer = await AskAsync(talk, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (last is not null && !cancellationToken.IsCancellationRequested && e is not OutOfMemoryException)
            {
                return last; // What was said before holds.
            }

            var reflection = ReflectionAnswer.Read(answer, finished, out var reason);
            if (reflection is null)
            {
                return last ?? throw new ModelAnswerException(reason);
            }

            if (last is not null && last.IsSame(reflection))
            {
                return last;
            }

            last = reflection;
            talk.Add(new ChatMessage(ChatRole.Assistant, answer));
            talk.Add(new ChatMessage(ChatRole.User, ReflectionPrompt.Refine));
        }

        return last!;
    }

    private async Task<string> AskAsync(List<ChatMessage> talk, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(_patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = MaxOutputTokens, ResponseFormat = ChatResponseFormat.Json };
        return (await _model.GetResponseAsync(talk, options, either.Token).ConfigureAwait(false)).Text;
    }
}
