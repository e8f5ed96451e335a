using Hyperspace.Actors.Chain;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Tests.CommandLine;

public class ChainsFileTests
{
    private const string Token = """{"address":"0x1111111111111111111111111111111111111111","name":"T","version":"1","currency":"USDC"}""";

    [Fact]
    public void Known_chains_bring_their_token_and_others_are_described()
    {
        Environment.SetEnvironmentVariable("HYPERSPACE_TEST_RPC", "https://node.example/v2/key");
        var chains = ChainsFile.Parse(
            $$"""
            {"chains": [ // the preferred one first
              {"chain": "Base", "rpcUrl": "env:HYPERSPACE_TEST_RPC", "escrow": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "maxFeeGwei": 2},
              {"chain": "arbitrum", "rpcUrl": "http://127.0.0.1:1"},
              {"chain": "mine", "chainId": 31337, "rpcUrl": "http://127.0.0.1:2", "confirmations": 0, "token": {{Token}}},
            ]}
            """,
            "f");
        Assert.Equal(["base", "arbitrum", "mine"], chains.Select(c => c.Name));
        Assert.Equal([8453UL, 42161, 31337], chains.Select(c => c.ChainId));
        Assert.Equal("https://node.example/v2/key", chains[0].RpcUrl.ToString());
        Assert.Equal("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", EvmAddress.Checksummed(chains[0].Token.Address.Span));
        Assert.Equal("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", EvmAddress.Checksummed(chains[0].Escrow!.Value.Span));
        Assert.Equal(2_000_000_000UL, chains[0].MaxFeePerGasWei);
        Assert.Equal("0xaf88d065e77c8cC2239327C5EDb3A432268e5831", EvmAddress.Checksummed(chains[1].Token.Address.Span));
        Assert.Equal((0, null), (chains[2].Confirmations, chains[2].Escrow));
    }

    [Theory]
    [InlineData("""{""", "not JSON")]
    [InlineData("""{}""", "chains is no list")]
    [InlineData("""{"chain":[]}""", "'chain' is not known")]
    [InlineData("""{"chains":[1]}""", "chains[0]: is no object")]
    [InlineData("""{"chains":[{"chain":"base"}]}""", "rpcUrl is missing")]
    [InlineData("""{"chains":[{"chain":"base","rpcUrl":"key-123"}]}""", "rpcUrl is no http")]
    [InlineData("""{"chains":[{"chain":"base","rpcUrl":"env:HYPERSPACE_TEST_UNSET"}]}""", "HYPERSPACE_TEST_UNSET")]
    [InlineData("""{"chains":[{"chain":"base","rpcUrl":"http://a","chainId":1}]}""", "base is chain 8453")]
    [InlineData("""{"chains":[{"chain":"base","rpcUrl":"http://a","escrow":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"}]}""", "checksum")]
    [InlineData("""{"chains":[{"chain":"base","rpcUrl":"http://a","escrow":"0x12"}]}""", "no address")]
    [InlineData("""{"chains":[{"chain":"base","rpcUrl":"http://a","confirmations":-1}]}""", "confirmations")]
    [InlineData("""{"chains":[{"chain":"base","rpcUrl":"http://a","confirmations":1.5}]}""", "confirmations")]
    [InlineData("""{"chains":[{"chain":"base","rpcUrl":"http://a","escrwo":"0x"}]}""", "'escrwo' is not known")]
    [InlineData("""{"chains":[{"chain":"a1","rpcUrl":"http://a"}]}""", "token is missing")]
    [InlineData("""{"chains":[{"chain":"x","rpcUrl":"http://a"}]}""", "chainId is missing")]
    [InlineData("""{"chains":[{"chain":"x","chainId":0,"rpcUrl":"http://a"}]}""", "chainId is no whole number")]
    [InlineData("""{"chains":[{"chain":"base","rpcUrl":"http://a"},{"chain":"base","rpcUrl":"http://b"}]}""", "twice")]
    public void What_is_wrong_is_named_and_no_url_repeated(string text, string named)
    {
        var wrong = Assert.Throws<CommandException>(() => ChainsFile.Parse(text, "f"));
        Assert.Contains(named, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("key-123", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong.Message);
    }

    [Fact]
    public void No_file_in_the_data_directory_is_no_chain_and_a_named_one_must_be_there()
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-chains-").FullName;
        try
        {
            Assert.Empty(ChainsFile.Read(null, directory));
            Assert.Throws<CommandException>(() => ChainsFile.Read(Path.Combine(directory, "no.json"), directory));
            File.WriteAllText(Path.Combine(directory, ChainsFile.Name), """{"chains":[{"chain":"base","rpcUrl":"http://127.0.0.1:1"}]}""");
            Assert.Single(ChainsFile.Read(null, directory));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
