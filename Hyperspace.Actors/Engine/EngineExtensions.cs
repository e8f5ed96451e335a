using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Cluster.Hosting.SBR;
using Akka.Event;
using Akka.Hosting;
using Akka.Remote.Hosting;

namespace Hyperspace.Actors.Engine;

/// <summary>The engine that every primitive runs on.</summary>
public static class EngineExtensions
{
    /// <summary>The cluster role of a process that serves this peer's identity.</summary>
    public const string PeerRole = "peer";

    private static readonly TimeSpan JoinTimeout = TimeSpan.FromSeconds(20);

    /// <summary>
    /// A cluster of one that joins itself, without a port unless <see cref="PeerOptions.Cluster"/> says where, sharding and distributed data in memory, the
    /// two SQLite journals of <see cref="Journals"/>, and serialization of known types only. The host's start returns when
    /// the cluster is up.
    /// </summary>
    public static AkkaConfigurationBuilder WithHyperspaceEngine(this AkkaConfigurationBuilder builder, PeerOptions options) => builder
        .ConfigureLoggers(loggers =>
        {
            loggers.LogLevel = LogLevel.WarningLevel;
            loggers.ClearLoggers();
            loggers.AddLoggerFactory();
        })
        .AddHocon(Settings, HoconAddMode.Prepend)
        .WithRemoting(options)
        .WithClustering(new ClusterOptions
        {
            Roles = [PeerRole],
            MinimumNumberOfMembers = 1,
            SplitBrainResolver = new KeepMajorityOption(),
            LogInfo = false,
        })
        .WithSqliteJournals(options.DataDirectory)
        .WithKnownTypesOnly()
        .AddStartup((system, _) => JoinSelf(system));

    /// <summary>Largest message between processes of one peer, in bytes: a session with its whole trace fits.</summary>
    internal const int MaxFrameBytes = 8 * 1024 * 1024;

    private static AkkaConfigurationBuilder WithRemoting(this AkkaConfigurationBuilder builder, PeerOptions options)
    {
        if (options.Cluster is not { } endpoint)
        {
            return builder.AddHocon(IsolatedTransport.Settings, HoconAddMode.Prepend);
        }

        Directory.CreateDirectory(options.DataDirectory);
        return builder.WithRemoting(new RemoteOptions
        {
            HostName = endpoint.Host,
            Port = endpoint.Port,
            MaxFrameSize = MaxFrameBytes,
            SendBufferSize = MaxFrameBytes,
            ReceiveBufferSize = MaxFrameBytes,
            EnableSsl = true,
            Ssl = ClusterCertificate.Mutual(ClusterCertificate.LoadOrCreate(options.DataDirectory, TimeProvider.System)),
        });
    }

    private static async Task JoinSelf(ActorSystem system)
    {
        var cluster = Cluster.Get(system);
        using var timeout = new CancellationTokenSource(JoinTimeout);
        await cluster.JoinAsync(cluster.SelfAddress, timeout.Token);
    }

    // A cluster of one should be up at once: the waits that let a large cluster settle are cut short. Ordered leaving
    // stays on, so that shards hand over and journals flush before the process ends.
    private const string Settings =
        """
        akka {
          log-dead-letters = off
          log-dead-letters-during-shutdown = off
          coordinated-shutdown {
            exit-clr = off
            run-by-clr-shutdown-hook = off
            phases.cluster-sharding-shutdown-region.timeout = 5s
            phases.cluster-leave.timeout = 3s
            phases.cluster-exiting.timeout = 3s
            phases.cluster-exiting-done.timeout = 2s
          }
          # Wakes 20 times a second instead of 100: an idle peer should cost nothing.
          scheduler.tick-duration = 50ms
          actor.serialization-settings.allow-unregistered-types = off
          remote {
            log-remote-lifecycle-events = off
            # On Linux the default would let two processes bind one port without an error.
            dot-netty.tcp.tcp-reuse-addr = off
          }
          cluster {
            periodic-tasks-initial-delay = 20ms
            gossip-interval = 250ms
            leader-actions-interval = 100ms
            retry-unsuccessful-join-after = 1s
            distributed-data.durable.keys = []
            singleton.hand-over-retry-interval = 200ms
            # Akka.Cluster.Tools 1.5.73 warns at every start and stop, not after its 30 seconds.
            singleton-proxy.log-singleton-identification-failure = off
            sharding {
              role = ""
              state-store-mode = ddata
              remember-entities = off
              retry-interval = 250ms
              coordinator-failure-backoff = 500ms
              waiting-for-state-timeout = 500ms
              distributed-data.durable.keys = []
              least-shard-allocation-strategy.rebalance-absolute-limit = 2
            }
          }
        }
        """;
}
