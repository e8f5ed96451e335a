using System.Collections.Concurrent;
using System.Globalization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using Hyperspace.Actors.Engine;
using Hyperspace.Host;

namespace Hyperspace.Tests.Engine;

public class RemotingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    // Longer than the control needs, which comes first.
    private static readonly TimeSpan StrangersPatience = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task The_only_process_of_a_peer_opens_no_port_but_for_its_network_and_its_api()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var directory = Directory.CreateTempSubdirectory("hyperspace-ports-");
        try
        {
            await using var peer = await ChildPeer.StartAsync(new ChildPeerOptions("alone", Path.Combine(directory.FullName, "data")), CancellationToken.None);
            var libp2p = int.Parse(peer.Listen.Split('/')[4], CultureInfo.InvariantCulture);
            Assert.Equal(new HashSet<int> { libp2p, peer.ApiUrl.Port }, ListeningPorts(peer.ProcessId));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_cluster_of_one_has_an_address_that_leads_nowhere()
    {
        await using var engine = await EngineFixture.StartAsync(_ => { });
        Assert.Equal("akka.isolated", Cluster.Get(engine.System).SelfAddress.Protocol);
        await Assert.ThrowsAsync<ActorNotFoundException>(() =>
            engine.System.ActorSelection("akka.isolated://hyperspace@elsewhere:1/user/target").ResolveOne(StrangersPatience));
    }

    [Fact]
    public async Task Where_a_peer_listens_for_its_other_processes_only_those_with_its_certificate_can_resolve_or_tell()
    {
        await using var engine = await EngineFixture.StartAsync(_ => { }, options: options => options with { Cluster = new ClusterEndpoint("127.0.0.1", 0) });
        var received = new ConcurrentQueue<string>();
        engine.System.ActorOf(Props.Create(() => new Target(received)), "target");
        var address = Cluster.Get(engine.System).SelfAddress;

        using var own = ClusterCertificate.LoadOrCreate(engine.Options.DataDirectory, TimeProvider.System);
        using (var sibling = System(new DotNettySslSetup(own, suppressValidation: true, requireMutualAuthentication: true)))
        {
            await TellAsync(sibling, address, "from a sibling", Patience);
        }

        var elsewhere = Directory.CreateTempSubdirectory("hyperspace-stranger-");
        try
        {
            using var other = ClusterCertificate.LoadOrCreate(elsewhere.FullName, TimeProvider.System);
            using (var stranger = System(new DotNettySslSetup(other, suppressValidation: true, requireMutualAuthentication: true)))
            {
                await Assert.ThrowsAsync<ActorNotFoundException>(() => TellAsync(stranger, address, "with another certificate", StrangersPatience));
            }

            using (var plain = System(null))
            {
                await Assert.ThrowsAsync<ActorNotFoundException>(() => TellAsync(plain, address.WithProtocol("akka.tcp"), "without tls", StrangersPatience));
            }
        }
        finally
        {
            elsewhere.Delete(recursive: true);
        }

        Assert.Equal(["from a sibling"], received);

        static async Task TellAsync(ActorSystem from, Address to, string text, TimeSpan patience)
        {
            var selection = from.ActorSelection($"{to}/user/target");
            selection.Tell(text);
            var resolved = await selection.ResolveOne(patience);
            Assert.Equal("there", await resolved.Ask<string>("there?", patience));
        }
    }

    [Fact]
    public void The_certificate_is_kept_and_readable_by_its_owner_only()
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-certificate-");
        try
        {
            using var made = ClusterCertificate.LoadOrCreate(directory.FullName, TimeProvider.System);
            using var kept = ClusterCertificate.LoadOrCreate(directory.FullName, TimeProvider.System);
            Assert.Equal(made.RawData, kept.RawData);
            Assert.True(kept.HasPrivateKey);
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory.FullName, ClusterCertificate.FileName)));
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static ActorSystem System(DotNettySslSetup? ssl)
    {
        var config = ConfigurationFactory.ParseString(
            $$"""
            akka {
              loglevel = OFF
              stdout-loglevel = OFF
              actor.provider = remote
              remote.dot-netty.tcp {
                hostname = "127.0.0.1"
                port = 0
                enable-ssl = {{(ssl is null ? "off" : "on")}}
              }
            }
            """);
        var setup = BootstrapSetup.Create().WithConfig(config);
        return ActorSystem.Create("stranger", ssl is null ? ActorSystemSetup.Create(setup) : setup.And(ssl));
    }

    private static HashSet<int> ListeningPorts(int process)
    {
        var own = Directory.GetFiles($"/proc/{process}/fd")
            .Select(fd => new FileInfo(fd).LinkTarget)
            .OfType<string>()
            .Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
            .Select(target => target["socket:[".Length..^1])
            .ToHashSet();

        // Columns: 1 local address, 3 state (0A: listening), 9 inode.
        return File.ReadAllLines($"/proc/{process}/net/tcp").Concat(File.ReadAllLines($"/proc/{process}/net/tcp6"))
            .Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(columns => columns[3] == "0A" && own.Contains(columns[9]))
            .Select(columns => int.Parse(columns[1].Split(':')[^1], NumberStyles.HexNumber, CultureInfo.InvariantCulture))
            .ToHashSet();
    }

    private sealed class Target : ReceiveActor
    {
        public Target(ConcurrentQueue<string> received)
        {
            Receive<string>(text => text == "there?", _ => Sender.Tell("there"));
            Receive<string>(received.Enqueue);
        }
    }
}
