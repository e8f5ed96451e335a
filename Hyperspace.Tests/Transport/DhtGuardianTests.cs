using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Akka.Actor;
using Hyperspace.Actors.Transport;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Switch;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.Transport;

public class DhtGuardianTests : PatientTestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly KademliaOptions Options = new() { Validators = new Dictionary<string, IRecordValidator> { ["v"] = new AnyValue() } };
    private static readonly byte[] Key = Encoding.ASCII.GetBytes("/v/name");
    private static readonly byte[] Multihash = [0x12, 0x20, .. SHA256.HashData("content"u8)];

    [Fact]
    public async Task Records_providers_and_peers_are_put_and_found_through_the_actor()
    {
        await using var pair = await Pair.StartAsync();
        var dht = Dht(pair.Routing);
        dht.Tell(new DhtCommands.Put(Key, [1, 2, 3]));
        await ExpectMsgAsync<DhtStored>(m => Assert.Equal(1, m.Peers), Patience);
        dht.Tell(new DhtCommands.Get(Key));
        await ExpectMsgAsync<DhtValue>(m => Assert.Equal([1, 2, 3], m.Value), Patience);
        dht.Tell(new DhtCommands.Get(Encoding.ASCII.GetBytes("/v/other")));
        await ExpectMsgAsync<DhtValue>(m => Assert.Null(m.Value), Patience);
        dht.Tell(new DhtCommands.Provide(Multihash));
        await ExpectMsgAsync<DhtProvided>(m => Assert.Equal(1, m.Peers), Patience);
        dht.Tell(new DhtCommands.FindProviders(Multihash, 5));
        await ExpectMsgAsync<DhtProviders>(m => Assert.Equal([pair.Here.PeerId.ToString()], m.Peers.Select(p => p.PeerId)), Patience);
        dht.Tell(new DhtCommands.FindPeer(pair.There.PeerId.ToString()));
        await ExpectMsgAsync<DhtPeer>(m => Assert.NotEmpty(m.Addresses), Patience);
    }

    [Fact]
    public async Task What_is_provided_and_stored_outlives_the_actor()
    {
        await using var pair = await Pair.StartAsync();
        var dht = Dht(pair.Routing);
        dht.Tell(new DhtCommands.Provide(Multihash));
        await ExpectMsgAsync<DhtProvided>(Patience);
        dht.Tell(new DhtCommands.Put(Key, [7]));
        await ExpectMsgAsync<DhtStored>(Patience);

        Sys.ActorSelection("/user/dht/*").Tell(Kill.Instance);

        await AskUntilAsync<DhtProviders>(dht, new DhtCommands.FindProviders(Multihash, 5), m => m.Peers.Count == 1);
        await AskUntilAsync<DhtValue>(dht, new DhtCommands.Get(Key), m => m.Value is [7]);
        var providers = new List<PeerAddresses>();
        await foreach (var provider in pair.RoutingThere.FindProvidersAsync(Multihash, 5))
        {
            providers.Add(provider);
        }

        Assert.Equal([pair.Here.PeerId], providers.Select(p => p.Peer));
    }

    [Fact]
    public async Task Queries_beyond_the_limit_are_refused_at_once_and_a_crash_answers_those_that_run()
    {
        var dht = Dht(new StuckRouting());
        var taken = DhtActor.MaxQueries + DhtActor.MaxWaitingQueries;
        for (var i = 0; i < taken + 3; i++)
        {
            dht.Tell(new DhtCommands.Get(Key));
        }

        for (var i = 0; i < 3; i++)
        {
            await ExpectMsgAsync<Refusal>(m => Assert.Equal(ErrorCodes.RateLimited, m.Code), Patience);
        }

        Sys.ActorSelection("/user/dht/*").Tell(Kill.Instance);
        for (var i = 0; i < taken; i++)
        {
            await ExpectMsgAsync<Refusal>(m => Assert.Equal(ErrorCodes.Internal, m.Code), Patience);
        }
    }

    [Fact]
    public async Task A_failing_query_is_a_reply_and_the_actor_lives_on()
    {
        await using var pair = await Pair.StartAsync();
        var dht = Dht(pair.Routing);
        dht.Tell(new DhtCommands.Put(Encoding.ASCII.GetBytes("/unknown/name"), [1]));
        await ExpectMsgAsync<Refusal>(m => Assert.Equal(ErrorCodes.InvalidParams, m.Code), Patience);
        dht.Tell(new DhtCommands.Provide([1, 2, 3]));
        await ExpectMsgAsync<Refusal>(m => Assert.Equal(ErrorCodes.InvalidParams, m.Code), Patience);
        dht.Tell(new DhtCommands.FindPeer("nobody"));
        await ExpectMsgAsync<Refusal>(m => Assert.Equal(ErrorCodes.InvalidParams, m.Code), Patience);
        dht.Tell(new DhtCommands.Put(Key, [1]));
        await ExpectMsgAsync<DhtStored>(Patience);
    }

    private IActorRef Dht(IContentRouting routing) => Sys.ActorOf(Props.Create(() => new DhtGuardian(routing, NullLoggerFactory.Instance)), "dht");

    private static Task AskUntilAsync<T>(IActorRef dht, object command, Func<T, bool> satisfied) =>
        Eventually.TrueAsync(async () => await dht.Ask<object>(command, Patience) is T answer && satisfied(answer));

    private sealed class AnyValue : IRecordValidator
    {
        public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => true;

        public int Select(ReadOnlySpan<byte> key, IReadOnlyList<ReadOnlyMemory<byte>> values) => 0;
    }

    /// <summary>Two connected peers that serve the DHT.</summary>
    private sealed class Pair(TestSwitch here, TestSwitch there) : IAsyncDisposable
    {
        public TestSwitch Here => here;

        public TestSwitch There => there;

        public KademliaService Routing { get; } = new(here.Switch, Options);

        public KademliaService RoutingThere { get; } = new(there.Switch, Options);

        public static async Task<Pair> StartAsync()
        {
            var pair = new Pair(await TestSwitch.StartAsync(), await TestSwitch.StartAsync());
            await pair.Here.Switch.DialAsync(pair.There.Address);
            await Eventually.TrueAsync(() => pair.Routing.RoutingTableSize == 1 && pair.RoutingThere.RoutingTableSize == 1);
            return pair;
        }

        public async ValueTask DisposeAsync()
        {
            await Routing.DisposeAsync();
            await RoutingThere.DisposeAsync();
            await here.DisposeAsync();
            await there.DisposeAsync();
        }
    }

    /// <summary>A DHT in which no query ever ends by itself.</summary>
    private sealed class StuckRouting : IContentRouting
    {
        public int RoutingTableSize => 0;

        public async Task<int> ProvideAsync(ReadOnlyMemory<byte> multihash, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }

        public void Unprovide(ReadOnlyMemory<byte> multihash)
        {
        }

        public async IAsyncEnumerable<PeerAddresses> FindProvidersAsync(ReadOnlyMemory<byte> multihash, int limit, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            yield break;
        }

        public async Task<int> PutValueAsync(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }

        public async Task<ReadOnlyMemory<byte>?> GetValueAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return null;
        }

        public async IAsyncEnumerable<ReadOnlyMemory<byte>> SearchValueAsync(ReadOnlyMemory<byte> key, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            yield break;
        }

        public async Task<PeerAddresses?> FindPeerAsync(PeerId peer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return null;
        }
    }
}
