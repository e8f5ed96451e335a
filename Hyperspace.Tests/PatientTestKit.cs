using Akka.Configuration;
using Akka.TestKit.Xunit2;

namespace Hyperspace.Tests;

/// <summary>Akka's test kit with the patience of the other tests: what is expected comes in time on a machine that is busy, too.</summary>
public abstract class PatientTestKit : TestKit
{
    /// <param name="settings">Of the actor system, in HOCON.</param>
    protected PatientTestKit(string settings = "")
        : base(ConfigurationFactory.ParseString($"akka.test {{ single-expect-default = 20s, default-timeout = 20s, filter-leeway = 20s }}\n{settings}"))
    {
    }
}
