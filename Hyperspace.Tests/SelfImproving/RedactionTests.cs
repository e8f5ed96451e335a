using FsCheck.Xunit;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Tests.SelfImproving;

public class RedactionTests
{
    [Theory]
    [InlineData("write to jane.doe+x@mail.example.org now", "write to [redacted:email] now")]
    [InlineData("Authorization: Bearer abcdef0123456789", "Authorization: Bearer [redacted:token]")]
    [InlineData("key sk-proj-ABCDEF0123456789abcdef ok", "key [redacted:api-key] ok")]
    [InlineData("AKIAIOSFODNN7EXAMPLE", "[redacted:api-key]")]
    [InlineData("""{"password":"hunter 2","mode":"any"}""", """{"password":"[redacted:secret]","mode":"any"}""")]
    [InlineData("api_key=12345&x=1", "api_key=[redacted:secret]")]
    [InlineData("""{"max_tokens":5,"secretary":"x"}""", """{"max_tokens":5,"secretary":"x"}""")]
    [InlineData("-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----", "[redacted:private-key]")]
    [InlineData("nothing to hide: docs-search mode=any", "nothing to hide: docs-search mode=any")]
    public void Secrets_are_taken_out_and_the_rest_stays(string text, string expected) =>
        Assert.Equal(expected, Redaction.Apply(text));

    [Property]
    public bool It_is_idempotent(string? text) => Redaction.Apply(Redaction.Apply(text ?? "")) == Redaction.Apply(text ?? "");

    [Fact]
    public void Every_text_of_a_recorded_run_is_redacted_before_it_is_signed()
    {
        const string Secret = "mallory@example.org";
        var step = new TrajectoryStepView("tool", Secret, Secret, Secret, Secret, default, TimeSpan.Zero, true, Secret);
        var wire = TrajectoryWire.FromRecord(new TrajectoryCommands.Record(Runs.TaskType, Secret, [step], Secret, 1, null), Runs.Now, out _)!;
        Assert.DoesNotContain("mallory", wire.ToString(), StringComparison.Ordinal);
    }
}
