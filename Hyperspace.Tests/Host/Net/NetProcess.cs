using System.Diagnostics;
using Hyperspace.Host;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Tests.Host.Net;

/// <summary>Starts <c>hyperspace net</c> on loopback.</summary>
internal static class NetProcess
{
    public static Task<JsonLinesPeer> StartAsync(params string[] arguments) =>
        JsonLinesPeer.StartAsync("hyperspace net", new ProcessStartInfo("dotnet", [typeof(PeerProcess).Assembly.Location, "net", "--listen", "/ip4/127.0.0.1/tcp/0", .. arguments]));
}
