using System.Runtime.Versioning;
using System.Text;
using Hyperspace.Actors.Identity;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Identity;

public sealed class IdentityStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("hyperspace-identity-").FullName;
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    private string Data => Path.Combine(_directory, "data");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_second_start_finds_the_identity_of_the_first()
    {
        var first = IdentityStore.LoadOrCreate(Data, _time);
        _time.Advance(TimeSpan.FromDays(1));
        var second = IdentityStore.LoadOrCreate(Data, _time);
        Assert.Equal(first.PeerId, second.PeerId);
        Assert.Equal(first.Wallet.Address.ToArray(), second.Wallet.Address.ToArray());
        Assert.Equal(first.Binding, second.Binding);
        Assert.Equal(["identity.binding", "identity.key", "wallet.key"], Directory.GetFiles(Data).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
    }

    [SkippableFact]
    [UnsupportedOSPlatform("windows")]
    public void Only_the_owner_can_read_what_is_written()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no file modes.");
        IdentityStore.LoadOrCreate(Data, _time);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Data));
        Assert.All(Directory.GetFiles(Data), f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
    }

    [SkippableTheory]
    [UnsupportedOSPlatform("windows")]
    [InlineData("identity.key")]
    [InlineData("wallet.key")]
    public void A_key_file_that_others_can_read_is_refused_with_the_command_that_closes_it(string file)
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no file modes.");
        IdentityStore.LoadOrCreate(Data, _time);
        File.SetUnixFileMode(Path.Combine(Data, file), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var error = Assert.Throws<IdentityStoreException>(() => IdentityStore.LoadOrCreate(Data, _time));
        Assert.Contains("chmod 600", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("identity.key", "")]
    [InlineData("identity.key", "ed25519:00")]
    [InlineData("identity.key", "ed25519:zz61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")]
    [InlineData("wallet.key", "secp256k1:0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("wallet.key", "ed25519:9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")]
    public void A_damaged_key_file_is_named_and_left_alone(string file, string content)
    {
        IdentityStore.LoadOrCreate(Data, _time);
        var path = Path.Combine(Data, file);
        File.WriteAllText(path, content);
        var error = Assert.Throws<IdentityStoreException>(() => IdentityStore.LoadOrCreate(Data, _time));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("backup", error.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(path));
    }

    [Fact]
    public void A_key_with_one_digit_changed_no_longer_fits_its_binding()
    {
        IdentityStore.LoadOrCreate(Data, _time);
        var path = Path.Combine(Data, "wallet.key");
        var content = Encoding.ASCII.GetBytes(File.ReadAllText(path));
        content[^2] = content[^2] == '1' ? (byte)'2' : (byte)'1';
        File.WriteAllBytes(path, content);
        var error = Assert.Throws<IdentityStoreException>(() => IdentityStore.LoadOrCreate(Data, _time));
        Assert.Contains("does not bind", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lost_binding_is_made_again_and_a_damaged_one_says_so()
    {
        var first = IdentityStore.LoadOrCreate(Data, _time);
        var path = Path.Combine(Data, "identity.binding");
        File.WriteAllBytes(path, [0xff, 0xff]);
        Assert.Throws<IdentityStoreException>(() => IdentityStore.LoadOrCreate(Data, _time));
        File.Delete(path);
        Assert.Equal(first.Binding, IdentityStore.LoadOrCreate(Data, _time).Binding);
    }

    [Fact]
    public async Task Many_starts_at_once_agree_on_one_identity()
    {
        var identities = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => IdentityStore.LoadOrCreate(Data, _time))));
        Assert.Single(identities.Select(i => i.PeerId).Distinct());
        Assert.Single(identities.Select(i => Convert.ToHexString(i.Wallet.Address.Span)).Distinct());
        Assert.Equal(3, Directory.GetFiles(Data).Length);
    }
}
