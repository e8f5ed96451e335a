using Hyperspace.Actors.State;
using Hyperspace.Contracts.State;
using static Hyperspace.Tests.State.Sessions;

namespace Hyperspace.Tests.State;

public class SessionFormatTests
{
    private static readonly TraceStep Full = new(0, "tool", "peer/search", Start, TimeSpan.FromMilliseconds(12), Micro(3000), false, "TOOL_FAILED no", "{}", "");

    private static readonly Dictionary<string, ISessionEvent> Records = new()
    {
        ["session-begun:1"] = new SessionEvents.Begun("s-1", "agent", Micro(100), "{}", Start),
        ["session-reserved:1"] = new SessionEvents.AmountReserved("r-1", Micro(30), "peer/search", "peer:USDC", "h", Start),
        ["session-committed:1"] = new SessionEvents.Committed("r-1", Full),
        ["session-released:1"] = new SessionEvents.Released("r-1", Full with { Cost = Micro(0), Error = null, Input = null, Output = null }),
        ["session-ended:1"] = new SessionEvents.Ended("done", Start),
    };

    // Frozen: what is in somebody's journal is read for ever.
    [Theory]
    [InlineData("session-begun:1", "0a03732d3112056167656e741a08086412045553444322027b7d288081dcb5b9b592ef08")]
    [InlineData("session-reserved:1", "0a03722d311208081e1204555344431a0b706565722f7365617263682209706565723a555344432a0168308081dcb5b9b592ef08")]
    [InlineData("session-committed:1", "0a03722d3112420a04746f6f6c120b706565722f736561726368188081dcb5b9b592ef0820c0a9072a0908b8171204555344433a0e544f4f4c5f4641494c4544206e6f42027b7d4a00")]
    [InlineData("session-released:1", "0a03722d3112290a04746f6f6c120b706565722f736561726368188081dcb5b9b592ef0820c0a9072a06120455534443")]
    [InlineData("session-ended:1", "0a04646f6e65108081dcb5b9b592ef08")]
    public void Each_event_has_frozen_bytes_and_comes_back_from_them(string manifest, string hex)
    {
        var record = Records[manifest];
        Assert.Equal(manifest, SessionFormat.Format.ManifestOf(record));
        Assert.Equal(hex, Convert.ToHexStringLower(SessionFormat.Format.ToBytes(record)));
        Assert.Equal(record, SessionFormat.Format.FromBytes(manifest, Convert.FromHexString(hex)));
    }

    [Fact]
    public void A_snapshot_has_frozen_bytes_and_comes_back_from_them()
    {
        const string hex =
            "0a240a03732d3112056167656e741a08086412045553444322027b7d288081dcb5b9b592ef081a1a0a01621208080a1204555344431a0161308081dc" +
            "b5b9b592ef081a220a0163120808051204555344431a067365617263682a0168308081dcb5b9b592ef082201612a3a0a04746f6f6c120161188081dc" +
            "b5b9b592ef0820c0a9072a08080f1204555344433a0e544f4f4c5f4641494c4544206e6f42077b2271223a317d3218088081dcb5b9b592ef0810031a" +
            "087365617263680a682001";
        var session = Begun(100);
        session.Do(Reserve("b", 10));
        session.Do(Reserve("a", 20, "search", "h"));
        session.Do(Reserve("c", 5, "search", "h"));
        session.Do(new SessionCommands.Commit(Id, "a", Micro(15), Work(ok: false, error: "TOOL_FAILED no")));
        Assert.Equal(hex, Convert.ToHexStringLower(SessionFormat.Format.ToBytes(session.State!)));
        var back = (SessionState)SessionFormat.Format.FromBytes("session-snapshot:1", Convert.FromHexString(hex));
        Assert.Equal(session.State!.View(false), back.View(false) with { Trace = session.State.View(false).Trace });
        Assert.Equal(session.State.Trace, back.Trace);
        Assert.Equal(session.State.Open.OrderBy(o => o.Key), back.Open.OrderBy(o => o.Key));
        Assert.Equal(session.State.Guard, back.Guard);
    }

    [Fact]
    public void Every_event_is_in_the_format_and_in_this_test()
    {
        var events = typeof(SessionEvents).GetNestedTypes().Where(type => type.IsAssignableTo(typeof(ISessionEvent))).ToHashSet();
        Assert.Equal(events, Records.Values.Select(record => record.GetType()).ToHashSet());
        Assert.Subset(SessionFormat.Format.Types.ToHashSet(), events);
        Assert.Subset(SessionFormat.Format.Manifests.ToHashSet(), Records.Keys.ToHashSet());
    }

    [Fact]
    public void Fields_of_a_later_version_are_passed_over()
    {
        var bytes = SessionFormat.Format.ToBytes(Records["session-ended:1"]).Concat(Convert.FromHexString("fa0103787978")).ToArray();
        Assert.Equal(Records["session-ended:1"], SessionFormat.Format.FromBytes("session-ended:1", bytes));
        Assert.Throws<ArgumentException>(() => SessionFormat.Format.FromBytes("session-ended:2", bytes));
    }
}
