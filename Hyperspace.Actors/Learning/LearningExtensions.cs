using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.DependencyInjection;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Learning;

/// <summary>Wires trajectories and playbooks into a peer.</summary>
public static class LearningExtensions
{
    /// <summary>
    /// Registers <see cref="ActorKeys.Learning"/> and serves <c>trajectories.sync</c> and <c>trajectories.body</c>. Call it after the engine and after
    /// <see cref="ActorKeys.Gossip"/> is registered. Needs <see cref="PeerIdentity"/>, <see cref="HybridClock"/>,
    /// <see cref="TimeProvider"/>, <see cref="PeerOptions"/>, <see cref="IRpc"/> and <see cref="ISwitch"/> among the services. Set
    /// <see cref="TrajectoryTopicValidator"/> on the mesh for <see cref="Topics.TrajectoriesPrefix"/>.
    /// </summary>
    public static AkkaConfigurationBuilder WithLearning(this AkkaConfigurationBuilder builder)
    {
        // Made with the first region; the door reads what is unfinished from it.
        ExperienceStore? store = null;
        return builder
            .WithJournalFormat("hyperspace-learning", SerializerIds.Learning, LearningJournal.Format)
            .WithShardRegion<TaskTypes>(
                "task-types",
                (system, registry, resolver) =>
                {
                    var options = resolver.GetService<PeerOptions>();
                    var identity = resolver.GetService<PeerIdentity>();
                    var trust = resolver.GetService<ITrust>();
                    store = new ExperienceStore(
                        options.DataDirectory, identity.PeerId.ToString(), options.Learning.Experience, resolver.GetService<ILoggerFactory>().CreateLogger("learning"),
                        trust is null ? null : author => trust.WeightOf(author) > 0);
                    system.RegisterOnTermination(() => store.DisposeAsync().AsTask().GetAwaiter().GetResult());
                    var rpc = resolver.GetService<IRpc>();
                    var network = resolver.GetService<ISwitch>();
                    var time = resolver.GetService<TimeProvider>();
                    var bodies = new RunBodies(identity.PeerId, rpc, network, store, time);
                    rpc.Handle(RpcMethods.TrajectoriesBody, bodies.Serve);
                    var trajectories = new TrajectoryServices(
                        identity, resolver.GetService<HybridClock>(), time, new NeighbourTrajectories(rpc, network), store, bodies, options.Learning.SyncInterval, Random.Shared);
                    var workingSets = system.ActorOf(Props.Create(() => new WorkingSetsActor(options.Learning.WorkingSetBytes)), "working-sets");
                    var services = new LearningServices(
                        trajectories, options.Learning, new ContrastReflector(), RunReflectorOf(options.Learning, trajectories.Time, system), workingSets, trust);
                    return taskType => Props.Create(() => new TaskTypeActor(taskType, services, registry));
                },
                ShardingDefaults.Extractor<ITaskTypeMessage>(message => message.TaskType),
                ShardingDefaults.Options)
            .WithShardRegion<FollowedTaskTypes>(
                "followed-task-types",
                (_, registry, resolver) =>
                {
                    var time = resolver.GetService<TimeProvider>();
                    return _ => Props.Create(() => new FollowedTaskTypesActor(registry, time));
                },
                ShardingDefaults.Extractor<IFollowMessage>(_ => FollowedTaskTypesActor.EntityId),
                ShardingDefaults.Options)
            .WithActors((system, registry, resolver) =>
            {
                var taskTypes = registry.Get<TaskTypes>();
                var followed = registry.Get<FollowedTaskTypes>();
                var network = resolver.GetService<ISwitch>();
                registry.Register<ActorKeys.Learning>(system.ActorOf(Props.Create(() => new LearningActor(taskTypes, followed, network, store!)), "learning"));
                resolver.GetService<IRpc>().Handle(RpcMethods.TrajectoriesSync, new TrajectorySync(taskTypes, followed).Serve);
            });
    }

    private static IRunReflector RunReflectorOf(LearningOptions options, TimeProvider time, ActorSystem system)
    {
        if (options.Reflector is not { } endpoint)
        {
            return new OutcomeReflector();
        }

        var reflector = new ChatReflector(ModelClients.Chat(endpoint), time);
        system.RegisterOnTermination(reflector.Dispose);
        return reflector;
    }

    /// <summary>Key of the shard region of task types.</summary>
    internal sealed class TaskTypes;

    /// <summary>Key of the shard region of the list of followed task types.</summary>
    internal sealed class FollowedTaskTypes;
}
