using Xunit.Abstractions;

namespace Hyperspace.Tests.Reputation;

public sealed class PoisonTests(ITestOutputHelper output)
{
    private const int Peers = 16;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_quarter_that_lies_at_ten_times_the_volume_costs_the_others_at_most_a_tenth(int seed)
    {
        // What they have among themselves; how much four more honest ones would bring is not the lies' doing.
        var clean = new Bandit(seed, Peers - 4);
        clean.Run(120, _ => 0);
        var naive = new Bandit(seed, Peers, trusting: false);
        naive.Run(120, l => IsLiar(naive, l, 4) ? 10 : 0);
        var wary = new Bandit(seed, Peers);
        wary.Run(120, l => IsLiar(wary, l, 4) ? 10 : 0);

        var before = clean.Test(clean.Learners);
        var undefended = naive.Test(naive.Learners.Skip(4));
        var defended = wary.Test(wary.Learners.Skip(4));
        output.WriteLine($"clean {before}, undefended {undefended}, defended {defended}");
        output.WriteLine(string.Join(" ", wary.Learners.Select(l => $"{wary.Learners[^1].Trust.WeightOf(l.Name):0.00}")));
        Assert.True(undefended.Accuracy < 0.5 * before.Accuracy, $"the attack is real: {undefended} of {before}");
        Assert.True(defended.Accuracy >= 0.9 * before.Accuracy, $"{defended} of {before}");
        Assert.True(defended.Promotion <= 2 * Math.Max(before.Promotion, Bandit.FairShare), $"{defended} of {before}");
    }

    [Fact]
    public void Trust_costs_an_honest_network_next_to_nothing()
    {
        var trusting = new Bandit(5, Peers);
        trusting.Run(120, _ => 0);
        var naive = new Bandit(5, Peers, trusting: false);
        naive.Run(120, _ => 0);
        var (with, without) = (trusting.Test(trusting.Learners), naive.Test(naive.Learners));
        output.WriteLine($"with {with}, without {without}");
        Assert.True(with.Accuracy >= 0.95 * without.Accuracy, $"{with} of {without}");
    }

    [Fact]
    public void Ten_identities_gain_no_more_than_one_at_ten_times_the_volume()
    {
        List<((double Accuracy, double Promotion) One, (double Accuracy, double Promotion) Ten)> worlds = [];
        for (var seed = 7; seed < 10; seed++)
        {
            var one = new Bandit(seed, Peers + 1);
            one.Run(100, l => IsLiar(one, l, 1) ? 10 : 0);
            var ten = new Bandit(seed, Peers + 10);
            ten.Run(100, l => IsLiar(ten, l, 10) ? 1 : 0);
            worlds.Add((one.Test(one.Learners.Skip(1)), ten.Test(ten.Learners.Skip(10))));
            output.WriteLine($"one {worlds[^1].One}, ten {worlds[^1].Ten}");
        }

        Assert.True(worlds.Average(w => w.Ten.Promotion) <= worlds.Average(w => w.One.Promotion) + 0.01);
        Assert.True(worlds.Average(w => w.Ten.Accuracy) >= 0.9 * worlds.Average(w => w.One.Accuracy));
    }

    [Fact]
    public void A_sleeper_is_caught_soon_before_it_does_harm()
    {
        var world = new Bandit(11, Peers / 2);
        world.Run(500, _ => 0);
        var (sleeper, watcher) = (world.Learners[0], world.Learners[^1]);
        Assert.True(watcher.Trust.WeightOf(sleeper.Name) > 0.5);
        var before = world.Test(world.Learners.Skip(1));

        var (rounds, worst) = (0, 1.0);
        while (watcher.Trust.WeightOf(sleeper.Name) > 0 && rounds < 200)
        {
            world.Run(10, l => l == sleeper ? 10 : 0);
            rounds += 10;
            worst = Math.Min(worst, world.Test(watcher).Accuracy);
        }

        var after = world.Test(world.Learners.Skip(1));
        output.WriteLine($"caught after {rounds} rounds ({rounds * 10} lies); before {before}, after {after}");
        Assert.True(rounds <= 100, $"{rounds} rounds");
        Assert.True(worst >= 0.95 * before.Accuracy, $"{worst} of {before}");
        Assert.True(after.Accuracy >= 0.95 * before.Accuracy, $"{after} of {before}");
    }

    [Fact]
    public void An_honest_newcomer_earns_in()
    {
        var world = new Bandit(13, Peers);
        world.Run(120, l => IsLiar(world, l, 4) ? 10 : 0);
        var newcomer = world.Join("newcomer");
        var watcher = world.Learners[Peers - 1];
        Assert.Equal(0, watcher.Trust.WeightOf(newcomer.Name));
        while (watcher.Trust.WeightOf(newcomer.Name) <= 0.5 && newcomer.Runs < 400)
        {
            world.Run(10, l => IsLiar(world, l, 4) ? 10 : 0);
        }

        output.WriteLine($"over one half after {newcomer.Runs} runs");
        Assert.True(newcomer.Runs <= 100, $"{newcomer.Runs} runs");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void A_fresh_peer_without_a_run_of_its_own_picks_as_well_as_the_network(int liars)
    {
        var world = new Bandit(17, Peers);
        world.Run(120, l => IsLiar(world, l, liars) ? 10 : 0);
        var network = world.Test(world.Learners.Skip(liars));
        var fresh = world.Join("fresh");
        world.Look(fresh);
        var joined = world.Test(fresh);
        output.WriteLine($"network {network}, fresh {joined}");
        output.WriteLine(string.Join(" ", world.Learners.Select(l => $"{fresh.Trust.WeightOf(l.Name):0.00}")));
        Assert.True(joined.Accuracy >= 0.98 * network.Accuracy, $"{joined} of {network}");
    }

    private static bool IsLiar(Bandit world, Bandit.Learner learner, int liars) => world.Learners.Take(liars).Contains(learner);
}
